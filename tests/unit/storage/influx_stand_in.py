"""A small HTTP server in an InfluxDB's place, which answers writes as it is told to."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Reply:
    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """``decide`` gets the lines of a write and answers; ``kept`` are the lines answered with success."""

    version: str
    decide: Callable[[bytes], Reply] = lambda _: Reply(204)
    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)


@contextmanager
def stand_in(version: str = "v2.7.1") -> Iterator[StandIn]:
    """Serve until the block ends."""
    told = StandIn(version)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._reply(Reply(204, headers={"X-Influxdb-Version": told.version}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.paths.append(self.path)
            told.headers.append(dict(self.headers))
            if self.path.startswith("/query"):
                self._reply(Reply(200, '{"results":[]}'))
                return
            lines = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            reply = told.decide(lines)
            if reply.status == 204:
                told.kept += lines.splitlines()
            self._reply(reply)

        def _reply(self, reply: Reply) -> None:
            body = reply.body.encode()
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="stand-in")
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
