"""Lines of line protocol to one level of an InfluxDB: the way of writing its version has, gzip, and its answer.

influxdb-client sends our raw bytes, synchronously, to ``/api/v2/write``; servers before 1.8 have only
``/write``. Nothing is buffered here, and nothing is sent twice but in smaller pieces.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import httpx
import urllib3
from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException
from isal import igzip

from orewatch.storage.influx import UNREACHABLE, Answer, retry_after_s, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from orewatch.storage.influx import InfluxServer

_LOG: Final = logging.getLogger(__name__)

REFUSED: Final = frozenset({400, 422})
TOO_LARGE: Final = 413
MAX_BODY_BYTES: Final = 8 * 2**20
_V2_SINCE: Final = (1, 8)
_NOT_FOUND: Final = 404
_GZIP_LEVEL: Final = 1
_SMALLEST_LIMIT: Final = 2**16


def is_success(answer: Answer) -> bool:
    """Say whether the server took the lines."""
    return 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's range of success


class InfluxPost:
    """Posts lines into one level: ``retention_policy``, or bucket ``database/retention_policy`` where buckets are.

    ``level`` None: the retention policy that the target names, else the server's default one. One thread at a time.
    """

    def __init__(
        self,
        *,
        server: InfluxServer,
        name: str = "influxdb",
        level: str | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._server = server
        self._name = name
        self._retention_policy = level or server.target.retention_policy
        self._limit = max_body_bytes
        self._send: Callable[[bytes], Answer] | None = None
        self._client: Any = None

    @property
    def limit(self) -> int:
        """The bytes that the server takes at a time, as far as is known; ever fewer once it refused more."""
        return self._limit

    def close(self) -> None:
        """Close the connections that posting opened; the server's own stay open."""
        if self._client is not None:
            self._client.close()
            self._client = self._send = None

    def post(self, lines: bytes) -> Answer:
        """Send lines in one piece; never raises. More than :attr:`limit` is answered 413 without asking."""
        if not lines:
            return Answer(204)
        if len(lines) > self._limit and lines.find(b"\n") + 1 < len(lines):
            return Answer(TOO_LARGE, f"{len(lines)} bytes; at most {self._limit} at a time")
        try:
            if self._send is None:
                self._send = self._choose()
            answer = self._send(igzip.compress(lines, _GZIP_LEVEL))
        except (httpx.HTTPError, urllib3.exceptions.HTTPError) as error:
            # Another version may stand there when it comes back.
            self.close()
            return Answer(UNREACHABLE, f"{type(error).__name__}: {shortened(str(error))}")
        if answer.status == TOO_LARGE:
            self._limit = max(_SMALLEST_LIMIT, len(lines) // 2)
        return answer

    def post_whole(self, lines: bytes) -> Answer:
        """Send lines in as many pieces as the server wants; the first lasting refusal is the answer."""
        waiting = [lines]
        refusal: Answer | None = None
        while waiting:
            piece = waiting.pop()
            answer = self.post(piece)
            middle = piece.rfind(b"\n", 0, len(piece) // 2) + 1 or piece.find(b"\n") + 1
            if answer.status == TOO_LARGE and 0 < middle < len(piece):
                waiting += [piece[middle:], piece[:middle]]
            elif answer.status in REFUSED or answer.status == TOO_LARGE:
                refusal = refusal or answer
            elif not is_success(answer):
                return answer
        return refusal or Answer(204)

    def _choose(self) -> Callable[[bytes], Answer]:
        version = self._server.version()
        if version is not None and version < _V2_SINCE:
            _LOG.info("%s: InfluxDB %d.%d, written by /write", self._name, *version)
            return self._send_v1
        target = self._server.target
        self._client = InfluxDBClient(
            url=target.url,
            org=target.org,
            timeout=int(target.timeout_s * 1000),
            retries=False,
            # 1.8 takes "name:password" where later versions take a token.
            token=target.token or f"{target.username or ''}:{target.password or ''}",
        )
        _LOG.info("%s: written by /api/v2/write", self._name)
        return self._send_v2

    def _send_v1(self, body: bytes) -> Answer:
        params = {"db": self._server.target.database, "precision": "ms"}
        if self._retention_policy:
            params["rp"] = self._retention_policy
        headers = {"Content-Encoding": "gzip"}
        answer = self._server.http.post("/write", params=params, content=body, headers=headers)
        if answer.status_code == _NOT_FOUND:
            self._server.create_database()
            answer = self._server.http.post("/write", params=params, content=body, headers=headers)
        return Answer(answer.status_code, shortened(answer.text), retry_after_s(answer.headers.get("Retry-After")))

    def _send_v2(self, body: bytes) -> Answer:
        target = self._server.target
        bucket = f"{target.database}/{self._retention_policy}" if self._retention_policy else target.database
        try:
            WriteService(self._client.api_client).post_write(
                target.org,
                bucket,
                body,
                precision="ms",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            detail = shortened(str(error.body or error.reason))
            return Answer(error.status or UNREACHABLE, detail, retry_after_s((error.headers or {}).get("Retry-After")))
        return Answer(204)
