"""What the classifier makes of the days a unit has."""

from __future__ import annotations

import pytest

from orewatch.plant.classifier import Classifier, classify
from orewatch.plant.states import Interval, Pending, State, StateReason
from tests.unit.plant.evidence_made import START, a_unit, evidence_of

UNIT = a_unit()


def states(*spans: tuple[str, int]) -> list[tuple[str, int, int]]:
    """Return (state, from, to) in seconds."""
    return [_seconds(i) for i in classify(UNIT, evidence_of(*spans))]


def _seconds(interval: Interval) -> tuple[str, int, int]:
    assert interval.end_ms is not None
    return str(interval.state), (interval.start_ms - START) // 1000, (interval.end_ms - START) // 1000


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([("running", 60)], [("RUNNING", 0, 60)]),
        ([("running", 29)], [("COMMS_LOSS", 0, 29)]),
        # Idle is held off for 300 s, then dated back to its onset.
        ([("running", 60), ("idle", 299)], [("RUNNING", 0, 359)]),
        ([("running", 60), ("idle", 300)], [("RUNNING", 0, 60), ("IDLE", 60, 360)]),
        # An interruption of 30 s ends it, from where it began; less does not.
        (
            [("idle", 300), ("between", 29), ("idle", 100)],
            [("IDLE", 0, 429)],
        ),
        # Unknown seconds freeze the timer: 200 + 100 known ones are 300.
        (
            [("running", 60), ("idle", 200), ("unknown", 50), ("idle", 100)],
            [("RUNNING", 0, 60), ("IDLE", 60, 410)],
        ),
        ([("running", 60), ("idle", 200), ("unknown", 500), ("idle", 99)], [("RUNNING", 0, 859)]),
        # A silence that stays within the limit counts once the unit is heard again; a longer one never does.
        ([("running", 60), ("idle", 200), ("idle_silent", 60), ("idle", 40)], [("RUNNING", 0, 60), ("IDLE", 60, 360)]),
        ([("running", 60), ("idle", 270), ("idle_silent", 60)], [("RUNNING", 0, 390)]),
        (
            [("running", 60), ("idle", 270), ("idle_silent", 61), ("idle", 29)],
            [("RUNNING", 0, 330), ("COMMS_LOSS", 330, 391), ("RUNNING", 391, 420)],
        ),
        (
            [("running", 60), ("idle", 270), ("idle_silent", 61), ("idle", 30)],
            [("RUNNING", 0, 60), ("IDLE", 60, 330), ("COMMS_LOSS", 330, 391), ("IDLE", 391, 421)],
        ),
        # Two messages bring the link back, from the first; one does not.
        (
            [("running", 60), ("silent", 61), ("running", 1), ("silent", 9)],
            [("RUNNING", 0, 60), ("COMMS_LOSS", 60, 131)],
        ),
        (
            [("running", 60), ("silent", 61), ("running", 1), ("silent", 9), ("running", 1)],
            [("RUNNING", 0, 60), ("COMMS_LOSS", 60, 121), ("RUNNING", 121, 132)],
        ),
        ([("running", 60), ("starved", 59)], [("RUNNING", 0, 119)]),
        ([("running", 60), ("starved", 60)], [("RUNNING", 0, 60), ("STARVED", 60, 120)]),
        ([("running", 60), ("blocked", 15)], [("RUNNING", 0, 60), ("BLOCKED", 60, 75)]),
        ([("running", 60), ("tripped", 10)], [("RUNNING", 0, 60), ("BREAKDOWN", 60, 70)]),
        # A breakdown ends with 120 s of running, not with the lamp going out.
        (
            [("running", 60), ("tripped", 10), ("off", 600), ("running", 120), ("running", 10)],
            [("RUNNING", 0, 60), ("BREAKDOWN", 60, 670), ("STARTUP", 670, 800)],
        ),
        ([("running", 60), ("off", 119)], [("RUNNING", 0, 179)]),
        ([("running", 60), ("off", 120)], [("RUNNING", 0, 60), ("STOPPED_UNCODED", 60, 180)]),
        ([("running", 60), ("planned", 1)], [("RUNNING", 0, 60), ("PLANNED_STOP", 60, 61)]),
        # A start is one only after a stop that was seen, and lasts 15 minutes.
        (
            [("off", 200), ("running", 1000)],
            [("STOPPED_UNCODED", 0, 200), ("STARTUP", 200, 1100), ("RUNNING", 1100, 1200)],
        ),
        ([("running", 60), ("slow", 60)], [("RUNNING", 0, 60), ("UNDERPERFORMING", 60, 120)]),
        ([("running", 60), ("clock", 2), ("running", 60)], [("RUNNING", 0, 122)]),
        (
            [("running", 60), ("clock", 3), ("running", 10)],
            [("RUNNING", 0, 60), ("CLOCK_BAD", 60, 63), ("RUNNING", 63, 73)],
        ),
        # What fits nothing holds the state before it.
        ([("running", 60), ("between", 5000)], [("RUNNING", 0, 5060)]),
    ],
)
def test_states_of(spans: list[tuple[str, int]], expected: list[tuple[str, int, int]]) -> None:
    assert states(*spans) == expected


