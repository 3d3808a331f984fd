"""How many hours of the running production day nothing was known of a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orewatch.plant.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.live.judge import Judge

HOUR_MS = 3_600_000
UNKNOWN = frozenset({State.COMMS_LOSS, State.CLOCK_BAD})


class _Day(NamedTuple):
    """What a unit's day is made of up to its present state, which began at ``since_ms``."""

    judge: Judge
    start_ms: int
    state: State
    since_ms: int
    before_ms: int


class UnknownHours:
    """Sums by unit, made again when its state changes or a day begins. ``judge`` gives the present one.

    Time before the judge's memory begins is in no sum: of that it cannot say what was known.
    """

    def __init__(self, *, judge: Callable[[], Judge], day_start_ms: Callable[[int], int]) -> None:
        self._judge = judge
        self._day_start_ms = day_start_ms
        self._days: dict[int, _Day] = {}

    def hours(self, number: int, now_ms: int) -> float:
        """Return the hours (h) up to ``now_ms`` in which the state of unit ``number`` was COMMS_LOSS or CLOCK_BAD."""
        judge, start_ms = self._judge(), self._day_start_ms(now_ms)
        facts = judge.facts[number]
        day = self._days.get(number)
        if day is None or day[:4] != (judge, start_ms, facts.state, facts.since_ms):
            before_ms = _before_ms(judge, number, start_ms, facts.since_ms)
            day = self._days[number] = _Day(judge, start_ms, facts.state, facts.since_ms, before_ms)
        lasting_ms = now_ms - max(start_ms, day.since_ms) if day.state in UNKNOWN else 0
        return round((day.before_ms + max(0, lasting_ms)) / HOUR_MS, 3)


def _before_ms(judge: Judge, number: int, start_ms: int, since_ms: int) -> int:
    if since_ms <= start_ms:
        # At the change of day most units are as they were: their intervals need not be laid out.
        return 0
    return sum(
        min(one.end_ms or since_ms, since_ms) - one.start_ms
        for one in judge.classifier.intervals(number, start_ms)
        if one.state in UNKNOWN and one.start_ms < since_ms
    )
