"""The contract of a history store, held by the embedded one and by a real InfluxDB alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.query import Aggregate, Latest, Query, Table
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.contracts.history_harness import (
    CURRENT,
    HOUR_MS,
    LEVEL,
    MINUTE_MS,
    SECOND_MS,
    SPECTRUM,
    START_MS,
    TOTAL,
    VIBRATION,
    Expected,
    block,
    jaw,
    one,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from orewatch.storage.query import HistoryStore
    from tests.contracts.history_harness import Filled

GOOD, BAD, STALE, ABSENT = Quality.GOOD, Quality.BAD, Quality.STALE, Quality.ABSENT
END_MS = START_MS + 24 * HOUR_MS
OF_WINDOW: dict[Aggregate, Callable[[list[float]], float]] = {
    Aggregate.MEAN: np.mean,
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.FIRST: lambda values: values[0],
    Aggregate.LAST: lambda values: values[-1],
    Aggregate.COUNT: len,
}


def raw(
    store: HistoryStore, ref: SignalRef, start_ms: int = START_MS, end_ms: int = END_MS, unit: str = "pb-01"
) -> list[tuple[int, float]]:
    series = store.series(Query(unit=unit, ref=ref, start_ms=start_ms, end_ms=end_ms))
    assert series.table is Table.RAW
    assert series.time_ms.dtype == np.int64
    assert series.values.dtype == np.float64
    return list(zip(series.time_ms.tolist(), series.values.tolist(), strict=True))


def test_raw_answers_are_what_was_scanned(filled: Filled) -> None:
    expected = Expected()
    blocks = [block(i + 1, jaw(START_MS + i * MINUTE_MS, 60, seed=i), one(1, START_MS + i, 7)) for i in range(3)]
    expected.add(*blocks)
    filled.write(*blocks)
    for ref in (CURRENT, VIBRATION, TOTAL):
        assert raw(filled.store, ref) == expected.raw("pb-01", ref, START_MS, END_MS)


def test_a_span_includes_its_start_and_not_its_end(filled: Filled) -> None:
    filled.write(block(1, jaw(START_MS, 10)))
    times = [t for t, _ in raw(filled.store, CURRENT, START_MS + 2 * SECOND_MS, START_MS + 5 * SECOND_MS)]
    assert times == [START_MS + s * SECOND_MS for s in (2, 3, 4)]


def test_what_is_unknown_is_empty(filled: Filled) -> None:
    filled.write(block(1, jaw(START_MS, 3)))
    assert raw(filled.store, CURRENT, unit="nobody") == []
    assert raw(filled.store, SignalRef("jaw", "nothing")) == []
    assert raw(filled.store, SignalRef("nowhere", "motor_current")) == []
    assert raw(filled.store, CURRENT, START_MS - HOUR_MS, START_MS) == []
    assert dict(filled.store.latest("nobody")) == {}
    many = filled.store.many("pb-01", [CURRENT, SignalRef("nowhere", "x")], START_MS, END_MS)
    assert {ref: len(series) for ref, series in many.items()} == {CURRENT: 3, SignalRef("nowhere", "x"): 0}
    nothing = Query(
        unit="nobody", ref=CURRENT, start_ms=START_MS, end_ms=END_MS, step_ms=MINUTE_MS, aggregate=Aggregate.MEAN
    )
    assert len(filled.store.series(nothing)) == 0


def test_writing_a_block_again_changes_nothing(filled: Filled) -> None:
    first = block(1, jaw(START_MS, 90))
    filled.write(first)
    before = raw(filled.store, CURRENT)
    filled.write(first, first)
    assert raw(filled.store, CURRENT) == before
    assert len(before) == 90
    count = Query(
        unit="pb-01", ref=CURRENT, start_ms=START_MS, end_ms=END_MS, step_ms=MINUTE_MS, aggregate=Aggregate.COUNT
    )
    assert filled.store.series(count).values.tolist() == [60, 30]


@pytest.mark.parametrize("step_ms", [10 * SECOND_MS, 45 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS])
@pytest.mark.parametrize("aggregate", OF_WINDOW)
def test_aggregates_over_windows(filled: Filled, aggregate: Aggregate, step_ms: int) -> None:
    expected = Expected()
    # 20 minutes missing in the middle: a window without values is left out.
    blocks = [block(i + 1, jaw(START_MS + i * 10 * MINUTE_MS, 600, seed=i)) for i in (0, 3, 4)]
    expected.add(*blocks)
    filled.write(*blocks)
    start, end = START_MS + 25 * SECOND_MS, START_MS + 47 * MINUTE_MS
    series = filled.store.series(
        Query(unit="pb-01", ref=CURRENT, start_ms=start, end_ms=end, step_ms=step_ms, aggregate=aggregate)
    )
    windows = expected.windows("pb-01", CURRENT, start, end, step_ms)
    assert series.time_ms.tolist() == list(windows)
    assert series.values.tolist() == pytest.approx([OF_WINDOW[aggregate](v) for v in windows.values()], rel=1e-12)


@pytest.mark.parametrize("aggregate", [a for a in OF_WINDOW if a is not Aggregate.FIRST])
def test_late_blocks_count_in_windows_that_were_answered_before(filled: Filled, aggregate: Aggregate) -> None:
    expected = Expected()
    early, late = block(2, jaw(START_MS + 30 * SECOND_MS, 60, seed=5)), block(1, jaw(START_MS, 30, seed=6))
    query = Query(unit="pb-01", ref=CURRENT, start_ms=START_MS, end_ms=END_MS, step_ms=MINUTE_MS, aggregate=aggregate)
    for part in (early, late):
        expected.add(part)
        filled.write(part)
        windows = expected.windows("pb-01", CURRENT, START_MS, END_MS, MINUTE_MS)
        answer = filled.store.series(query)
        assert answer.time_ms.tolist() == list(windows)
        assert answer.values.tolist() == pytest.approx([OF_WINDOW[aggregate](v) for v in windows.values()])
    assert raw(filled.store, CURRENT) == expected.raw("pb-01", CURRENT, START_MS, END_MS)


@pytest.mark.parametrize("aggregate", [a for a in OF_WINDOW if a is not Aggregate.FIRST])
def test_long_spans_by_hours(filled: Filled, aggregate: Aggregate) -> None:
    expected = Expected()
    blocks = [block(i + 1, jaw(START_MS + i * 5 * HOUR_MS + 59 * MINUTE_MS, 120, seed=i)) for i in range(24)]
    expected.add(*blocks)
    filled.write(*blocks)
    end = START_MS + 6 * 24 * HOUR_MS
    query = Query(unit="pb-01", ref=VIBRATION, start_ms=START_MS, end_ms=end, step_ms=2 * HOUR_MS, aggregate=aggregate)
    series = filled.store.series(query)
    windows = expected.windows("pb-01", VIBRATION, START_MS, end, 2 * HOUR_MS)
    assert series.table is Table.HOUR
    assert series.time_ms.tolist() == list(windows)
    assert series.values.tolist() == pytest.approx([OF_WINDOW[aggregate](v) for v in windows.values()], rel=1e-9)


def test_only_good_values_are_in_a_series(filled: Filled) -> None:
    quality = [[GOOD, GOOD], [BAD, GOOD], [STALE, BAD], [ABSENT, ABSENT], [GOOD, BAD], [BAD, BAD]]
    expected = Expected()
    mixed = block(1, jaw(START_MS, 6, quality=quality))
    expected.add(mixed)
    filled.write(mixed)
    assert [t - START_MS for t, _ in raw(filled.store, CURRENT)] == [0, 4 * SECOND_MS]
    for ref in (CURRENT, VIBRATION):
        scanned = expected.raw("pb-01", ref, START_MS, END_MS)
        assert raw(filled.store, ref) == scanned
        last = Query(
            unit="pb-01", ref=ref, start_ms=START_MS, end_ms=END_MS, step_ms=MINUTE_MS, aggregate=Aggregate.LAST
        )
        assert filled.store.series(last).values.tolist() == [scanned[-1][1]]


def test_latest_is_the_newest_reading_whatever_its_quality(filled: Filled) -> None:
    quality = [[GOOD, GOOD], [BAD, GOOD], [BAD, GOOD], [BAD, ABSENT]]
    filled.write(block(1, jaw(START_MS, 4, quality=quality), one(1, START_MS + 1, 1_234_567)))
    latest = filled.store.latest("pb-01")
    assert latest[CURRENT] == Latest(START_MS + 3 * SECOND_MS, None, Quality.BAD)
    assert latest[VIBRATION].time_ms == START_MS + 2 * SECOND_MS
    assert latest[VIBRATION].quality is Quality.GOOD
    assert latest[TOTAL] == Latest(START_MS + 1, 1234.567)
    assert LEVEL not in latest
    filled.write(block(2, one(0, START_MS + 9 * SECOND_MS, 123, 456)))
    assert filled.store.latest("pb-01")[CURRENT] == Latest(START_MS + 9 * SECOND_MS, 12.3)


def test_late_blocks_do_not_move_the_latest(filled: Filled) -> None:
    filled.write(block(2, one(0, START_MS + MINUTE_MS, 10, 10)))
    filled.write(block(1, one(0, START_MS, 20, 20)))
    assert filled.store.latest("pb-01")[CURRENT] == Latest(START_MS + MINUTE_MS, 1.0)


def test_of_two_values_at_one_time_the_later_journaled_counts(filled: Filled) -> None:
    twice = Scans(0, np.array([START_MS, START_MS]), np.array([[10, 10], [20, 20]]))
    filled.write(block(1, twice))
    assert raw(filled.store, CURRENT) == [(START_MS, 2.0)]
    filled.write(block(2, one(0, START_MS, 30, 30)))
    assert raw(filled.store, CURRENT) == [(START_MS, 3.0)]


@pytest.mark.parametrize(("earlier", "later"), [(2**40, 20), (20, 2**40), (10, 20)])
def test_the_later_journaled_counts_whatever_its_size_in_one_write(filled: Filled, earlier: int, later: int) -> None:
    # A clock set back by whole seconds scans the same times twice; a drained spool brings both at once.
    filled.write(block(1, one(0, START_MS, earlier, 10)), block(2, one(0, START_MS, later, 20)))
    assert raw(filled.store, CURRENT) == [(START_MS, later / 10)]


def test_units_do_not_mix_and_a_moved_unit_keeps_its_history(filled: Filled) -> None:
    filled.write(
        block(1, one(0, START_MS, 10, 10)),
        block(1, one(0, START_MS, 20, 20), unit="zn-01", site="Angouran", province="Zanjan", mineral="zinc"),
        block(2, one(0, START_MS + SECOND_MS, 30, 30), site="Elsewhere", province="Yazd"),
    )
    assert raw(filled.store, CURRENT) == [(START_MS, 1.0), (START_MS + SECOND_MS, 3.0)]
    assert raw(filled.store, CURRENT, unit="zn-01") == [(START_MS, 2.0)]
    assert filled.store.latest("pb-01")[CURRENT] == Latest(START_MS + SECOND_MS, 3.0)


def test_another_resolution_is_another_schema_and_the_same_signal(filled: Filled) -> None:
    finer = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("motor_current", "%", 0.001),)),))
    filled.write(block(1, one(0, START_MS, 100, 1)), block(2, one(0, START_MS + 1, 10_001), schema=finer))
    assert raw(filled.store, CURRENT) == [(START_MS, 10.0), (START_MS + 1, 10.001)]


def test_lossless_values_are_exact_and_not_a_number_is_no_value(filled: Filled) -> None:
    values = [0.1 + 0.2, -1e-300, 1.7976931348623157e308, float("nan"), float("inf"), -0.5]
    steps = np.column_stack([np.arange(6), np.array(values).view(np.int64)])
    filled.write(block(1, Scans(2, START_MS + SECOND_MS * np.arange(6), steps)))
    assert [v for _, v in raw(filled.store, SPECTRUM)] == [values[0], values[1], values[2], values[5]]
    assert [v for _, v in raw(filled.store, LEVEL)] == [0, 0.5, 1, 1.5, 2, 2.5]


@pytest.mark.parametrize("steps", [0, 1, -1, 9, 10_000, 99_999_999, 999_999_999, -2_147_483_648, 2**40, 2**52])
def test_integers_of_every_length(filled: Filled, steps: int) -> None:
    filled.write(block(1, one(1, START_MS, steps), one(0, START_MS, steps, -steps)))
    assert raw(filled.store, TOTAL) == [(START_MS, steps / 1000)]
    assert raw(filled.store, CURRENT) == [(START_MS, steps / 10)]
    assert raw(filled.store, VIBRATION) == [(START_MS, -steps / 100)]


@pytest.mark.parametrize(
    "name",
    ["a b", "a,b", "a=b", "a'b", 'a"b', "a\\", "a\\,b", "واحد سرب", "#1", "a;DROP DATABASE x", "time", "🪨", " "],
)
def test_odd_names(filled: Filled, name: str) -> None:
    ref = SignalRef(name, name)
    schema = Schema((ScanGroup(name, name, 1.0, (Column(name, name, 0.1), Column("plain", "1", 1.0))),))
    odd = block(1, one(0, START_MS, 42, 1), unit=name, site=name, province=name, mineral=name, schema=schema)
    bad = Scans(0, np.array([START_MS + 1]), np.array([[0, 2]]), np.array([[BAD, GOOD]], np.uint8))
    filled.write(odd, block(1, one(0, START_MS, 43, 2), schema=schema))
    assert raw(filled.store, ref, unit=name) == [(START_MS, 4.2)]
    assert raw(filled.store, ref) == [(START_MS, 4.3)]
    assert filled.store.many(name, [ref], START_MS, END_MS)[ref].values.tolist() == [4.2]
    filled.write(block(2, bad, unit=name, schema=schema))
    latest = filled.store.latest(name)
    assert latest == {
        ref: Latest(START_MS + 1, None, Quality.BAD),
        SignalRef(name, "plain"): Latest(START_MS + 1, 2.0),
    }


def test_many_signals_of_different_pace(filled: Filled) -> None:
    expected = Expected()
    mixed = block(
        1,
        jaw(START_MS, 120),
        Scans(1, START_MS + 10 * SECOND_MS * np.arange(12), np.arange(12)[:, None] * 1001),
        Scans(2, START_MS + 5 * SECOND_MS * np.arange(24), np.arange(48).reshape(24, 2)),
    )
    expected.add(mixed)
    filled.write(mixed)
    refs = [CURRENT, TOTAL, LEVEL, VIBRATION]
    many = filled.store.many("pb-01", iter(refs), START_MS + 7, START_MS + 100_000)
    assert list(many) == refs or set(many) == set(refs)
    for ref, series in many.items():
        found = list(zip(series.time_ms.tolist(), series.values.tolist(), strict=True))
        assert found == expected.raw("pb-01", ref, START_MS + 7, START_MS + 100_000)
