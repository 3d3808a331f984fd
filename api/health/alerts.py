"""Alerts on orewatch itself: raised once per episode, in the same book, lists and letters as those of units.

The unit of such an alert is :data:`~orewatch.plant.unit.OREWATCH`, which no unit can be called.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from sqlite3 import OperationalError
from typing import TYPE_CHECKING, Final

from api.alerting.book import AlertFilter, AlertRecord
from api.alerting.models import AlertState
from api.health.conditions import CONDITIONS, Else, Trouble
from orewatch.plant.unit import OREWATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.alerting.engine import AlertEngine
    from api.alerting.models import AlertKind
    from api.health.conditions import Condition
    from api.health.signs import Signs

log = logging.getLogger(__name__)

LONGEST_LOOK_S: Final = 15.0
"""Time in which nobody looked is no evidence: more of it is not counted."""


@dataclass(slots=True)
class _Memory:
    """How long a condition has held, or has not while its alert stands (s)."""

    held_s: float = 0.0
    over_s: float = 0.0
    trouble: Trouble | None = None
    stands: bool = False


class SelfAlerts:
    """Follows the conditions look by look, on a clock that nobody sets."""

    def __init__(self, *, engine: AlertEngine, conditions: Sequence[Condition] = CONDITIONS) -> None:
        self._engine = engine
        self._conditions = conditions
        self._memories = {condition.kind: _Memory() for condition in conditions}
        self._looked_s: float | None = None
        for record in engine.book.standing():
            # What stood before a restart goes on standing until it is seen to be over.
            if record.unit == OREWATCH and record.kind in self._memories:
                self._memories[record.kind].stands = True

    def look(self, signs: Signs, at_s: float) -> list[AlertKind]:
        """Take one look at every condition; returns the kinds whose alert was raised or cleared."""
        elapsed_s = 0.0 if self._looked_s is None else min(LONGEST_LOOK_S, max(0.0, at_s - self._looked_s))
        self._looked_s = at_s
        return [c.kind for c in self._conditions if self._follow(c, self._memories[c.kind], signs, elapsed_s)]

    def _follow(self, condition: Condition, memory: _Memory, signs: Signs, elapsed_s: float) -> bool:
        found = condition.of(signs)
        if found is Else.UNKNOWN:
            return False
        if isinstance(found, Trouble):
            # From this look on: what was between the last one and this is not known.
            memory.held_s = memory.held_s + elapsed_s if memory.trouble is not None else 0.0
            memory.trouble, memory.over_s = found, 0.0
            due = not memory.stands and memory.held_s >= condition.on_s
            return due and self._raise(condition, memory, found, signs)
        memory.over_s = memory.over_s + elapsed_s if memory.trouble is None else 0.0
        memory.trouble, memory.held_s = None, 0.0
        return memory.stands and memory.over_s >= condition.off_s and self._clear(condition, memory, signs)

    def _raise(self, condition: Condition, memory: _Memory, trouble: Trouble, signs: Signs) -> bool:
        book = self._engine.book
        silent_s = trouble.figures.get("silent_s")
        held_s = max(memory.held_s, silent_s) if isinstance(silent_s, int | float) else memory.held_s
        onset_ms = signs.now_ms - round(held_s * 1000)
        try:
            with book.database.transaction():
                # Where the clock was set back, the book already knows a later end: two episodes must not overlap.
                before = book.select(AlertFilter(unit=OREWATCH, kinds=(condition.kind,)), 1)
                if before and before[0].cleared_ms is not None:
                    onset_ms = max(onset_ms, before[0].cleared_ms + 1)
                record = AlertRecord(
                    unit=OREWATCH,
                    kind=condition.kind,
                    priority=condition.priority,
                    reason=trouble.reason,
                    figures=trouble.figures,
                    onset_ms=onset_ms,
                    raised_ms=max(onset_ms + 1, signs.now_ms),
                    recorded_ms=signs.now_ms,
                    changed_ms=signs.now_ms,
                )
                number = book.raise_alert(record)
                if number is not None:
                    self._engine.tell(replace(record, id=number), "raised", signs.now_ms)
        except OperationalError as error:
            self._not_written(condition, error)
            return False
        memory.stands = True
        if number is None:
            return False
        self._engine.raised[condition.kind.value] += 1
        self._engine.standing.touch(signs.now_ms)
        log.warning("orewatch itself: %s (%s) %s", condition.kind.value, trouble.reason, dict(trouble.figures))
        return True

    def _clear(self, condition: Condition, memory: _Memory, signs: Signs) -> bool:
        cleared_ms = signs.now_ms - round(memory.over_s * 1000)
        try:
            with self._engine.book.database.transaction():
                record = self._engine.book.clear(
                    OREWATCH, condition.kind, cleared_ms=cleared_ms, tonnes_lost=None, now_ms=signs.now_ms
                )
                if record is not None and record.state is not AlertState.SHLVD:
                    self._engine.tell(record, "cleared", signs.now_ms)
        except OperationalError as error:
            self._not_written(condition, error)
            return False
        memory.stands = False
        self._engine.standing.touch(signs.now_ms)
        log.warning("orewatch itself: %s is over", condition.kind.value)
        return True

    @staticmethod
    def _not_written(condition: Condition, error: OperationalError) -> None:
        # The next look tries again: the condition still holds.
        log.error("orewatch itself: %s cannot be written: %s", condition.kind.value, error)
