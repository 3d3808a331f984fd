"""A small real HTTP server in Grafana's place: it keeps data sources, folders and dashboards as Grafana does.

A save without ``overwrite`` must name the version that is there; each save makes the next one; secrets are never
given back; what comes from provisioning files cannot be changed.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "Bearer secret"
BASIC = "Basic " + base64.b64encode(b"admin:word").decode()


@dataclass
class Grafana:
    url: str = ""
    prefix: str = ""
    failing: int = 0
    # Saves that are still answered before it fails; None: all.
    saves_left: int | None = None
    provisioned: bool = False
    datasources: dict[int, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: C901, PLR0911 - a table of routes
        match [method, *path.strip("/").split("/")]:
            case ["GET", "datasources"]:
                told = [{k: v for k, v in d.items() if k != "secureJsonData"} for d in self.datasources.values()]
                return 200, [t | {"readOnly": self.provisioned, "version": 1} for t in told]
            case ["POST", "datasources"]:
                if any(d[k] == body[k] for d in self.datasources.values() for k in ("name", "uid")):
                    return 409, {"message": "data source with the same name or uid already exists"}
                number = len(self.datasources) + 1
                self._put_datasource(number, body)
                return 200, {"id": number, "message": "Datasource added"}
            case ["PUT", "datasources", number]:
                if self.provisioned:
                    return 403, {"message": "Cannot update read-only data source"}
                self._put_datasource(int(number), body)
                return 200, {"message": "Datasource updated"}
            case ["GET", "folders", uid]:
                return (200, self.folders[uid]) if uid in self.folders else (404, {"message": "folder not found"})
            case ["POST", "folders"]:
                if body["uid"] in self.folders:
                    return 412, {"message": "the folder has been changed by someone else"}
                self.folders[body["uid"]] = body
                return 200, body
            case ["GET", "dashboards", "uid", uid]:
                if uid not in self.dashboards:
                    return 404, {"message": "Dashboard not found"}
                return 200, {"dashboard": self.dashboards[uid], "meta": {"provisioned": self.provisioned}}
            case ["POST", "dashboards", "db"]:
                return self._put_dashboard(body)
        return 404, {"message": f"no such route: {method} {path}"}

    def _put_datasource(self, number: int, body: Any) -> None:
        if body["isDefault"]:
            self.datasources = {n: d | {"isDefault": False} for n, d in self.datasources.items()}
        self.datasources[number] = body | {"id": number}

    def _put_dashboard(self, body: Any) -> tuple[int, Any]:
        board = body["dashboard"]
        if body.get("folderUid") not in self.folders:
            return 400, {"message": "folder not found"}
        if board.get("id") is not None:
            return 404, {"message": "Dashboard not found"}
        if self.provisioned and board["uid"] in self.dashboards:
            return 400, {"message": "Cannot save provisioned dashboard"}
        there = self.dashboards.get(board["uid"])
        if there and not body.get("overwrite") and board.get("version") != there["version"]:
            message = "The dashboard has been changed by someone else"
            return 412, {"message": message, "status": "version-mismatch"}
        if self.saves_left is not None:
            if not self.saves_left:
                return 503, {"message": "not now"}
            self.saves_left -= 1
        version = there["version"] + 1 if there else 1
        self.dashboards[board["uid"]] = board | {"version": version, "id": len(self.dashboards) + 1}
        address = f"{self.prefix}/d/{board['uid']}/x"
        return 200, {"uid": board["uid"], "url": address, "status": "success", "version": version}

    def edit(self, uid: str, **changes: Any) -> None:
        """Save a board as its page in Grafana does: what is known is kept, and the version grows."""
        there = self.dashboards[uid]
        self.dashboards[uid] = there | changes | {"version": there["version"] + 1}


@contextmanager
def grafana(prefix: str = "") -> Iterator[Grafana]:
    """Serve until the block ends."""
    kept = Grafana(prefix=prefix)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.requests.append(f"{self.command} {self.path}")
            base = f"{prefix}/api"
            if kept.failing:
                status, answer = kept.failing, {"message": "not now"}
            elif self.headers.get("Authorization") not in {TOKEN, BASIC}:
                status, answer = 401, {"message": "Unauthorized"}
            elif not self.path.startswith(base):
                status, answer = 404, {"message": "Not found"}
            else:
                status, answer = kept.answer(
                    self.command, self.path.removeprefix(base), json.loads(text) if text else None
                )
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the server looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}{prefix}"
    with serving(server):
        yield kept


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Let a server answer until the block ends."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="grafana-stand-in")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
