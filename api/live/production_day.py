"""When a production day begins and shifts change, at one site."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from orewatch.plant.calendar import Bounds, production_day, shift_changes

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProductionDay:
    """Production days that begin ``start_h`` hours after Tehran midnight, of ``shifts`` equal shifts."""

    def __init__(self, *, start_h: float, shifts: int) -> None:
        minutes = round(start_h * 60)
        self._start = time(minutes // 60, minutes % 60)
        self._shifts = shifts
        self._day = Bounds(0, 0)

    def start_ms(self, at_ms: int) -> int:
        """Return the start of the production day in which ``at_ms`` lies."""
        if not self._day.start_ms <= at_ms < self._day.end_ms:
            self._day = production_day(at_ms, start=self._start)
        return self._day.start_ms

    def changes_ms(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Return the changes of shift in a span."""
        return shift_changes(start_ms, end_ms, self._shifts, start=self._start)
