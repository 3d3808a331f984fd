from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.thinning import thin
from orewatch.telemetry.scan import Quality, Scans
from tests.unit.edge_agent.edge_parts import SMALL, T0

STATES = st.lists(st.integers(0, 1), min_size=1, max_size=200)


def _jaw(states: list[int], quality: list[int] | None = None) -> Scans:
    times = T0 + 1000 * np.arange(len(states))
    steps = np.array([[s, 10 * i] for i, s in enumerate(states)], dtype=np.int64)
    q = None if quality is None else np.array([[a, 0] for a in quality], dtype=np.uint8)
    return Scans(1, times, steps, q)


@given(STATES, st.sampled_from([1, 2]))
def test_every_change_of_state_stays_at_its_time(states: list[int], level: int) -> None:
    before = _jaw(states)
    (after,), gone = thin(SMALL, [before], level)
    assert gone == len(before) - len(after)

    def changes(s: Scans) -> list[tuple[int, int]]:
        at = np.flatnonzero(np.diff(s.steps[:, 0])) + 1
        return [(int(s.time_ms[i]), int(s.steps[i, 0])) for i in at]

    assert changes(after) == changes(before)
    assert {int(after.time_ms[0]), int(after.time_ms[-1])} == {int(before.time_ms[0]), int(before.time_ms[-1])}
    assert np.diff(after.time_ms).max(initial=0) <= {1: 10_000, 2: 60_000}[level]


def test_a_change_of_quality_stays() -> None:
    quality = [0] * 15 + [Quality.BAD] + [0] * 15
    (after,), _ = thin(SMALL, [_jaw([0] * 31, quality)], 2)
    assert after.quality is not None
    bad = after.time_ms[after.quality[:, 0] == Quality.BAD]
    assert bad.tolist() == [T0 + 15_000]
    assert {T0 + 14_000, T0 + 16_000} <= set(after.time_ms.tolist())


@pytest.mark.parametrize("level", [1, 2])
def test_totals_stay_wholly(level: int) -> None:
    total = Scans(2, T0 + 1000 * np.arange(100), np.arange(100).reshape(-1, 1))
    (after,), gone = thin(SMALL, [total], level)
    assert (len(after), gone) == (100, 0)
