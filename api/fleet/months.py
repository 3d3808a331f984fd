"""Tonnes of the Jalali month so far: whole production days from the store, the running day from the tally."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orewatch.plant.inputs import nothing_said
from orewatch.plant.totaliser import CounterEvent, accept, by_epoch, rule_for
from orewatch.storage.query import HOUR_MS, MINUTE_MS, Aggregate, Query, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from api.live.production_day import ProductionDay
    from api.live.roster import Roster
    from api.live.tally import Tally
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.totaliser import Counted
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore

log = logging.getLogger(__name__)

PAUSE_S = 0.02
REST_S = 5.0
# Blocks are sealed after a minute and travel; by then the day that ended is as good as whole.
SETTLING_MS = 600_000
AT_ONCE = 50


class MonthSoFar(NamedTuple):
    """Tonnes of a month up to the production day that began at ``to_ms``; None where nothing was ever read."""

    month_ms: int
    to_ms: int
    tonnes: float | None


class Months:
    """Months by unit, counted in the background, one unit at a time; ``run`` is that background.

    ``inputs``: what people said of a unit: moisture and scale epochs. ``tally_of``: a unit's live tally.
    """

    def __init__(
        self,
        *,
        store: HistoryStore | None,
        roster: Roster,
        day: ProductionDay,
        tally_of: Callable[[str], Tally | None],
        now_ms: Callable[[], int],
        inputs: Callable[[str], UnitInputs] = nothing_said,
    ) -> None:
        self._store = store
        self._roster = roster
        self._day = day
        self._tally_of = tally_of
        self._now_ms = now_ms
        self._inputs = inputs
        self._counted: dict[str, MonthSoFar] = {}
        self._shown: dict[str, float | None] = {}
        # Dicts as ordered sets.
        self._asked: dict[str, None] = {}
        self._behind: list[str] = []
        self._day_ms = 0
        self._settles_ms: int | None = None

    def ask(self, unit_ids: Iterable[str]) -> None:
        """Count these units' months again: their history is not what it was."""
        if self._store is not None:
            self._asked.update(dict.fromkeys(unit_ids))

    def tonnes(self, unit_id: str, now_ms: int) -> float | None:
        """Return a unit's tonnes of the month up to ``now_ms``; None while they are not known."""
        counted = self._counted.get(unit_id)
        day_ms = self._day.start_ms(now_ms)
        if counted is None or counted.to_ms != day_ms:
            # A new day: until this unit's turn has come, what was shown last.
            new_month = counted is not None and counted.month_ms != self._day.month_start_ms(now_ms)
            return None if new_month else self._shown.get(unit_id)
        tally = self._tally_of(unit_id)
        today = None if tally is None else tally.today_t
        known = counted.tonnes is not None or today is not None
        shown = self._shown[unit_id] = round((counted.tonnes or 0.0) + (today or 0.0), 3) if known else None
        return shown

    async def run(self) -> None:
        """Go on for ever: who is new, whose day ended, who was asked for."""
        while True:
            pause_s = PAUSE_S if await self.next() else REST_S
            await asyncio.sleep(pause_s)

    async def next(self) -> bool:
        """Count one unit; False where there is nothing to do, or the store is down: then it is asked later."""
        now_ms = self._now_ms()
        self._turn(now_ms)
        if self._behind:
            return True
        self.ask(one.id for one in self._roster if one.id not in self._counted and one.id not in self._asked)
        unit_id = next(iter(self._asked), None)
        if unit_id is None or self._store is None:
            return False
        # Taken before it is counted: who asks meanwhile asks again.
        self._asked.pop(unit_id, None)
        unit = self._roster.unit(unit_id)
        month_ms, day_ms = self._day.month_start_ms(now_ms), self._day.start_ms(now_ms)
        if unit is not None:
            try:
                said = self._inputs(unit_id)
                found = await asyncio.to_thread(produced, self._store, unit, month_ms, day_ms, said.epochs_ms)
            except StoreError as error:
                log.warning("tonnes of the month of %s wait for the store: %s", unit_id, error)
                self._asked[unit_id] = None
                return False
            self._counted[unit_id] = MonthSoFar(month_ms, day_ms, self._dried(unit_id, found))
        return True

    def _dried(self, unit_id: str, found: list[tuple[int, float]] | None) -> float | None:
        if found is None:
            return None
        said = self._inputs(unit_id)
        return sum(wet * said.dry_share(at_ms) for at_ms, wet in found)

    def _turn(self, now_ms: int) -> None:
        """A new day began: what was counted goes on with the day that ended, and is counted again once it settled."""
        day_ms = self._day.start_ms(now_ms)
        if day_ms != self._day_ms:
            self._day_ms, self._settles_ms = day_ms, day_ms + SETTLING_MS
            self._behind = list(self._counted)
        # A few at a time: looking back into a tally takes its while, and the tick must not wait for thousands.
        some, self._behind = self._behind[:AT_ONCE], self._behind[AT_ONCE:]
        for unit_id in some:
            self._carry_on(unit_id, self._counted[unit_id], self._day.month_start_ms(now_ms), day_ms)
        if self._settles_ms is not None and now_ms >= self._settles_ms:
            self._settles_ms = None
            self.ask(unit.id for unit in self._roster)

    def _carry_on(self, unit_id: str, counted: MonthSoFar, month_ms: int, day_ms: int) -> None:
        tally = self._tally_of(unit_id)
        if month_ms != counted.month_ms:
            self._counted[unit_id] = MonthSoFar(month_ms, day_ms, 0.0)
        elif tally is not None and counted.tonnes is not None and counted.to_ms < day_ms:
            ended = tally.at(day_ms) - tally.at(counted.to_ms)
            self._counted[unit_id] = MonthSoFar(month_ms, day_ms, counted.tonnes + ended)