def test_idle_rule_counts_starved_seconds_and_starved_gives_the_cause() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    changes = classifier.step(evidence_of(("running", 60), ("starved", 299)))
    assert changes[-1].state == "STARVED"
    assert changes[-1].idle_since_ms is None
    changes = classifier.step(evidence_of(("starved", 1), start_ms=START + 359_000))
    assert [(c.state, c.since_ms, c.decided_ms, c.idle_since_ms) for c in changes] == [
        ("STARVED", START + 60_000, START + 359_000, START + 60_000)
    ]
    assert classifier.status(0).reason is StateReason.UPSTREAM_STOPPED


def test_idle_stands_through_a_lost_link_as_the_same_episode() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    changes = classifier.step(evidence_of(("running", 60), ("idle", 400), ("idle_silent", 600), ("idle", 20)))
    assert {c.idle_since_ms for c in changes if c.decided_ms >= START + 360_000} == {START + 60_000}


def test_a_planned_stop_hides_idling_and_does_not_count_for_it() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    classifier.step(evidence_of(("running", 60), ("planned", 3600), ("idle", 299)))
    assert classifier.status(0).idle_since_ms is None
    changes = classifier.step(evidence_of(("idle", 1), start_ms=START + 3_959_000))
    assert [(c.state, c.idle_since_ms) for c in changes] == [("IDLE", START + 3_660_000)]


def test_the_countdown_shows_the_idle_rule_first() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    classifier.step(evidence_of(("running", 60), ("starved", 20)))
    assert classifier.status(0).pending == Pending(State.IDLE, 280, 300)
    assert classifier.pendings(0) == [Pending(State.STARVED, 40, 60), Pending(State.IDLE, 280, 300)]
    classifier.step(evidence_of(("starved", 100), start_ms=START + 80_000))
    assert classifier.status(0).pending == Pending(State.IDLE, 180, 300)
    classifier.step(evidence_of(("running", 5), start_ms=START + 180_000))
    assert classifier.status(0).pending == Pending(State.RUNNING, 25, 30)
    classifier.step(evidence_of(("running", 100), start_ms=START + 185_000))
    assert classifier.status(0).pending is None


def test_what_may_still_change_is_called_provisional() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    classifier.step(evidence_of(("running", 600), ("idle", 400), ("running", 20)))
    assert [(i.state, i.provisional) for i in classifier.intervals(0)] == [("RUNNING", False), ("IDLE", True)]
    classifier.step(evidence_of(("running", 10), start_ms=START + 1_020_000))
    assert [(i.state, i.provisional) for i in classifier.intervals(0)][1] == ("IDLE", False)


def test_intervals_are_cut_to_the_span_asked_for() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    classifier.step(evidence_of(("running", 600), ("idle", 400)))
    asked = classifier.intervals(0, START + 500_000, START + 700_000)
    assert [_seconds(i) for i in asked] == [("RUNNING", 500, 600), ("IDLE", 600, 700)]
    assert classifier.intervals(0, START + 700_000)[-1].end_ms is None


def test_old_intervals_leave() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START, keep_ms=3_600_000)
    start = START
    for _ in range(20):
        classifier.step(evidence_of(("running", 600), ("off", 600), start_ms=start))
        start += 1_200_000
    intervals = classifier.intervals(0)
    assert start - 5_400_000 < intervals[0].start_ms < start - 2_400_000


def test_a_unit_can_join_and_a_restart_may_know_others() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    classifier.step(evidence_of(("running", 600)))
    classifier.add([a_unit("zn-01", "zinc")])
    assert classifier.status(1).state == "COMMS_LOSS"
    kept = Classifier.from_dict([a_unit("mn-01", "manganese"), UNIT], classifier.to_dict())
    assert [kept.status(n).state for n in (0, 1)] == ["COMMS_LOSS", "RUNNING"]


@pytest.mark.parametrize("broken", [{}, {"now_ms": 0, "units": [], "carry": {}, "histories": []}])
def test_a_broken_memory_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"classifier|carry"):
        Classifier.from_dict([UNIT], broken)
