"""The levels of a 2.x: buckets ``<db>``, ``<db>/minutes``, ``<db>/hours``, and the mappings InfluxQL reads them by.

The mappings that a 2.x makes up by itself from a bucket's name would do; explicit ones stay when a bucket is renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orewatch.storage.influx_changes import Change, Done, SetupError, answered, judge
from orewatch.storage.levels import Level, spoken

if TYPE_CHECKING:
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Retention

NOT_FOUND = 404


def ensure_buckets(
    server: InfluxServer, retention: Retention, *, now_ms: int, force: bool, only_missing: bool
) -> list[Change]:
    """Make the buckets and mappings; see :func:`orewatch.storage.influx_setup.ensure`."""
    del now_ms  # a 2.x does not tell how old its files are
    org = org_id(server)
    changes = []
    for level in Level:
        bucket, change = _bucket(server, retention, level, org, force=force, only_missing=only_missing)
        changes += [change, _mapping(server, level, org, bucket["id"], force=force)]
    return changes


def org_id(server: InfluxServer) -> str:
    """Return the id of our organisation; :class:`SetupError` where there is none that we may see."""
    name = server.target.org
    answer = server.http.get("/api/v2/orgs", params={"org": name})
    found = [] if answer.status_code == NOT_FOUND else answered(answer, f"organisation {name}").json().get("orgs", [])
    if not found:
        raise SetupError(
            f"organisation {name!r}: none that this token may see; look at the settings influx.organisation and"
            " influx.token (making buckets needs an all-access token)"
        )
    return str(found[0]["id"])


def find_bucket(server: InfluxServer, org: str, name: str) -> dict[str, Any] | None:
    """Return a bucket as the server describes it, None where there is none of that name."""
    answer = server.http.get("/api/v2/buckets", params={"orgID": org, "name": name})
    if answer.status_code == NOT_FOUND:
        return None
    found: list[dict[str, Any]] = answered(answer, f"bucket {name}").json().get("buckets", [])
    return next((bucket for bucket in found if bucket["name"] == name), None)


def kept_seconds(bucket: dict[str, Any]) -> int:
    """Return how long a bucket keeps, in seconds; 0: for ever."""
    return next((int(r["everySeconds"]) for r in bucket.get("retentionRules", []) if r.get("type") == "expire"), 0)


def mappings_of(server: InfluxServer, org: str) -> dict[str, dict[str, Any]]:
    """Return the mappings of our database by retention policy; an explicit one hides a virtual one."""
    answer = server.http.get("/api/v2/dbrps", params={"orgID": org, "db": server.target.database})
    found = answered(answer, "database mappings").json().get("content", [])
    return {m["retention_policy"]: m for m in sorted(found, key=lambda m: not m.get("virtual", False))}


def mapped_policy(server: InfluxServer, level: Level) -> str:
    """Return the retention policy under which InfluxQL finds a level."""
    return server.target.policy(level) or "autogen"


def _bucket(
    server: InfluxServer, retention: Retention, level: Level, org: str, *, force: bool, only_missing: bool
) -> tuple[dict[str, Any], Change]:
    name = server.target.bucket(level)
    thing = f"bucket {name}"
    wanted_s = retention.seconds(level)
    rule = {
        "type": "expire",
        "everySeconds": wanted_s,
        "shardGroupDurationSeconds": retention.shard_seconds(level),
    }
    there = find_bucket(server, org, name)
    if there is None:
        answer = server.http.post("/api/v2/buckets", json={"orgID": org, "name": name, "retentionRules": [rule]})
        made: dict[str, Any] = answered(answer, thing).json()
        return made, Change(thing, Done.MADE, f"keeps {spoken(wanted_s)}")
    verdict = judge(
        kept_s=kept_seconds(there),
        wanted_s=wanted_s,
        loses_nothing=kept_seconds(there) == 0 and _is_empty(server, level),
        force=force,
        only_missing=only_missing,
    )
    if verdict.alter:
        answered(server.http.patch(f"/api/v2/buckets/{there['id']}", json={"retentionRules": [rule]}), thing)
    return there, Change(thing, verdict.done, verdict.detail)


def _is_empty(server: InfluxServer, level: Level) -> bool:
    """Whether nothing is in a bucket yet, as far as InfluxQL can tell."""
    params = {"db": server.target.database, "rp": mapped_policy(server, level)}
    answer = server.http.post("/query", params=params, data={"q": "SHOW MEASUREMENTS"})
    if answer.is_error:
        return False
    results = answer.json().get("results", [])
    return bool(results) and not any("series" in r or "error" in r for r in results)


def _mapping(server: InfluxServer, level: Level, org: str, bucket_id: str, *, force: bool) -> Change:
    database, policy = server.target.database, mapped_policy(server, level)
    thing = f"mapping {database}/{policy}"
    default = level is Level.RAW
    there = mappings_of(server, org).get(policy)
    if there is not None and not there.get("virtual", False):
        if there["bucketID"] == bucket_id:
            if bool(there.get("default", False)) == default or not default:
                return Change(thing, Done.ALREADY)
            answer = server.http.patch(f"/api/v2/dbrps/{there['id']}", params={"orgID": org}, json={"default": True})
            answered(answer, thing)
            return Change(thing, Done.ALTERED, "is the default now")
        if not force:
            return Change(thing, Done.LEFT, "points at another bucket; --force maps it to ours")
        answered(server.http.delete(f"/api/v2/dbrps/{there['id']}", params={"orgID": org}), thing)
    body = {
        "orgID": org,
        "bucketID": bucket_id,
        "database": database,
        "retention_policy": policy,
        "default": default,
    }
    answered(server.http.post("/api/v2/dbrps", json=body), thing)
    return Change(thing, Done.MADE, "the default" if default else "")
