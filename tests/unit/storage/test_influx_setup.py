"""The three levels are made on each version, again without harm; nobody's choice is shortened unasked."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_changes import Done
from orewatch.storage.influx_setup import SetupError, check_influx, ensure
from orewatch.storage.influx_setup_v1 import policies_of, seconds_of
from orewatch.storage.levels import FOREVER, Retention
from tests.servers import free_port
from tests.unit.storage.influx_api_stand_in import TOKEN, Api, api_stand_in
from tests.unit.storage.influx_stand_in import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_S = 86_400
NOW_MS = time.time_ns() // 1_000_000
DAYS = Retention()
_names = itertools.count()


@contextmanager
def at(url: str, database: str = "orewatch", **settings: str) -> Iterator[InfluxServer]:
    server = InfluxServer(target=InfluxTarget(url=url, database=database, token=TOKEN, timeout_s=5, **settings))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def v1(influxd: str) -> Iterator[InfluxServer]:
    with at(influxd, f"setup{next(_names)}") as server:
        yield server


@pytest.fixture(params=["v2.7.1", "v2.0.9"])
def v2(request: pytest.FixtureRequest) -> Iterator[Api]:
    with api_stand_in(request.param) as api:
        yield api


def done(
    server: InfluxServer, retention: Retention = DAYS, *, force: bool = False, only_missing: bool = False
) -> list[Done]:
    changes = ensure(server, retention, now_ms=NOW_MS, force=force, only_missing=only_missing)
    return [change.done for change in changes]


def kept_days(server: InfluxServer) -> dict[str, tuple[float, float]]:
    return {p.name: (p.kept_s / DAY_S, p.shard_s / DAY_S) for p in policies_of(server) or []}


def test_a_1x_gets_database_and_policies_and_then_stays_as_it_is(v1: InfluxServer) -> None:
    assert done(v1) == [Done.MADE, Done.ALTERED, Done.MADE, Done.MADE]
    assert kept_days(v1) == {"autogen": (30, 1), "minutes": (365, 7), "hours": (3650, 84)}
    assert done(v1) == [Done.ALREADY] * 4
    assert [p.name for p in policies_of(v1) or [] if p.default] == ["autogen"]


def test_a_1x_is_lengthened_and_never_shortened_unasked(v1: InfluxServer) -> None:
    done(v1)
    longer = Retention(raw_days=60, minutes_days=None, hours_days=3650)
    assert done(v1, longer) == [Done.ALREADY, Done.ALTERED, Done.ALTERED, Done.ALREADY]
    assert kept_days(v1)["autogen"][0] == 60
    changes = ensure(v1, DAYS, now_ms=NOW_MS)
    assert [c.done for c in changes] == [Done.ALREADY, Done.LEFT, Done.ALTERED, Done.ALREADY]
    assert "keeps 60d, the settings say 30d; --force shortens it" in str(changes[1])
    assert kept_days(v1)["autogen"][0] == 60
    assert done(v1, force=True) == [Done.ALREADY, Done.ALTERED, Done.ALREADY, Done.ALREADY]
    assert kept_days(v1)["autogen"][0] == 30


def test_a_1x_that_keeps_for_ever_by_default_is_shortened_only_where_that_deletes_nothing(v1: InfluxServer) -> None:
    done(v1, FOREVER)
    for days_ago, expected in ((1, Done.ALTERED), (90, Done.LEFT)):
        done(v1, FOREVER)
        line = f"old x=1 {NOW_MS - days_ago * DAY_S * 1000}"
        params = {"db": v1.target.database, "precision": "ms"}
        assert v1.http.post("/write", params=params, content=line).status_code == 204
        assert done(v1)[1] is expected


def test_only_what_is_missing(v1: InfluxServer) -> None:
    done(v1, Retention(raw_days=7))
    v1.query(f'DROP RETENTION POLICY "hours" ON "{v1.target.database}"')
    assert done(v1, only_missing=True) == [Done.ALREADY, Done.LEFT, Done.ALREADY, Done.MADE]
    assert kept_days(v1)["autogen"][0] == 7


def test_a_1x_whose_default_policy_has_another_name(v1: InfluxServer) -> None:
    v1.http.post("/query", data={"q": f'CREATE DATABASE "{v1.target.database}" WITH DURATION 1d NAME "own"'})
    assert done(v1) == [Done.ALREADY, Done.ALTERED, Done.MADE, Done.MADE]
    assert kept_days(v1) == {"own": (30, 1), "minutes": (365, 7), "hours": (3650, 84)}


def test_a_2x_gets_buckets_and_mappings_and_then_stays_as_it_is(v2: Api) -> None:
    with at(v2.url) as server:
        assert done(server) == [Done.MADE] * 6
        assert done(server) == [Done.ALREADY] * 6
    rules = {b["name"]: b["retentionRules"][0] for b in v2.buckets.values()}
    assert {name: rule["everySeconds"] / DAY_S for name, rule in rules.items()} == {
        "orewatch": 30, "orewatch/minutes": 365, "orewatch/hours": 3650,
    }  # fmt: skip
    assert {name: rule["shardGroupDurationSeconds"] / DAY_S for name, rule in rules.items()} == {
        "orewatch": 1, "orewatch/minutes": 7, "orewatch/hours": 84,
    }  # fmt: skip
    ids = {number: b["name"] for number, b in v2.buckets.items()}
    assert sorted((m["retention_policy"], ids[m["bucketID"]], m["default"]) for m in v2.mappings.values()) == [
        ("autogen", "orewatch", True), ("hours", "orewatch/hours", False), ("minutes", "orewatch/minutes", False),
    ]  # fmt: skip


def test_a_2x_is_lengthened_and_never_shortened_unasked(v2: Api) -> None:
    raw, minutes = v2.bucket("orewatch", 90 * DAY_S), v2.bucket("orewatch/minutes", 7 * DAY_S)
    with at(v2.url) as server:
        assert done(server)[::2] == [Done.LEFT, Done.ALTERED, Done.MADE]
        assert v2.buckets[raw]["retentionRules"][0]["everySeconds"] == 90 * DAY_S
        assert v2.buckets[minutes]["retentionRules"][0]["everySeconds"] == 365 * DAY_S
        assert done(server, force=True)[::2] == [Done.ALTERED, Done.ALREADY, Done.ALREADY]
    assert v2.buckets[raw]["retentionRules"][0]["everySeconds"] == 30 * DAY_S


@pytest.mark.parametrize(("measurements", "expected"), [(set(), Done.ALTERED), ({"belt_scale"}, Done.LEFT)])
def test_a_2x_bucket_that_keeps_for_ever_is_shortened_while_it_is_empty(
    v2: Api, measurements: set[str], expected: Done
) -> None:
    v2.bucket("orewatch", 0)
    v2.measurements = measurements
    with at(v2.url) as server:
        assert done(server)[0] is expected


def test_a_mapping_to_another_bucket_is_somebodys_choice(v2: Api) -> None:
    other = v2.bucket("somebody", 0)
    v2.mappings["f"] = {
        "id": "f", "orgID": "x", "bucketID": other, "database": "orewatch", "retention_policy": "minutes",
        "default": False, "virtual": False,
    }  # fmt: skip
    with at(v2.url) as server:
        assert done(server)[3] is Done.LEFT
        (wrong,) = [f for f in check_influx(server, DAYS) if f.ok is False]
        assert (wrong.name, wrong.todo) == ("mapping orewatch/minutes", "run: orewatch storage init --force")
        assert done(server, force=True)[3] is Done.MADE
        assert all(f.ok for f in check_influx(server, DAYS))


def test_a_mapping_that_is_not_the_default_becomes_it(v2: Api) -> None:
    with at(v2.url) as server:
        done(server)
        next(m for m in v2.mappings.values() if m["retention_policy"] == "autogen")["default"] = False
        assert [f.name for f in check_influx(server, DAYS) if not f.ok] == ["mapping orewatch/autogen"]
        assert done(server)[1] is Done.ALTERED
        assert all(f.ok for f in check_influx(server, DAYS))


def test_a_3_core_gets_databases_whose_retention_is_fixed() -> None:
    with api_stand_in("3.4.1") as api, at(api.url) as server:
        assert [f.ok for f in check_influx(server, DAYS)] == [True, False, False, False]
        assert done(server) == [Done.MADE] * 3
        assert api.databases == {"orewatch": "30d", "orewatch/minutes": "365d", "orewatch/hours": "3650d"}
        assert done(server, Retention(raw_days=7)) == [Done.ALREADY] * 3
        assert all(f.ok for f in check_influx(server, DAYS))


def test_a_token_that_may_not_is_told_which_setting(v2: Api) -> None:
    v2.may_write = False
    with at(v2.url) as server, pytest.raises(SetupError, match=r"403: .*insufficient permissions.*influx\.token"):
        done(server)
    server = InfluxServer(target=InfluxTarget(url=v2.url, token="stale"))
    with pytest.raises(SetupError, match=r"401: .*influx\.token"):
        done(server)
    server.close()
    with at(v2.url, org="nobody") as server, pytest.raises(SetupError, match=r"'nobody'.*influx\.organisation"):
        done(server)


def test_a_server_that_is_away_or_no_influxdb_is_an_error() -> None:
    with at(f"http://127.0.0.1:{free_port()}") as server:
        with pytest.raises(SetupError, match="ConnectError"):
            done(server)
        assert [(f.ok, f.todo) for f in check_influx(server, DAYS)] == [(False, "start it, or mend influx.url")]
    with stand_in("") as other, at(other.url) as server:
        with pytest.raises(SetupError, match=r"says no version; allowed: 1\.x, 2\.x or 3"):
            done(server)
        assert [f.ok for f in check_influx(server, DAYS)] == [None]


def test_what_is_amiss_with_a_1x(v1: InfluxServer) -> None:
    assert [(f.name, f.ok) for f in check_influx(v1, DAYS)] == [
        ("InfluxDB", True), ("database", False), ("wal-fsync-delay", True),
    ]  # fmt: skip
    done(v1, Retention(raw_days=7, minutes_days=None))
    v1.query(f'DROP RETENTION POLICY "hours" ON "{v1.target.database}"')
    assert [(f.name, f.ok) for f in check_influx(v1, DAYS)] == [
        ("InfluxDB", True), ("retention policy autogen", False), ("retention policy minutes", True),
        ("retention policy hours", False), ("wal-fsync-delay", True),
    ]  # fmt: skip
    done(v1)
    assert all(f.ok for f in check_influx(v1, DAYS))


@pytest.mark.parametrize(("said", "ok"), [("0s", True), ("100ms", False), ("1m0s", False), (None, None)])
def test_a_2x_that_does_not_sync_its_log_is_told(v2: Api, said: str | None, ok: bool | None) -> None:
    v2.config = {} if said is None else {"storage-wal-fsync-delay": said}
    with at(v2.url) as server:
        (finding,) = [f for f in check_influx(server, DAYS) if f.name == "wal-fsync-delay"]
    assert finding.ok is ok
    assert bool(finding.todo) is (ok is not True)


def test_durations_as_a_1x_tells_them() -> None:
    assert [seconds_of(t) for t in ("0s", "720h0m0s", "1h30m0s", "10s", "INF")] == [0, 30 * DAY_S, 5400, 10, 0]


def test_levels_shorter_than_their_files_get_shorter_files() -> None:
    with api_stand_in("v2.7.1") as api, at(api.url) as server:
        assert done(server, Retention(raw_days=0.5, minutes_days=1, hours_days=2)) == [Done.MADE] * 6
