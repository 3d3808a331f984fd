"""Which windows a projection owes a rollup, since when, and which of them are due.

An open window grows with every block: rolling it up each time would read the same blocks all over, and a run of minutes
costs little more than one. Until then queries compute what they need of them from the blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orewatch.storage.progress import DirtyWindow

# A minute is as a rule in two blocks of a minute; the second one should be there.
MINUTE_DELAY_MS: Final = 70_000
# A unit's minutes are rolled up once the oldest has waited for so long.
MINUTES_TOGETHER_MS: Final = 240_000
HOUR_DELAY_MS: Final = 600_000


class OwedWindows:
    """Windows by the time (ms) since which they are owed. Belongs to one thread."""

    def __init__(self, windows: Iterable[DirtyWindow]) -> None:
        self._since_ms = dict.fromkeys(windows, 0)

    def __len__(self) -> int:
        return len(self._since_ms)

    def add(self, windows: Iterable[DirtyWindow], now_ms: int) -> None:
        """Owe these; those that are owed already stay so since when they were."""
        for window in windows:
            self._since_ms.setdefault(window, now_ms)

    def settle(self, windows: Iterable[DirtyWindow]) -> None:
        """These are rolled up."""
        for window in windows:
            del self._since_ms[window]

    def due(self, now_ms: int, *, everything: bool) -> Mapping[int, Mapping[str, list[int]]]:
        """Return the starts of due windows, by step, minutes first, and by unit. A clock set back makes all due."""
        found: dict[int, dict[str, list[int]]] = {MINUTE_MS: {}, HOUR_MS: {}}
        minutes: dict[str, list[tuple[int, int]]] = {}
        for window, since_ms in self._since_ms.items():
            age_ms = now_ms - since_ms
            at_once = everything or age_ms < 0
            if window.step_ms == MINUTE_MS and not at_once:
                minutes.setdefault(window.unit, []).append((window.start_ms, age_ms))
            elif at_once or age_ms >= HOUR_DELAY_MS:
                found[window.step_ms].setdefault(window.unit, []).append(window.start_ms)
        for unit, waiting in minutes.items():
            # Hours may be made of their minutes: none of those may be missing.
            hours = set(found[HOUR_MS].get(unit, ()))
            together = max(age_ms for _, age_ms in waiting) >= MINUTES_TOGETHER_MS
            starts = [
                start_ms
                for start_ms, age_ms in waiting
                if (together and age_ms >= MINUTE_DELAY_MS) or start_ms // HOUR_MS * HOUR_MS in hours
            ]
            if starts:
                found[MINUTE_MS].setdefault(unit, []).extend(starts)
        return found
