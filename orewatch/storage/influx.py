"""The way to an InfluxDB of any version: where it is, who we are, and InfluxQL over ``/query``.

InfluxQL is the one query language of every version; only writing differs (see
:mod:`orewatch.storage.influx_writer`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from orewatch.storage.levels import Level
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")
_DETAIL: Final = 300
UNREACHABLE: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxTarget:
    """An InfluxDB and what of it is ours.

    ``url`` such as ``http://influxdb:8086``; ``database`` is the bucket where the server has buckets. Either
    ``token`` (1.8 and later) or ``username`` and ``password``, or neither. ``retention_policy``: where raw scans
    go; None: the default one.
    """

    url: str
    database: str = "orewatch"
    org: str = "orewatch"
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    retention_policy: str | None = None
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url: {self.url!r}; allowed: http://host:port or https://host:port")
        if not self.database:
            raise ValueError("database: empty; allowed: the name of a database or bucket")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s: {self.timeout_s}; allowed: above 0")

    def policy(self, level: Level) -> str | None:
        """Return the retention policy of a level, None for the database's default one."""
        return self.retention_policy if level is Level.RAW else level.value

    def bucket(self, level: Level) -> str:
        """Return the bucket of a level, as 1.8 and later write it."""
        policy = self.policy(level)
        return f"{self.database}/{policy}" if policy else self.database


class Answer(NamedTuple):
    """A server's answer to a write: HTTP status (0: nobody answered), shortened text, Retry-After in seconds."""

    status: int
    detail: str = ""
    retry_after_s: float = 0.0


class Rows(NamedTuple):
    """A series of an InfluxQL answer: tags, column names, and rows of values in that order."""

    measurement: str
    tags: Mapping[str, str]
    columns: Sequence[str]
    values: Sequence[Sequence[Any]]


def shortened(text: str) -> str:
    """Return a server's words on one line, short enough for a log and a dead letter."""
    return " ".join(text.split())[:_DETAIL]


def retry_after_s(value: str | None) -> float:
    """Return a ``Retry-After`` header in seconds; 0 where it is missing or a date."""
    return float(value) if value and value.isdigit() else 0.0


class InfluxServer:
    """An InfluxDB at the end of one connection pool. Thread-safe."""

    def __init__(self, *, target: InfluxTarget, transport: httpx.BaseTransport | None = None) -> None:
        self.target = target
        # Packing an answer takes the server longer than sending it to whoever stands beside it.
        headers = {"Accept-Encoding": "identity"}
        if target.token:
            headers["Authorization"] = f"Token {target.token}"
        auth = (target.username, target.password or "") if target.username else None
        # The environment's proxies are for the internet; a store stands beside us.
        self.http = httpx.Client(
            base_url=target.url,
            headers=headers,
            auth=auth,
            timeout=target.timeout_s,
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def version(self) -> tuple[int, int] | None:
        """Return the server's version (major, minor), None where it does not say.

        :class:`httpx.HTTPError` where nobody answers.
        """
        answer = self.http.get("/ping")
        found = _VERSION.match(answer.headers.get("X-Influxdb-Version", ""))
        if not found:
            # 2.x and 3 tell it there, too, where a proxy keeps the header to itself.
            try:
                told = self.http.get("/health").json()
            except ValueError:
                return None
            found = _VERSION.match(str(told.get("version", ""))) if isinstance(told, dict) else None
        return (int(found[1]), int(found[2])) if found else None

    def query(self, statement: str, *, level: Level = Level.RAW) -> list[list[Rows]]:
        """Return the answers to ``;``-separated InfluxQL statements, one list of series each, times in ms.

        ``level``: where measurements without a retention policy of their own are looked for. A parameter beside
        the statement, because 3 Core takes no policy within it.

        :class:`StoreError` where the server is away, refuses, or finds an error in a statement.
        """
        params = {"db": self.target.database, "epoch": "ms"}
        policy = self.target.policy(level)
        if policy:
            params["rp"] = policy
        try:
            answer = self.http.post("/query", params=params, data={"q": statement})
        except httpx.HTTPError as error:
            raise StoreError(f"InfluxDB at {self.target.url}: {type(error).__name__}: {error}") from error
        if answer.status_code != httpx.codes.OK:
            detail = shortened(answer.text)
            raise StoreError(f"InfluxDB at {self.target.url} answered {answer.status_code}: {detail}")
        try:
            told: list[dict[str, Any]] = answer.json()["results"]
        except (ValueError, KeyError, TypeError) as error:
            # A proxy's own page, an answer that was cut off.
            detail = shortened(answer.text)
            raise StoreError(f"InfluxDB at {self.target.url} answers as none does: {detail}") from error
        results = []
        for result in told:
            if "error" in result:
                raise StoreError(f"InfluxDB at {self.target.url}: {shortened(str(result['error']))}")
            results.append(
                [
                    Rows(s.get("name", ""), s.get("tags", {}), s["columns"], s.get("values", []))
                    for s in result.get("series", [])
                ]
            )
        return results


def quoted(name: str) -> str:
    """Return an InfluxQL identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def literal(value: str) -> str:
    """Return an InfluxQL string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
