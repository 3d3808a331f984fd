"""Tonnes of the running day counted again from the store: after late data, and after a start without memory."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from api.live.tally import QUARTER_MS, Tally
from orewatch.plant.inputs import NOTHING_SAID, nothing_said
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from api.live.judge import Judge
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore

log = logging.getLogger(__name__)

AT_ONCE = 8


class Recounts:
    """Units whose day is to be counted again, a few at a time; ``day_start_ms`` of the production day at an instant."""

    def __init__(
        self,
        *,
        store: HistoryStore | None,
        day_start_ms: Callable[[int], int],
        inputs: Callable[[str], UnitInputs] = nothing_said,
    ) -> None:
        self._store = store
        self._inputs = inputs
        self._day_start_ms = day_start_ms
        # A dict as an ordered set.
        self._asked: dict[str, None] = {}

    def ask(self, unit_ids: Iterable[str]) -> None:
        """Count these units' day again."""
        if self._store is not None:
            self._asked.update(dict.fromkeys(unit_ids))

    async def some(self, judge: Judge) -> int:
        """Count the next few units; returns how many. With the store down they stay asked for."""
        done = 0
        for unit_id in list(self._asked)[:AT_ONCE]:
            # Taken before it is counted: who asks meanwhile asks again.
            self._asked.pop(unit_id, None)
            number = judge.number(unit_id)
            if number is not None and self._store is not None:
                unit, tally = judge.units[number], judge.tallies[number]
                start_ms = self._day_start_ms(judge.now_ms - 1)
                end_ms = judge.now_ms if tally.counted_to_ms is None else tally.counted_to_ms + 1
                try:
                    day = await asyncio.to_thread(
                        counted_day, self._store, unit, start_ms, end_ms, self._inputs(unit_id)
                    )
                except StoreError as error:
                    log.warning("the day's tonnes of %s wait for the store: %s", unit_id, error)
                    self._asked[unit_id] = None
                    return done
                judge.tallies[number].correct(day)
                done += 1
        return done


def counted_day(
    store: HistoryStore, unit: Unit, start_ms: int, end_ms: int, inputs: UnitInputs = NOTHING_SAID
) -> Tally:
    """Return what the store's scans of ``[start_ms, end_ms)`` say of a unit's day that began at ``start_ms``."""
    total = unit.roles.total
    found = store.many(unit.id, [total], start_ms - QUARTER_MS, end_ms)[total]
    day = Tally(unit=unit, day_start_ms=start_ms, inputs=lambda: inputs)
    day.count(found.time_ms, found.values)
    return day
