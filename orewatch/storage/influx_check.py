"""What is amiss with an InfluxDB, as far as it lets us see: version, levels, mappings, and whether it keeps its word.

A write is acknowledged to be durable only where ``wal-fsync-delay`` is 0: otherwise a loss of power takes the last
writes with it after they were answered, and the projection has moved on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from orewatch.storage.influx_changes import SetupError
from orewatch.storage.influx_setup_v1 import policies_of, seconds_of
from orewatch.storage.influx_setup_v2 import find_bucket, kept_seconds, mapped_policy, mappings_of, org_id
from orewatch.storage.influx_setup_v3 import databases
from orewatch.storage.levels import Level, spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Retention

_INIT: Final = "run: orewatch storage init"
_FSYNC: Final = "set wal-fsync-delay to 0s (1.x: [data] in influxdb.conf; 2.x: storage-wal-fsync-delay), and restart it"


class Finding(NamedTuple):
    """One thing looked at; ``todo`` says what to do where it is not ``ok``. ``ok`` None: could not be seen."""

    name: str
    ok: bool | None
    detail: str
    todo: str = ""


def check_influx(server: InfluxServer, retention: Retention) -> list[Finding]:
    """Return what was looked at, the version first; one finding that is not ok where nobody answers."""
    url = server.target.url
    try:
        version = server.version()
    except httpx.HTTPError as error:
        return [Finding("InfluxDB", False, f"{url}: {type(error).__name__}: {error}", "start it, or mend influx.url")]
    said = "says no version" if version is None else f"version {version[0]}.{version[1]}"
    check = _BY_MAJOR.get(version[0]) if version else None
    if check is None:
        todo = "InfluxDB 1.x, 2.x or 3 is wanted for reading history; others are only written to"
        return [Finding("InfluxDB", None, f"{url} {said}", todo)]
    findings = [Finding("InfluxDB", True, f"{url} {said}")]
    try:
        findings += check(server, retention)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        findings.append(Finding("levels", None, f"answers as no InfluxDB does: {error!r}"))
    except (SetupError, httpx.HTTPError) as error:
        findings.append(Finding("levels", False, str(error), "look at influx.token, influx.username, influx.password"))
    return findings


def _check_v1(server: InfluxServer, retention: Retention) -> list[Finding]:
    policies = policies_of(server)
    if policies is None:
        return [Finding("database", False, f"{server.target.database}: not there", _INIT), _fsync_v1(server)]
    known = {policy.name: policy for policy in policies}
    raw = server.target.retention_policy or next((p.name for p in policies if p.default), "autogen")
    findings = [
        _level(f"retention policy {name}", known[name].kept_s if name in known else None, retention.seconds(level))
        for level, name in ((Level.RAW, raw), (Level.MINUTES, "minutes"), (Level.HOURS, "hours"))
    ]
    return [*findings, _fsync_v1(server)]


def _level(thing: str, kept_s: int | None, wanted_s: int) -> Finding:
    if kept_s is None:
        return Finding(thing, False, "not there", _INIT)
    if kept_s == wanted_s:
        return Finding(thing, True, f"keeps {spoken(kept_s)}")
    detail = f"keeps {spoken(kept_s)}, the settings say {spoken(wanted_s)}"
    if kept_s == 0 or (wanted_s and kept_s > wanted_s):
        return Finding(thing, True, f"{detail}; longer costs only room")
    return Finding(thing, False, detail, _INIT)


def _fsync_v1(server: InfluxServer) -> Finding:
    name = "wal-fsync-delay"
    answer = server.http.post("/query", data={"q": "SHOW DIAGNOSTICS"})
    results: list[dict[str, Any]] = [] if answer.is_error else answer.json().get("results", [])
    for series in (s for result in results for s in result.get("series", [])):
        if series.get("name") == "config-data" and name in series["columns"]:
            return _fsync(str(series["values"][0][series["columns"].index(name)]))
    return Finding(name, None, "the server does not tell it to us", "ask an administrator: it must be 0s")


def _fsync(said: str) -> Finding:
    fine = seconds_of(said) == 0 and not any(c in said for c in "123456789")
    return Finding("wal-fsync-delay", fine, said, "" if fine else _FSYNC)


def _check_v2(server: InfluxServer, retention: Retention) -> list[Finding]:
    org = org_id(server)
    mappings = mappings_of(server, org)
    findings = []
    for level in Level:
        bucket = find_bucket(server, org, server.target.bucket(level))
        thing = f"bucket {server.target.bucket(level)}"
        findings.append(_level(thing, None if bucket is None else kept_seconds(bucket), retention.seconds(level)))
        if bucket is None:
            continue
        policy = mapped_policy(server, level)
        mapping, thing = mappings.get(policy), f"mapping {server.target.database}/{policy}"
        if mapping is None:
            findings.append(Finding(thing, False, "not there: history cannot be read", _INIT))
        elif mapping["bucketID"] != bucket["id"]:
            findings.append(Finding(thing, False, "points at another bucket", f"{_INIT} --force"))
        elif level is Level.RAW and not mapping.get("default", False):
            findings.append(Finding(thing, False, "is not the default: raw scans are looked for elsewhere", _INIT))
        else:
            findings.append(Finding(thing, True, "made up by the server" if mapping.get("virtual") else "explicit"))
    return [*findings, _fsync_v2(server)]


def _fsync_v2(server: InfluxServer) -> Finding:
    answer = server.http.get("/api/v2/config")
    told = {} if answer.is_error else answer.json().get("config", {})
    said = told.get("storage-wal-fsync-delay")
    if said is None:
        todo = "only an operator's token may see it; it must be 0s, the default"
        return Finding("wal-fsync-delay", None, f"not shown to us ({answer.status_code})", todo)
    return _fsync(str(said))


def _check_v3(server: InfluxServer, retention: Retention) -> list[Finding]:
    del retention  # 3 Core does not tell what it keeps
    there = databases(server)
    names = [server.target.bucket(level) for level in Level]
    return [
        Finding(
            f"database {name}", name in there, "there" if name in there else "not there", "" if name in there else _INIT
        )
        for name in names
    ]


_BY_MAJOR: Final[dict[int, Callable[..., list[Finding]]]] = {
    1: _check_v1,
    2: _check_v2,
    3: _check_v3,
}
