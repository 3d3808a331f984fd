from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerting.models import AlertKind
from api.alerting.rules import Cleared, Condition, Episode, HoldingRule, NotProducingRule, Raised, Transition

MINUTE = 60_000
RULE = HoldingRule(kind=AlertKind.COMMS_LOSS, on_ms=10 * MINUTE, off_ms=2 * MINUTE)
NOTHING = NotProducingRule(on_ms=60 * MINUTE)

# A stretch: until when, and what is true in it.
Stretch = tuple[int, Condition]


def holds(since_ms: int, reason: str = "silent") -> Condition:
    return Condition(since_ms, reason, 0)


def over(since_ms: int) -> Condition:
    return Condition(None, "", since_ms)


def frozen(since_ms: int) -> Condition:
    return Condition(None, "", since_ms, frozen=True)


def run(
    rule: HoldingRule | NotProducingRule, stretches: list[Stretch], cuts: tuple[int, ...] = (), start_ms: int = 0
) -> list[Transition]:
    """Tell the rule of every stretch, at its bounds, when something falls due, and at ``cuts``."""
    episode, found, at_ms = Episode(at_ms=start_ms), list[Transition](), start_ms
    for until_ms, condition in stretches:
        told = sorted({cut for cut in cuts if at_ms < cut < until_ms} | {until_ms})
        found += rule.advance(episode, condition, at_ms)
        for moment in told:
            while (due := rule.due_ms(episode, condition)) is not None and at_ms < due < moment:
                at_ms = due
                found += rule.advance(episode, condition, due)
            found += rule.advance(episode, condition, moment)
            at_ms = moment
    return found


def test_raised_when_it_lasted_and_back_dated() -> None:
    found = run(RULE, [(5 * MINUTE, over(0)), (30 * MINUTE, holds(5 * MINUTE))])
    assert found == [Raised(AlertKind.COMMS_LOSS, 5 * MINUTE, 15 * MINUTE, "silent")]


def test_nothing_before_the_delay() -> None:
    assert run(RULE, [(10 * MINUTE - 1, holds(0)), (60 * MINUTE, over(10 * MINUTE - 1))]) == []


def test_cleared_after_its_own_delay_and_dated_to_the_end() -> None:
    found = run(RULE, [(20 * MINUTE, holds(0)), (40 * MINUTE, over(20 * MINUTE))])
    assert found[1:] == [Cleared(AlertKind.COMMS_LOSS, 0, 20 * MINUTE)]


def test_flapping_is_one_episode() -> None:
    stretches: list[Stretch] = [(20 * MINUTE, holds(0))]
    for n in range(20, 60, 2):
        stretches += [((n + 1) * MINUTE, over(n * MINUTE)), ((n + 2) * MINUTE, holds((n + 1) * MINUTE))]
    assert [type(t) for t in run(RULE, stretches)] == [Raised]


def test_clearing_does_not_count_while_nothing_is_known() -> None:
    stretches = [(20 * MINUTE, holds(0)), (21 * MINUTE, over(20 * MINUTE)), (600 * MINUTE, frozen(21 * MINUTE))]
    assert len(run(RULE, stretches)) == 1
    found = run(RULE, [*stretches, (602 * MINUTE, over(600 * MINUTE))])
    assert found[1:] == [Cleared(AlertKind.COMMS_LOSS, 0, 20 * MINUTE)]


def test_a_second_episode_is_its_own() -> None:
    stretches = [(20 * MINUTE, holds(0)), (40 * MINUTE, over(20 * MINUTE)), (60 * MINUTE, holds(40 * MINUTE))]
    assert [t.onset_ms for t in run(RULE, stretches) if isinstance(t, Raised)] == [0, 40 * MINUTE]


def test_not_producing_counts_known_scheduled_time_only() -> None:
    last = Condition(0, "idle", 0)
    away = Condition(0, "comms_loss", 0, frozen=True)
    found = run(NOTHING, [(30 * MINUTE, last), (500 * MINUTE, away), (540 * MINUTE, last)])
    assert found == [Raised(AlertKind.NOT_PRODUCING, 0, 530 * MINUTE, "idle")]


def test_a_tonne_ends_it() -> None:
    found = run(NOTHING, [(70 * MINUTE, Condition(0, "idle", 0)), (80 * MINUTE, Condition(75 * MINUTE, "running", 0))])
    assert found[1] == Cleared(AlertKind.NOT_PRODUCING, 0, 75 * MINUTE)


@pytest.mark.parametrize("rule", [RULE, NOTHING])
@given(data=st.data())
def test_cutting_time_changes_nothing(rule: HoldingRule | NotProducingRule, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 40 * MINUTE), min_size=1, max_size=12))
    stretches: list[Stretch] = []
    at_ms = 0
    for length in lengths:
        make = data.draw(st.sampled_from([holds, over, frozen]))
        stretches.append((at_ms + length, make(at_ms)))
        at_ms += length
    cuts = data.draw(st.lists(st.integers(0, at_ms), max_size=20))
    assert run(rule, stretches, tuple(cuts)) == run(rule, stretches)


def test_memory_survives_as_json() -> None:
    episode = Episode()
    RULE.advance(episode, holds(0), 12 * MINUTE)
    assert Episode.from_dict(episode.to_dict()) == episode
