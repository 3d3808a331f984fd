"""Evidence from readings: hold rules, and live the same as history."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.plant.catalogue import SignalRef
from orewatch.plant.evidence import Evidence, hold_complete, hold_on_change
from orewatch.plant.evidence_history import Readings, evidence_from_series
from orewatch.plant.evidence_live import HeldReadings
from tests.unit.plant.evidence_made import START, a_unit

UNIT = a_unit()
ROLES = UNIT.roles


def readings(*pairs: tuple[float, float]) -> Readings:
    """Return a series of (second, value)."""
    return (
        np.array([START + round(1000 * s) for s, _ in pairs], np.int64),
        np.array([v for _, v in pairs], np.float64),
    )


def built(series: dict[SignalRef, Readings], seconds: int, **options: object) -> Evidence:
    return evidence_from_series(UNIT, series, START, START + 1000 * seconds, **options)  # type: ignore[arg-type]


def test_a_value_of_complete_scans_holds_for_three_periods() -> None:
    evidence = built({ROLES.flow: readings((0.5, 3.0), (1.5, 6.0))}, 8)
    assert evidence.flow_pct[:, 0].tolist()[:5] == [50.0, 100.0, 100.0, 100.0, 100.0]
    assert np.isnan(evidence.flow_pct[5:, 0]).all()
    assert evidence.heard[:, 0].tolist() == [True, True, *[False] * 6]


def test_a_value_sent_on_change_holds_until_the_next_must_have_come() -> None:
    evidence = built({ROLES.flow: readings((0, 6.0))}, 70, hold_s=hold_on_change)
    assert np.flatnonzero(np.isnan(evidence.flow_pct[:, 0]))[0] == 67


def test_a_bad_value_is_unknown_at_once_and_lead_counts() -> None:
    evidence = built({ROLES.flow: readings((-2, 6.0), (1, float("nan")), (2, 3.0))}, 4)
    assert evidence.flow_pct[[0, 2], 0].tolist() == [100.0, 50.0]
    assert np.isnan(evidence.flow_pct[1, 0])


def test_readings_may_come_in_any_order() -> None:
    evidence = built({ROLES.flow: readings((3, 1.5), (0, 6.0), (2, 3.0))}, 4)
    assert evidence.flow_pct[:, 0].tolist() == [100.0, 100.0, 50.0, 25.0]


def test_main_load_is_told_of_full_load_and_above_no_load() -> None:
    evidence = built({ROLES.main: readings((0, 95.0))}, 1)
    assert evidence.load_pct[0, 0] == pytest.approx(100)
    assert evidence.effort_pct[0, 0] == pytest.approx((95 - 62) / 95 * 100)


@pytest.mark.parametrize(
    ("given_", "column", "expected"),
    [
        ({"mill.running": 1, "conveyor.running": 1}, "drives", 1),
        ({"mill.running": 1, "conveyor.running": 0}, "drives", 0),
        ({"mill.running": 1}, "drives", -1),
        ({"conveyor.running": 0}, "drives", 0),
        ({}, "drives", -1),
        ({"genset.running": 0, "genset.engine_speed": 599.0}, "energised", 0),
        ({"genset.running": 0, "genset.engine_speed": 601.0}, "energised", 1),
        ({"genset.engine_speed": 700.0}, "energised", 1),
        ({"genset.running": 0}, "energised", -1),
        ({"jaw.tripped": 1}, "tripped", 1),
        ({"jaw.tripped": 0}, "tripped", -1),
        ({"jaw.plugged": 0}, "plugged", 0),
        ({"feeder.running": 0}, "upstream", 0),
    ],
)
def test_roles_of_many_signals(given_: dict[str, float], column: str, expected: int) -> None:
    series = {SignalRef.parse(name): readings((0, value)) for name, value in given_.items()}
    assert getattr(built(series, 1), column)[0, 0] == expected
    live = HeldReadings(units=[UNIT])
    for name, value in given_.items():
        live.put(UNIT.id, SignalRef.parse(name), START, value)
    assert getattr(live.evidence(START), column)[0, 0] == expected


def test_what_people_say_comes_in_spans() -> None:
    spans = [(START + 1000, START + 3000)]
    evidence = built({}, 4, planned=spans, unscheduled=spans, failed=spans, underperforming=spans)
    inside = [False, True, True, False]
    assert evidence.planned[:, 0].tolist() == inside
    assert evidence.scheduled[:, 0].tolist() == [not here for here in inside]
    assert evidence.failed[:, 0].tolist() == inside
    assert evidence.underperforming[:, 0].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(("start", "end"), [(START + 1, START + 1000), (START, START + 500), (START, START - 1000)])
def test_bounds_must_be_whole_seconds_in_order(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        evidence_from_series(UNIT, {}, start, end)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_live_and_history_build_the_same_evidence(seed: int, on_change: bool) -> None:
    """Readings put in as their seconds pass give what the series gives afterwards."""
    rng = np.random.default_rng(seed)
    hold_s = hold_on_change if on_change else hold_complete
    seconds = 90
    series: dict[SignalRef, Readings] = {}
    for ref in ROLES.refs():
        times = np.sort(rng.choice(seconds * 1000, size=int(rng.integers(0, 30)), replace=False))
        values = rng.choice([0.0, 1.0, 5.0, 70.0, 700.0, np.nan], size=len(times))
        series[ref] = (START + times.astype(np.int64), values)
    expected = built(series, seconds, hold_s=hold_s)
    live = HeldReadings(units=[a_unit("other", "zinc"), UNIT], hold_s=hold_s)
    for second in range(seconds):
        begin = START + 1000 * second
        for ref, (times, values) in series.items():
            for at in np.flatnonzero((times >= begin) & (times < begin + 1000)):
                live.hear(UNIT.id, int(times[at]))
                live.put(UNIT.id, ref, int(times[at]), float(values[at]))
        now = live.evidence(begin).of(1)
        for f in fields(Evidence):
            wanted = getattr(expected.between(second, second + 1), f.name)
            np.testing.assert_array_equal(getattr(now, f.name), wanted, err_msg=f.name)


def test_live_keeps_readings_and_words_when_units_join_or_change() -> None:
    live = HeldReadings(units=[UNIT])
    live.put(UNIT.id, ROLES.flow, START, 3.0)
    live.set_from_people(UNIT.id, planned=True, scheduled=False, failed=True, underperforming=True)
    live.add([a_unit("zn-01", "zinc")])
    live.add([replace(UNIT, nameplate_tph=12.0)])
    evidence = live.evidence(START)
    assert evidence.flow_pct[0, 0] == 25.0
    assert [bool(c[0, 0]) for c in (evidence.planned, evidence.scheduled, evidence.failed)] == [True, False, True]
    assert evidence.underperforming.tolist() == [[1, 0]]
    assert evidence.scheduled[0, 1]


def test_older_readings_and_readings_of_no_role_are_ignored() -> None:
    live = HeldReadings(units=[UNIT])
    live.put(UNIT.id, ROLES.flow, START, 3.0)
    live.put(UNIT.id, ROLES.flow, START - 1, 6.0)
    live.put(UNIT.id, SignalRef("jaw", "vibration"), START, 6.0)
    assert live.evidence(START).flow_pct[0, 0] == 50.0


def test_a_bad_clock_is_told_by_any_message_of_the_second() -> None:
    live = HeldReadings(units=[UNIT])
    live.hear(UNIT.id, START + 10, clock_bad=True)
    live.hear(UNIT.id, START + 20)
    assert live.evidence(START).clock_bad[0, 0]
    assert not live.evidence(START + 1000).heard[0, 0]
    with pytest.raises(KeyError):
        live.hear("nobody", START)
