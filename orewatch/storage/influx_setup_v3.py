"""The levels of a 3 Core: databases ``<db>``, ``<db>/minutes``, ``<db>/hours``, whose retention is fixed when made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.storage.influx import shortened
from orewatch.storage.influx_changes import Change, Done, answered
from orewatch.storage.levels import Level, spoken

if TYPE_CHECKING:
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Retention

_PATH = "/api/v3/configure/database"
_EXISTS = 409
_REFUSED = frozenset({400, 422})


def ensure_databases(
    server: InfluxServer, retention: Retention, *, now_ms: int, force: bool, only_missing: bool
) -> list[Change]:
    """Make the databases; see :func:`orewatch.storage.influx_setup.ensure`. What is there cannot be altered."""
    del now_ms, force, only_missing
    there = databases(server)
    return [_database(server, retention, level, there) for level in Level]


def databases(server: InfluxServer) -> set[str]:
    """Return the names of all databases that the server shows us."""
    answer = answered(server.http.get(_PATH, params={"format": "json"}), "databases")
    return {str(row.get("iox::database", "")) for row in answer.json()}


def _database(server: InfluxServer, retention: Retention, level: Level, there: set[str]) -> Change:
    name = server.target.bucket(level)
    thing = f"database {name}"
    fixed = "3 Core fixes what a database keeps when it is made, and does not tell it"
    if name in there:
        return Change(thing, Done.ALREADY, fixed)
    kept = retention.seconds(level)
    body = {"db": name} | ({"retention_period": spoken(kept)} if kept else {})
    answer = server.http.post(_PATH, json=body)
    if answer.status_code == _EXISTS:
        return Change(thing, Done.ALREADY, fixed)
    if answer.status_code in _REFUSED and level is not Level.RAW:
        # Without it only raw scans are kept; they are written and read all the same.
        return Change(thing, Done.REFUSED, f"{shortened(answer.text)}; rollups wait in the journal")
    answered(answer, thing)
    return Change(thing, Done.MADE, f"keeps {spoken(kept)}, for good")
