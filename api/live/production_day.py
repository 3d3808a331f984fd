"""When a production day begins and shifts change, at one site."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, NamedTuple

from orewatch.plant.calendar import Bounds, day_of, jalali, jalali_month, production_day, shift_changes, shifts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


class Shift(NamedTuple):
    """One shift: the production day it belongs to, its number from 1, and ``[start_ms, end_ms)``."""

    day: date
    number: int
    start_ms: int
    end_ms: int


class ProductionDay:
    """Production days that begin ``start_h`` hours after Tehran midnight, of ``shifts`` equal shifts."""

    def __init__(self, *, start_h: float, shifts: int) -> None:
        minutes = round(start_h * 60)
        self._start = time(minutes // 60, minutes % 60)
        self._shifts = shifts
        self._day = Bounds(0, 0)
        self._shift: Shift | None = None
        self._month = (-1, 0)

    def start_ms(self, at_ms: int) -> int:
        """Return the start of the production day in which ``at_ms`` lies."""
        # Threads ask, too: each answers from what it looked at.
        day = self._day
        if not day.start_ms <= at_ms < day.end_ms:
            day = self._day = production_day(at_ms, start=self._start)
        return day.start_ms

    def month(self, at_ms: int) -> tuple[int, int]:
        """Return the Jalali year and month that the production day at ``at_ms`` is counted to."""
        return jalali(at_ms, start=self._start)[:2]

    def month_start_ms(self, at_ms: int) -> int:
        """Return when the first production day of that month began."""
        start_ms = self.start_ms(at_ms)
        if self._month[0] != start_ms:
            self._month = start_ms, jalali_month(*self.month(at_ms), start=self._start).start_ms
        return self._month[1]

    def changes_ms(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Return the changes of shift in a span."""
        return shift_changes(start_ms, end_ms, self._shifts, start=self._start)

    @property
    def shifts(self) -> int:
        """How many shifts a production day has."""
        return self._shifts

    def shifts_of(self, day: date) -> tuple[Shift, ...]:
        """Return the shifts of the production day that begins on a Gregorian date."""
        bounds = shifts(day, self._shifts, start=self._start)
        return tuple(Shift(day, number, *one) for number, one in enumerate(bounds, 1))

    def day_of(self, at_ms: int) -> date:
        """Return the Gregorian date on which the production day of ``at_ms`` began."""
        return day_of(at_ms, start=self._start)

    def shift_at(self, at_ms: int) -> Shift:
        """Return the shift in which ``at_ms`` lies."""
        shift = self._shift
        if shift is None or not shift.start_ms <= at_ms < shift.end_ms:
            of_day = self.shifts_of(self.day_of(at_ms))
            shift = self._shift = next(one for one in reversed(of_day) if one.start_ms <= at_ms)
        return shift