def produced(
    store: HistoryStore, unit: Unit, start_ms: int, end_ms: int, epochs_ms: Sequence[int] = ()
) -> list[tuple[int, float]] | None:
    """Return (time in ms, wet tonnes) counted over ``[start_ms, end_ms)``; None where no reading is in reach.

    From the hourly rollups, and by the minute in the hours that the bounds cut. Blocking; StoreError comes through.
    """
    if start_ms >= end_ms:
        return []
    levels = _levels(store, unit, start_ms, end_ms, epochs_ms)
    time_ms, values = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    order = np.argsort(time_ms, kind="stable")
    time_ms, values = time_ms[order], values[order]
    if not len(time_ms):
        return None
    rule = rule_for(unit, unit.roles.total)
    parts = by_epoch(time_ms, values, epochs_ms, start_ms)
    return [
        one for _, times, shown in parts for one in _differences(accept(None, times, shown, rule), start_ms, end_ms)
    ]


def _differences(counted: Counted, start_ms: int, end_ms: int) -> list[tuple[int, float]]:
    """Return (time, tonnes) of what rose in ``[start_ms, end_ms)``."""
    if not len(counted.time_ms):
        return []
    found = []
    # A difference belongs to the time between two readings: what spans the start or the end counts by its share.
    before_ms = int(counted.time_ms[0])
    for at_ms, delta, event in zip(
        counted.time_ms.tolist(), counted.delta.tolist(), counted.event.tolist(), strict=True
    ):
        if delta and at_ms > start_ms and before_ms < end_ms:
            inside_ms = min(at_ms, end_ms) - max(before_ms, start_ms)
            share = inside_ms / (at_ms - before_ms) if at_ms > before_ms else 1.0
            found.append((min(at_ms, end_ms - 1), delta * share))
        if event not in {CounterEvent.BAD, CounterEvent.IMPLAUSIBLE}:
            before_ms = at_ms
    return found


def _levels(
    store: HistoryStore, unit: Unit, start_ms: int, end_ms: int, epochs_ms: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield what the counter showed at the end of each window, in order of time."""
    first_ms, last_ms = -(-start_ms // HOUR_MS) * HOUR_MS, end_ms // HOUR_MS * HOUR_MS
    before = _asked(store, unit, first_ms - 2 * HOUR_MS, min(first_ms, end_ms), MINUTE_MS)
    hours = _asked(store, unit, first_ms, last_ms, HOUR_MS)
    # An hour in which the scale began anew would lose what was weighed in it: by the minute it does not.
    cut = sorted({at // HOUR_MS * HOUR_MS for at in epochs_ms if first_ms <= at < last_ms})
    whole = ~np.isin(hours[0] // HOUR_MS * HOUR_MS, cut)
    hours = hours[0][whole], hours[1][whole]
    after = _asked(store, unit, max(first_ms, last_ms), end_ms, MINUTE_MS)
    if not len(before[0]) and len(hours[0]):
        # Nothing says where the counter stood at the start: the lowest of the first hour is the next best.
        hour_ms = int(hours[0][0]) + 1 - HOUR_MS
        lowest = _asked(store, unit, hour_ms, hour_ms + HOUR_MS, HOUR_MS, Aggregate.MIN)
        yield lowest[0] - (HOUR_MS - 1), lowest[1]
    yield from (before, hours, after, *(_asked(store, unit, at, at + HOUR_MS, MINUTE_MS) for at in cut))


def _asked(
    store: HistoryStore, unit: Unit, start_ms: int, end_ms: int, step_ms: int, kind: Aggregate = Aggregate.MAX
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if start_ms >= end_ms:
        return np.empty(0, np.int64), np.empty(0)
    query = Query(unit=unit.id, ref=unit.roles.total, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, aggregate=kind)
    series = store.series(query)
    # Where retention has left nothing finer, a coarser window answers: what it says, it says of its own end.
    return series.time_ms + (query.step_in(series.table) - 1), series.values
