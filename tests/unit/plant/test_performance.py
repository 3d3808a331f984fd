"""Underperformance: windows, votes, verdicts."""

from __future__ import annotations

import json

import pytest

from orewatch.plant.performance import WINDOW_MS, Advisory, Judge, Verdict, Vote, Window, advise, window_of
from orewatch.plant.states import Interval, State, StateReason
from tests.unit.plant.evidence_made import START

TARGET = 10.0


def judged(
    *rates: float | None, judge: Judge | None = None, own: bool | None = None, peers: bool | None = None
) -> list[Verdict | None]:
    """Take windows of these rates (None: one that does not count) and return what stands after each."""
    judge = judge or Judge()
    out = []
    for rate in rates:
        start = judge.last_ms + WINDOW_MS if judge.last_ms >= 0 else START
        window = Window(start_ms=start, tph=rate or 0.0, running=0.0 if rate is None else 1.0)
        out.append(judge.take(window, target_tph=TARGET, own=own, peers=peers))
    return out


def stands(verdicts: list[Verdict | None]) -> list[bool]:
    return [verdict is not None for verdict in verdicts]


def test_an_hour_below_target_is_told_with_its_figures() -> None:
    verdicts = judged(9.0, 8.0, 8.0, 8.4, 8.0)
    assert stands(verdicts) == [False, False, False, False, True]
    verdict = verdicts[-1]
    assert verdict is not None
    assert verdict.since_ms == START + WINDOW_MS
    assert verdict.decided_ms == START + 5 * WINDOW_MS
    assert (verdict.windows, verdict.severe, verdict.votes) == (4, False, (Vote.TARGET,))
    assert verdict.mean_tph == pytest.approx(8.1)
    assert verdict.ratio == pytest.approx(0.81)
    assert verdict.tonnes_lost == pytest.approx(1.9)


def test_half_an_hour_far_below_is_severe() -> None:
    verdicts = judged(7.5, 7.0)
    assert stands(verdicts) == [False, True]
    assert verdicts[1] is not None
    assert verdicts[1].severe


def test_one_good_window_begins_the_count_again() -> None:
    assert not any(stands(judged(8.0, 8.0, 8.0, 8.6, 8.0, 8.0, 8.0)))


def test_windows_that_do_not_count_freeze_it() -> None:
    assert stands(judged(8.0, 8.0, None, None, 8.0, 8.0)) == [False] * 5 + [True]


def test_clearing_takes_half_an_hour_above_a_higher_limit() -> None:
    verdicts = judged(7.0, 7.0, 8.8, 9.5, 8.8, 9.5, 9.5, 8.0)
    assert stands(verdicts) == [False, True, True, True, True, True, False, False]


def test_target_alone_is_enough_only_while_nothing_else_can_vote() -> None:
    low = [8.0] * 6
    assert not any(stands(judged(*low, own=False, peers=False)))
    assert any(stands(judged(*low, own=None, peers=False)))
    assert any(stands(judged(*low, own=False, peers=None)))
    assert any(stands(judged(*low, own=True, peers=False)))
    assert stands(judged(7.0, 7.0, own=False, peers=False)) == [False, True]


def test_own_and_peers_agreeing_is_enough_above_the_target_limit() -> None:
    verdicts = judged(9.0, own=True, peers=True)
    assert verdicts[0] is not None
    assert verdicts[0].votes == (Vote.OWN, Vote.PEERS)
    assert judged(9.0, own=True, peers=False) == [None]


def test_a_window_counts_once_and_memory_survives() -> None:
    judge = Judge()
    judged(8.0, 8.0, 8.0, judge=judge)
    again = Window(start_ms=judge.last_ms, tph=8.0, running=1.0)
    assert judge.take(again, target_tph=TARGET) is None
    restored = Judge.from_dict(json.loads(json.dumps(judge.to_dict())))
    assert restored == judge
    verdicts = judged(8.0, judge=restored)
    assert verdicts[0] is not None
    assert Judge.from_dict(json.loads(json.dumps(restored.to_dict()))) == restored
    with pytest.raises(ValueError, match="judge"):
        Judge.from_dict({"nothing": 1})


@pytest.mark.parametrize(
    ("tph", "kw", "expected"),
    [
        (8.0, 300.0, Advisory.HARD_ORE),
        (8.0, 240.0, Advisory.FEED),
        (9.9, 400.0, None),
        (8.0, None, None),
        (0.0, 100.0, None),
    ],
)
def test_what_it_points_to(tph: float, kw: float | None, expected: Advisory | None) -> None:
    assert advise(Window(start_ms=START, tph=tph, running=1.0, kw=kw), (10.0, 300.0)) is expected


def _states(*parts: tuple[State, int, int | None]) -> list[Interval]:
    def at(minutes: int | None) -> int | None:
        return None if minutes is None else START + 60_000 * minutes

    return [Interval(state, StateReason.NONE, at(a) or START, at(b), False) for state, a, b in parts]


def test_a_window_takes_its_tonnes_and_how_long_the_unit_ran() -> None:
    window = window_of(
        START, 2.0, _states((State.RUNNING, -60, 9), (State.IDLE, 9, 12), (State.UNDERPERFORMING, 12, None))
    )
    assert window.tph == pytest.approx(8.0)
    assert window.running == pytest.approx(0.8)
    assert window.counts
    assert not window_of(START, 2.0, _states((State.RUNNING, -60, 11), (State.IDLE, 11, 15))).counts


def test_windows_after_a_start_or_beside_a_change_of_shift_do_not_count() -> None:
    started = _states((State.STARTUP, -29, -14), (State.RUNNING, -14, None))
    assert window_of(START, 2.0, started).excluded
    assert not window_of(START + 60_000, 2.0, started).excluded
    running = _states((State.RUNNING, -60, None))
    beside = [
        window_of(START, 2.0, running, shift_changes_ms=[START + m * 60_000]).excluded for m in (-16, -15, -14, 29, 30)
    ]
    assert beside == [False, False, True, True, False]
