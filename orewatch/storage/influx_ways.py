"""The two ways of writing line protocol into an InfluxDB: ``/write`` before 1.8, ``/api/v2/write`` since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException

from orewatch.storage.influx import UNREACHABLE, Answer, retry_after_s
from orewatch.storage.influx_answers import words_of

if TYPE_CHECKING:
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Level

V2_SINCE: Final = (1, 8)


class Way(Protocol):
    """How gzipped lines get to a level; network errors are the caller's."""

    said: str
    """The server's version and the path, for the log."""

    def send(self, body: bytes, level: Level) -> Answer:
        """Post one body."""

    def close(self) -> None:
        """Close what was opened for it."""


class WriteV1:
    """``/write`` with database and retention policy."""

    def __init__(self, server: InfluxServer, version: str) -> None:
        self._server = server
        self.said = f"{version}, written by /write"

    def send(self, body: bytes, level: Level) -> Answer:
        """Post one body."""
        target = self._server.target
        params = {"db": target.database, "precision": "ms"}
        policy = target.policy(level)
        if policy:
            params["rp"] = policy
        answer = self._server.http.post("/write", params=params, content=body, headers={"Content-Encoding": "gzip"})
        return Answer(answer.status_code, words_of(answer.text), retry_after_s(answer.headers.get("Retry-After")))

    def close(self) -> None:
        """Nothing of its own is open."""


class WriteV2:
    """``/api/v2/write`` through influxdb-client, synchronous, raw bytes."""

    def __init__(self, server: InfluxServer, version: str) -> None:
        self.said = f"{version}, written by /api/v2/write"
        self._target = target = server.target
        self._client = InfluxDBClient(
            url=target.url,
            org=target.org,
            timeout=int(target.timeout_s * 1000),
            retries=False,
            # 1.8 takes "name:password" where later versions take a token.
            token=target.token or f"{target.username or ''}:{target.password or ''}",
        )

    def send(self, body: bytes, level: Level) -> Answer:
        """Post one body."""
        try:
            WriteService(self._client.api_client).post_write(
                self._target.org,
                self._target.bucket(level),
                body,
                precision="ms",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            detail = words_of(str(error.body or error.reason))
            return Answer(error.status or UNREACHABLE, detail, retry_after_s((error.headers or {}).get("Retry-After")))
        return Answer(204)

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()


def way_of(server: InfluxServer) -> Way:
    """Return the way that the server's version takes; httpx errors where nobody answers."""
    version = server.version()
    if version is None:
        return WriteV2(server, "a server that does not say its version")
    said = f"InfluxDB {version[0]}.{version[1]}"
    return WriteV1(server, said) if version < V2_SINCE else WriteV2(server, said)
