"""Reading by level: the coarsest table that has the span, newest values of slow and dead signals, and only machines."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import FOREVER, Level
from orewatch.storage.projection import DecodedBlock
from orewatch.storage.query import HOUR_MS, MINUTE_MS, Aggregate, Latest, Query, Table
from orewatch.storage.rollups import roll_up, touched
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orewatch.storage.query import Series

DAY_MS = 24 * HOUR_MS
START_MS = 1_795_363_200_000 // DAY_MS * DAY_MS
FAST, SLOW = SignalRef("jaw", "fast"), SignalRef("jaw", "slow")
SCHEMA = Schema(
    (
        ScanGroup("jaw", "jaw_crusher", 1.0, (Column("fast", "1", 0.1),)),
        ScanGroup("jaw", "jaw_crusher", 60.0, (Column("slow", "1", 0.1),)),
    )
)
_names = itertools.count()


def block(number: int, *scans: Scans, unit: str = "pb-01") -> DecodedBlock:
    data = encode_block(
        unit=unit, site="s", province="p", mineral="lead", spool=b"s" * 16, number=number, schema=SCHEMA, scans=scans
    )
    return DecodedBlock(read_header(data), SCHEMA, decode_block(data, SCHEMA))


def fast(start_ms: int, count: int, *, every_ms: int = 1000, quality: list[int] | None = None) -> Scans:
    steps = np.arange(count)[:, None]
    told = None if quality is None else np.array(quality, np.uint8)[:, None]
    return Scans(0, start_ms + every_ms * np.arange(count), steps, told)


def slow(at_ms: int, step: int) -> Scans:
    return Scans(1, np.array([at_ms]), np.array([[step]]))


@pytest.fixture
def server(influxd: str) -> Iterator[InfluxServer]:
    server = InfluxServer(target=InfluxTarget(url=influxd, database=f"levels{next(_names)}"))
    yield server
    server.close()


def put(server: InfluxServer, *blocks: DecodedBlock) -> None:
    writer = InfluxWriter(server=server, retention=FOREVER)
    assert writer.write(blocks).written == len(blocks)
    for step_ms in (MINUTE_MS, HOUR_MS):
        windows = {start for b in blocks for start in touched(b, step_ms)}
        assert not writer.write_rollups(roll_up(blocks, windows, step_ms)).retry
    writer.close()


def ask(
    server: InfluxServer, start_ms: int, end_ms: int, step_ms: int, aggregate: Aggregate = Aggregate.MEAN
) -> Series:
    query = Query(unit="pb-01", ref=FAST, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, aggregate=aggregate)
    return InfluxStore(server=server).series(query)


def drop(server: InfluxServer, level: Level, before_ms: int) -> None:
    """Do what retention does: there, before that time, nothing is left."""
    suffix = {Level.RAW: "", Level.MINUTES: "_1m", Level.HOURS: "_1h"}[level]
    server.query(f'DELETE FROM "jaw_crusher{suffix}" WHERE time < {before_ms}ms')


def test_each_level_lies_where_dashboards_look_for_it(server: InfluxServer) -> None:
    put(server, block(1, fast(START_MS, 120)))
    for source, count in (
        ('"jaw_crusher"', 120), ('"autogen"."jaw_crusher"', 120), ('"minutes"."jaw_crusher_1m"', 2),
        ('"hours"."jaw_crusher_1h"', 1),
    ):  # fmt: skip
        ((rows,),) = server.query(f"SELECT * FROM {source} WHERE unit = 'pb-01'")
        assert len(rows.values) == count
    ((names,),) = server.query("SHOW MEASUREMENTS")
    assert [row[0] for row in names.values] == ["jaw_crusher", "jaw_crusher_1h", "jaw_crusher_1m"]


@pytest.mark.parametrize("aggregate", [Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.COUNT, Aggregate.LAST])
def test_what_retention_took_is_answered_by_the_next_coarser_table(server: InfluxServer, aggregate: Aggregate) -> None:
    put(server, *(block(d + 1, fast(START_MS + d * DAY_MS, 4 * 360, every_ms=10_000)) for d in range(3)))
    span = (START_MS, START_MS + 2 * DAY_MS)
    whole = ask(server, *span, 5 * MINUTE_MS, aggregate)
    assert whole.table is Table.RAW
    # A part of the span is gone: one table answers, and it is one that has the whole.
    drop(server, Level.RAW, START_MS + HOUR_MS)
    minutes = ask(server, *span, 5 * MINUTE_MS, aggregate)
    assert minutes.table is Table.MINUTE
    assert minutes.time_ms.tolist() == whole.time_ms.tolist()
    assert minutes.values.tolist() == pytest.approx(whole.values.tolist(), rel=1e-12)
    drop(server, Level.MINUTES, START_MS + HOUR_MS)
    hours = ask(server, *span, 5 * MINUTE_MS, aggregate)
    assert hours.table is Table.HOUR
    assert hours.time_ms.tolist() == [START_MS + d * DAY_MS + h * HOUR_MS for d in range(2) for h in range(4)]
    assert ask(server, *span, HOUR_MS, aggregate).table is Table.HOUR
    # What the raw scans still have is theirs to answer.
    assert ask(server, START_MS + 2 * HOUR_MS, span[1], 5 * MINUTE_MS, aggregate).table is Table.RAW


def test_seconds_that_are_gone_are_answered_in_minutes(server: InfluxServer) -> None:
    put(server, block(1, fast(START_MS, 300)))
    drop(server, Level.RAW, START_MS + HOUR_MS)
    answer = ask(server, START_MS + 61_000, START_MS + 200_000, 10_000)
    assert answer.table is Table.MINUTE
    assert answer.time_ms.tolist() == [START_MS + n * MINUTE_MS for n in (1, 2, 3)]
    assert ask(server, START_MS, START_MS + 300_000, 90_000).time_ms.tolist() == [
        START_MS + n * MINUTE_MS for n in range(5)
    ]


def test_a_unit_that_began_late_in_the_span_is_still_answered_from_its_scans(server: InfluxServer) -> None:
    put(server, block(1, fast(START_MS + 5 * HOUR_MS, 600)))
    assert ask(server, START_MS, START_MS + DAY_MS, 5 * MINUTE_MS).table is Table.RAW
    assert ask(server, START_MS, START_MS + 30 * DAY_MS, 5 * MINUTE_MS).table is Table.MINUTE
    assert ask(server, START_MS, START_MS + 30 * DAY_MS, HOUR_MS).table is Table.HOUR


def test_a_machine_known_only_by_its_rollups_is_still_found(server: InfluxServer) -> None:
    put(server, block(1, fast(START_MS, 7200)))
    server.query('DROP MEASUREMENT "jaw_crusher"')
    assert ask(server, START_MS, START_MS + DAY_MS, HOUR_MS).table is Table.HOUR
    assert dict(InfluxStore(server=server).latest("pb-01")) == {}


def test_measurements_of_our_own_are_no_machines(server: InfluxServer) -> None:
    put(server, block(1, fast(START_MS, 3)))
    own = [
        ("autogen", "unit_state,unit=pb-01,machine=jaw fast=99,code=1"),
        ("hours", "unit_state_1h,unit=pb-01 h_RUNNING=1"),
        ("hours", "alert,unit=pb-01,machine=jaw,signal=fast,kind=limit fast=99"), ("hours", "unit_info,unit=pb-01 x=1"),
        ("autogen", "health,process=api,unit=pb-01,machine=jaw fast=99"),
        ("autogen", "signal_quality,unit=pb-01,machine=jaw,signal=other code=192"),
    ]  # fmt: skip
    for policy, line in own:
        params = {"db": server.target.database, "rp": policy, "precision": "ms"}
        assert server.http.post("/write", params=params, content=f"{line} {START_MS + 9000}").status_code == 204
    store = InfluxStore(server=server)
    assert dict(store.latest("pb-01")) == {FAST: Latest(START_MS + 2000, 0.2)}
    query = Query(unit="pb-01", ref=FAST, start_ms=START_MS, end_ms=START_MS + HOUR_MS)
    assert store.series(query).values.tolist() == [0.0, 0.1, 0.2]


def test_newest_values_of_slow_and_dead_signals(server: InfluxServer) -> None:
    clock = [0.0]
    store = InfluxStore(server=server, clock=lambda: clock[0])
    put(server, block(1, fast(START_MS, 50), slow(START_MS + 1000, 7)), block(1, fast(START_MS, 5), unit="pb-02"))
    both = {FAST: Latest(START_MS + 49_000, 4.9), SLOW: Latest(START_MS + 1000, 0.7)}
    for _ in range(3):
        assert dict(store.latest("pb-01")) == both
        # Another unit's machine of the class never had the slow one.
        assert set(store.latest("pb-02")) == {FAST}
    put(server, block(2, fast(START_MS + 60_000, 50), slow(START_MS + 61_000, 8)))
    assert store.latest("pb-01")[SLOW] == Latest(START_MS + 61_000, 0.8)
    # A late block does not move it, a later one does at once.
    put(server, block(3, slow(START_MS + 30_000, 9)))
    assert store.latest("pb-01")[SLOW] == Latest(START_MS + 61_000, 0.8)
    put(server, block(4, fast(START_MS + DAY_MS, 50), slow(START_MS + 90_000, 10)))
    assert store.latest("pb-01") == {
        FAST: Latest(START_MS + DAY_MS + 49_000, 4.9), SLOW: Latest(START_MS + 90_000, 1.0),
    }  # fmt: skip
    bad = [int(Quality.BAD)] * 5
    put(server, block(5, fast(START_MS + 2 * DAY_MS, 5, quality=bad)))
    assert store.latest("pb-01")[FAST] == Latest(START_MS + 2 * DAY_MS + 4000, None, Quality.BAD)
    # What never was is looked for again after a while: a late block may have brought it.
    put(server, block(2, slow(START_MS - DAY_MS, 3), unit="pb-02"))
    clock[0] = 301.0
    assert store.latest("pb-02")[SLOW] == Latest(START_MS - DAY_MS, 0.3)
