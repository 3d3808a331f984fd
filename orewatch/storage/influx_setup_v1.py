"""The levels of a 1.x: one database, its default retention policy for raw scans, policies ``minutes`` and ``hours``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orewatch.storage.influx import quoted
from orewatch.storage.influx_changes import Change, Done, SetupError, answered, judge
from orewatch.storage.levels import Level, spoken

if TYPE_CHECKING:
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Retention

_DURATION: Final = re.compile(r"(\d+)(ns|us|µs|ms|s|m|h|d|w)")
_UNIT_S: Final = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
}  # fmt: skip


class Policy(NamedTuple):
    """A retention policy as the server has it; ``kept_s`` 0: for ever."""

    name: str
    kept_s: int
    shard_s: int
    default: bool


def seconds_of(text: str) -> int:
    """Return a duration as a 1.x tells it (``720h0m0s``) in seconds."""
    return round(sum(int(number) * _UNIT_S[unit] for number, unit in _DURATION.findall(text)))


def policies_of(server: InfluxServer) -> list[Policy] | None:
    """Return the retention policies of the database, None where there is no such database."""
    statement = f"SHOW RETENTION POLICIES ON {quoted(server.target.database)}"
    try:
        rows = _asked(server, statement)
    except SetupError as error:
        if "database not found" in str(error):
            return None
        raise
    return [
        Policy(
            str(row["name"]), seconds_of(str(row["duration"])), seconds_of(str(row["shardGroupDuration"])),
            bool(row["default"]),
        )
        for row in rows
    ]  # fmt: skip


def ensure_policies(
    server: InfluxServer, retention: Retention, *, now_ms: int, force: bool, only_missing: bool
) -> list[Change]:
    """Make the database and its retention policies; see :func:`orewatch.storage.influx_setup.ensure`."""
    database = server.target.database
    policies = policies_of(server)
    changes = [Change(f"database {database}", Done.ALREADY if policies is not None else Done.MADE)]
    if fresh := policies is None:
        _asked(server, f"CREATE DATABASE {quoted(database)}")
        policies = policies_of(server) or []
    known = {policy.name: policy for policy in policies}
    raw = server.target.retention_policy or next((p.name for p in policies if p.default), "autogen")
    for level, name in ((Level.RAW, raw), (Level.MINUTES, "minutes"), (Level.HOURS, "hours")):
        thing = f"retention policy {name}"
        there = known.get(name)
        if there is None:
            # Only a database without any default lacks one for raw scans.
            default = " DEFAULT" if level is Level.RAW and not any(p.default for p in policies) else ""
            _asked(server, f"CREATE {_policy(server, retention, level, name)}{default}")
            changes.append(Change(thing, Done.MADE, f"keeps {spoken(retention.seconds(level))}"))
            continue
        wanted_s = retention.seconds(level)
        verdict = judge(
            kept_s=there.kept_s,
            wanted_s=wanted_s,
            loses_nothing=fresh or not _older(server, name, now_ms - wanted_s * 1000),
            force=force,
            only_missing=only_missing and not fresh,
        )
        if verdict.alter:
            _asked(server, f"ALTER {_policy(server, retention, level, name)}")
        changes.append(Change(thing, verdict.done, verdict.detail))
    return changes


def _policy(server: InfluxServer, retention: Retention, level: Level, name: str) -> str:
    kept = retention.seconds(level)
    return (
        f"RETENTION POLICY {quoted(name)} ON {quoted(server.target.database)} DURATION {f'{kept}s' if kept else 'INF'}"
        f" REPLICATION 1 SHARD DURATION {retention.shard_seconds(level)}s"
    )


def _older(server: InfluxServer, policy: str, before_ms: int) -> bool:
    """Whether the policy holds a shard that ends before that time: what shortening would delete."""
    for row in _asked(server, "SHOW SHARD GROUPS"):
        if (row["database"], row["retention_policy"]) == (server.target.database, policy):
            end = datetime.fromisoformat(str(row["end_time"]))
            if end.timestamp() * 1000 <= before_ms:
                return True
    return False


def _asked(server: InfluxServer, statement: str) -> list[dict[str, Any]]:
    """Return the rows of an answer as tables; :class:`SetupError` with the statement and the server's words."""
    answer = answered(server.http.post("/query", data={"q": statement}), statement)
    rows = []
    for result in answer.json().get("results", []):
        if "error" in result:
            raise SetupError(f"{statement}: {result['error']}")
        for series in result.get("series", []):
            rows += [dict(zip(series["columns"], values, strict=True)) for values in series.get("values", [])]
    return rows
