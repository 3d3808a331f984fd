"""What a unit has produced: tonnes since the production day began, the last tonne, and figures by quarter hour."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from orewatch.plant.inputs import nothing_said
from orewatch.plant.totaliser import CounterCarry, CounterRule, accept, by_epoch, rule_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.unit import Unit

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
QUARTER_MS = 900_000
# Enough to look back over the longest onset (the classifier's) by the minute, and over a day by the quarter.
_MINUTES = 30
_QUARTERS = 104
_PINS = 8
# A scale that stands still drifts by a kilogram now and then; only over a while can that be told from ore.
CREEP_MS = 60_000


class Tally:
    """One unit's production, counted from its totaliser in event time.

    ``total_t`` grows for ever; tonnes of a day are a difference. ``day_start_ms`` moves by :meth:`begin_day`.
    Tonnes are dry: what ``inputs`` says of moisture is applied as they are counted, and no difference is taken
    across a scale epoch.
    """

    def __init__(self, *, unit: Unit, day_start_ms: int, inputs: Callable[[], UnitInputs] = nothing_said) -> None:
        self._inputs = inputs
        self._rule: CounterRule = rule_for(unit, unit.roles.total)
        self._carry: CounterCarry | None = None
        self.total_t = 0.0
        self.day_start_ms = day_start_ms
        self._day_base_t = 0.0
        self.last_tonne_ms: int | None = None
        self.counted_to_ms: int | None = None
        self._minutes: deque[tuple[int, float]] = deque(maxlen=_MINUTES)
        self._quarters: deque[tuple[int, float]] = deque(maxlen=_QUARTERS)
        self._pins: list[tuple[int, float]] = []
        self._since: tuple[int, float] | None = None
        # What rose since ``_doubt_ms`` and may still turn out to be drift.
        self._doubt_t, self._doubt_ms = 0.0, 0

    def describe(self, unit: Unit) -> None:
        """Follow a unit's new description."""
        self._rule = rule_for(unit, unit.roles.total)

    @property
    def today_t(self) -> float | None:
        """Tonnes since the day began; None before anything was counted."""
        return None if self._carry is None else max(0.0, self.total_t - self._day_base_t)

    def since_t(self, start_ms: int) -> float:
        """Return the tonnes since ``start_ms``, which is asked for second by second."""
        if self.counted_to_ms is None or start_ms >= self.counted_to_ms:
            return 0.0
        if self._since is None or self._since[0] != start_ms:
            self._since = (start_ms, self.at(start_ms))
        return max(0.0, self.total_t - self._since[1])

    def count(self, time_ms: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Count readings of the totaliser, in any order; older ones than the last are ignored."""
        order = np.argsort(time_ms, kind="stable")
        time_ms, values = time_ms[order], values[order]
        # Without a carry the first reading begins anew anyhow.
        since_ms = 0 if self._carry is None else self._carry.time_ms
        for anew, times, shown in by_epoch(time_ms, values, self._inputs().epochs_ms, since_ms):
            if anew:
                self._carry = None
            self._count(times, shown)

    def _count(self, time_ms: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Count readings of one scale epoch."""
        counted = accept(self._carry, time_ms, values, self._rule)
        self._carry = counted.carry
        for at_ms, delta in zip(counted.time_ms.tolist(), counted.delta.tolist(), strict=True):
            before_ms, before_t = self.counted_to_ms, self.total_t
            if before_ms is not None and at_ms <= before_ms:
                continue
            self._add(at_ms, delta)
            self.counted_to_ms = at_ms
            if before_ms is not None and before_ms < self.day_start_ms <= at_ms:
                # Counted over the change of day, which may have been a silence of hours: each day has its share.
                share = (self.day_start_ms - before_ms) / (at_ms - before_ms)
                self._day_base_t = before_t + share * (self.total_t - before_t)
            self._remember(at_ms)

    def _add(self, at_ms: int, delta: float) -> None:
        """Count what rose once it is more than a drift would be."""
        if not self._doubt_ms:
            self._doubt_ms = at_ms
        self._doubt_t += delta
        passed_ms = at_ms - self._doubt_ms
        if self._doubt_t > 0 and self._doubt_t >= self._rule.min_rate * max(passed_ms, CREEP_MS) / HOUR_MS:
            self.total_t += self._doubt_t * self._inputs().dry_share(at_ms)
            self.last_tonne_ms = at_ms
        elif passed_ms < CREEP_MS:
            return
        self._doubt_t, self._doubt_ms = 0.0, at_ms

    def begin_day(self, day_start_ms: int) -> None:
        """A new production day began; what was produced before it leaves today's tonnes."""
        if day_start_ms > self.day_start_ms:
            self.day_start_ms = day_start_ms
            self._day_base_t = self.at(day_start_ms)

    def correct(self, day: Tally) -> None:
        """Take over what ``day``, counted from complete scans, says of the same day; what came after it stays."""
        until_ms = day.counted_to_ms
        if day._carry is None or until_ms is None or day.day_start_ms != self.day_start_ms:
            return
        if self._carry is None:
            # What people say and how the counter is read stay this tally's own.
            own = (self._inputs, self._rule)
            self.__dict__ |= day.__dict__
            self._inputs, self._rule = own
            self._since = None
            return
        after_t = self.total_t - self.at(until_ms)
        self._day_base_t = self.total_t - after_t - (day.today_t or 0.0)
        if day.last_tonne_ms is not None:
            self.last_tonne_ms = max(day.last_tonne_ms, self.last_tonne_ms or 0)
        self._take_marks(day, until_ms)

    def _take_marks(self, day: Tally, until_ms: int) -> None:
        """Stand where ``day`` says that it stood up to ``until_ms``; what lies before its first mark moves with it."""
        offset_t = self.at(until_ms) - day.total_t
        first_ms, first_t = min([*day._quarters, *day._minutes], default=(until_ms, day.total_t))
        moved_t = first_t + offset_t - self.at(first_ms)
        marks = {
            name: [
                *((t, v + moved_t) for t, v in getattr(self, name) if t < first_ms),
                *((t, v + offset_t) for t, v in getattr(day, name)),
                *((t, v) for t, v in getattr(self, name) if t > until_ms),
            ]
            for name in ("_minutes", "_quarters")
        }
        pinned = [at_ms for at_ms, _ in self._pins]
        self._pins = []
        for name, taken in marks.items():
            getattr(self, name).clear()
            getattr(self, name).extend(taken)
        self._pins = [(at_ms, self.at(at_ms)) for at_ms in pinned]
        self._since = None

    def pin(self, time_ms: int) -> None:
        """Remember what stood at ``time_ms`` until :meth:`unpin`, however long that is."""
        if all(at_ms != time_ms for at_ms, _ in self._pins):
            self._pins = [*self._pins, (time_ms, self.at(time_ms))][-_PINS:]

    def unpin(self, time_ms: int) -> None:
        """Let go of a pin."""
        self._pins = [pin for pin in self._pins if pin[0] != time_ms]

    def not_after(self, now_ms: int) -> None:
        """The clock was set back: forget what it said of times that are to come."""
        if self.counted_to_ms is not None and self.counted_to_ms > now_ms:
            self.counted_to_ms = now_ms
        if self.last_tonne_ms is not None and self.last_tonne_ms > now_ms:
            self.last_tonne_ms = now_ms
        if self._carry is not None and self._carry.time_ms > now_ms:
            self._carry = CounterCarry(now_ms, self._carry.value)
        self._doubt_ms = min(self._doubt_ms, now_ms)
        self._since = None
        for marks in (self._minutes, self._quarters):
            while marks and marks[-1][0] > now_ms:
                marks.pop()

    def at(self, time_ms: int) -> float:
        """Return ``total_t`` as it was at ``time_ms``, as finely as is remembered; evenly between two marks."""
        if self.counted_to_ms is None or time_ms >= self.counted_to_ms:
            return self.total_t
        marks = sorted({*self._pins, *self._quarters, *self._minutes, (self.counted_to_ms, self.total_t)})
        place = bisect_right(marks, time_ms, key=lambda mark: mark[0])
        if place == 0:
            return marks[0][1]
        (before_ms, before_t), (after_ms, after_t) = marks[place - 1], marks[place]
        return before_t + (after_t - before_t) * (time_ms - before_ms) / (after_ms - before_ms)

    def _remember(self, time_ms: int) -> None:
        """Keep what stood at the first reading of each minute and quarter."""
        for marks, step in ((self._minutes, MINUTE_MS), (self._quarters, QUARTER_MS)):
            if not marks or time_ms // step > marks[-1][0] // step:
                marks.append((time_ms, self.total_t))

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return {
            "carry": None if self._carry is None else asdict(self._carry),
            "total": self.total_t,
            "day_start": self.day_start_ms,
            "day_base": self._day_base_t,
            "last_tonne": self.last_tonne_ms,
            "counted_to": self.counted_to_ms,
            "minutes": list(self._minutes),
            "quarters": list(self._quarters),
            "pins": list(self._pins),
            "doubt": [self._doubt_t, self._doubt_ms],
        }

    @classmethod
    def from_dict(cls, unit: Unit, raw: Mapping[str, Any], *, inputs: Callable[[], UnitInputs] = nothing_said) -> Self:
        """Read :meth:`to_dict`; KeyError or TypeError where it is something else."""
        tally = cls(unit=unit, day_start_ms=raw["day_start"], inputs=inputs)
        tally._carry = None if raw["carry"] is None else CounterCarry(**raw["carry"])
        tally.total_t, tally._day_base_t = raw["total"], raw["day_base"]
        tally.last_tonne_ms, tally.counted_to_ms = raw["last_tonne"], raw["counted_to"]
        tally._minutes.extend((int(t), float(v)) for t, v in raw["minutes"])
        tally._quarters.extend((int(t), float(v)) for t, v in raw["quarters"])
        tally._pins = [(int(t), float(v)) for t, v in raw.get("pins", ())]
        tally._doubt_t, tally._doubt_ms = raw.get("doubt", (0.0, 0))
        return tally
