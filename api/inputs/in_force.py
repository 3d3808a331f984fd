"""What people said, as the deciding code asks for it: kept in memory for the recent past, read for what lies before."""

from __future__ import annotations

import asyncio
import threading
import zlib
from typing import TYPE_CHECKING, Final

from api.inputs.entry import InputKind
from orewatch.plant.inputs import NOTHING_SAID, Ore, Plan, Stop, Target, UnitInputs
from orewatch.plant.stop_codes import StopEffect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.inputs.book import InputBook
    from api.inputs.entry import Entry

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 40 * DAY_MS
"""A Jalali month and some days: whatever is judged or counted as it happens lies within."""
WITHIN_MS: Final = 2 * DAY_MS
"""How old the kept picture may grow before it is read anew."""


class InputsInForce:
    """Every unit's inputs. Threads may read while the event loop writes."""

    def __init__(self, *, book: InputBook, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, UnitInputs]] = {}
        self._said = frozenset(book.units())
        self._generation = 0

    def of(self, unit_id: str) -> UnitInputs:
        """Return what was said of a unit, as far back as is looked at in the running month."""
        if unit_id not in self._said:
            return NOTHING_SAID
        now_ms = self._now_ms()
        kept = self._kept.get(unit_id)
        if kept is None or not -WITHIN_MS < now_ms - kept[0] < _lasts_ms(unit_id):
            generation = self._generation
            kept = (now_ms, self._read(unit_id, now_ms - KEPT_MS))
            with self._lock:
                # What was said while a thread was reading must not be hidden by what it read.
                if generation == self._generation:
                    self._kept[unit_id] = kept
        return kept[1]

    def since(self, unit_id: str, start_ms: int) -> UnitInputs:
        """Return what was said of a unit from ``start_ms`` on, however long ago that is."""
        if unit_id not in self._said:
            return NOTHING_SAID
        if start_ms >= self._now_ms() - KEPT_MS + WITHIN_MS:
            return self.of(unit_id)
        return self._read(unit_id, start_ms)

    async def warm(self) -> None:
        """Read every unit's inputs ahead, in a thread: the watch must not wait for thousands of them."""
        for unit_id in self.units():
            await asyncio.to_thread(self.of, unit_id)

    def units(self) -> frozenset[str]:
        """Return the units that anything was said of."""
        return self._said

    def changed(self, unit_id: str) -> None:
        """Something was said of a unit."""
        with self._lock:
            self._generation += 1
            self._said |= {unit_id}
            self._kept.pop(unit_id, None)

    def _read(self, unit_id: str, start_ms: int) -> UnitInputs:
        def entries(kind: InputKind) -> Sequence[Entry]:
            return self._book.current(unit_id, kind, start_ms)

        return UnitInputs(
            stops=tuple(
                Stop(one.from_ms, one.to_ms, one.text("code"), StopEffect(one.text("effect")))
                for one in entries(InputKind.STOPS)
            ),
            plans=tuple(
                Plan(one.from_ms, one.to_ms or one.from_ms, one.figure("tonnes") or 0.0)
                for one in entries(InputKind.PLANS)
            ),
            ores=tuple(
                Ore(one.from_ms, one.text("ore"), one.figure("moisture_pct") or 0.0) for one in entries(InputKind.ORE)
            ),
            targets=tuple(
                Target(one.from_ms, one.figure("tph") or 0.0, None if one.own["ore"] is None else one.text("ore"))
                for one in self._book.current(unit_id, InputKind.TARGETS)
            ),
            epochs_ms=tuple(one.from_ms for one in entries(InputKind.SCALE_EPOCHS)),
        )


def _lasts_ms(unit_id: str) -> int:
    """Return how long a unit's picture is kept: not all of them grow old in the same second."""
    return WITHIN_MS // 2 + zlib.crc32(unit_id.encode()) % (WITHIN_MS // 2)
