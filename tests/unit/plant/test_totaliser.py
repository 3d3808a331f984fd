"""Counters across rollovers, resets, garbage, duplicates and disorder."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.plant.catalogue import SignalRef
from orewatch.plant.totaliser import Counted, CounterCarry, CounterEvent, CounterRule, accept, by_window, rule_for
from tests.unit.plant.evidence_made import a_unit

E = CounterEvent
# 36 units an hour: at most 0.1 in 10 s.
RULE = CounterRule(wrap=1000.0, max_rate=36.0)


def counted(*pairs: tuple[float, float], previous: CounterCarry | None = None, rule: CounterRule = RULE) -> Counted:
    times = np.array([round(1000 * s) for s, _ in pairs], np.int64)
    return accept(previous, times, np.array([v for _, v in pairs], np.float64), rule)


@pytest.mark.parametrize(
    ("pairs", "deltas", "events"),
    [
        ([(0, 5.0), (10, 5.1), (20, 5.1)], [0, 0.1, 0], [E.FIRST, E.COUNTED, E.COUNTED]),
        ([(0, 999.95), (10, 0.02)], [0, 0.07], [E.FIRST, E.ROLLOVER]),
        # A fall from high to low that no belt could have carried is no rollover, and its reset counts what it can.
        ([(0, 950.0), (10, 0.05)], [0, 0.05], [E.FIRST, E.RESET]),
        ([(0, 500.0), (10, 0.03), (20, 0.08)], [0, 0.03, 0.05], [E.FIRST, E.RESET, E.COUNTED]),
        # A small step back is not 499 tonnes of ore.
        ([(0, 500.0), (10, 499.0), (20, 499.05)], [0, 0, 0.05], [E.FIRST, E.REBASED, E.COUNTED]),
        # A spike counts nothing, whether it goes away or turns out to be the new level.
        ([(0, 5.0), (10, 90.0), (20, 5.1)], [0, 0, 0.1], [E.FIRST, E.IMPLAUSIBLE, E.COUNTED]),
        (
            [(0, 5.0), (10, 90.0), (20, 90.05), (30, 90.1)],
            [0, 0, 0, 0.05],
            [E.FIRST, E.IMPLAUSIBLE, E.REBASED, E.COUNTED],
        ),
        # One zero between two readings gives neither a reset's tonnes nor the whole counter again.
        (
            [(0, 500.0), (10, 0.0), (20, 500.05), (30, 500.1)],
            [0, 0, 0, 0],
            [E.FIRST, E.RESET, E.IMPLAUSIBLE, E.REBASED],
        ),
        ([(0, 5.0), (0, 5.1), (10, 5.1)], [0, 0, 0.1], [E.FIRST, E.DUPLICATE, E.COUNTED]),
        ([(0, 5.0), (10, float("nan")), (20, -1.0), (30, 5.2)], [0, 0, 0, 0.2], [E.FIRST, E.BAD, E.BAD, E.COUNTED]),
        # Edge-time order, whatever the order of arrival.
        ([(20, 5.1), (0, 5.0), (10, 5.05)], [0, 0.05, 0.05], [E.FIRST, E.COUNTED, E.COUNTED]),
    ],
)
def test_what_becomes_of_readings(
    pairs: list[tuple[float, float]], deltas: list[float], events: list[CounterEvent]
) -> None:
    result = counted(*pairs)
    np.testing.assert_allclose(result.delta, deltas, atol=1e-9)
    assert [E(e) for e in result.event] == events


def test_late_readings_are_told_apart_from_duplicates() -> None:
    carry = counted((0, 5.0), (10, 5.1)).carry
    late = counted((5, 5.05), (10, 5.1), (20, 5.15), previous=carry)
    assert [E(e) for e in late.event] == [E.LATE, E.DUPLICATE, E.COUNTED]
    assert late.total == pytest.approx(0.05)


def test_creep_is_not_ore() -> None:
    rule = CounterRule(wrap=None, max_rate=36.0, min_rate=1.0)
    result = counted((0, 5.0), (10, 5.002), (20, 5.05), rule=rule)
    assert [E(e) for e in result.event] == [E.FIRST, E.CREEP, E.COUNTED]
    assert result.total == pytest.approx(0.048)


def test_windows_have_fixed_bounds() -> None:
    result = counted((0, 1.0), (10, 1.08), (20, 1.16), (30, 1.2))
    sums = by_window(result, np.array([0, 20_000, 40_000, 60_000], np.int64))
    np.testing.assert_allclose(sums, [0.08, 0.12, 0.0])


def test_rules_of_a_unit() -> None:
    unit = a_unit()
    tonnes = rule_for(unit, unit.roles.total)
    assert (tonnes.wrap, tonnes.max_rate) == (1_000_000, 18.0)
    assert tonnes.min_rate == pytest.approx(0.24)
    assert rule_for(unit, SignalRef("genset", "fuel")).min_rate == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 60), max_size=5))
def test_cutting_the_input_changes_nothing(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(0, 20_000, 60)).astype(np.int64)
    values = np.cumsum(rng.uniform(0, 0.1, 60)) + 999.0 * rng.integers(0, 2)
    values = np.where(rng.uniform(size=60) < 0.15, rng.choice([0.0, 3.0, 950.0, np.nan], 60), values % 1000)
    whole = accept(None, times, values, RULE)
    carry, parts = None, []
    edges = sorted({0, *cuts, 60})
    for start, end in pairwise(edges):
        part = accept(carry, times[start:end], values[start:end], RULE)
        carry = part.carry
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate([p.delta for p in parts]), whole.delta)
    np.testing.assert_array_equal(np.concatenate([p.event for p in parts]), whole.event)
    assert carry == whole.carry
    span_h = (times[-1] - times[0]) / 3_600_000
    assert 0 <= whole.total <= RULE.max_rate * span_h + 1e-9
