"""Tonnes of the Jalali month so far, by production days; and hours of which nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.fleet.months import SETTLING_MS, Months, produced
from api.live.production_day import ProductionDay
from api.live.roster import Roster
from api.live.tally import Tally
from orewatch.plant.calendar import jalali_month
from orewatch.plant.inputs import Ore, UnitInputs, nothing_said
from orewatch.storage.query import Aggregate, Series, StoreError, empty_series
from tests.unit.api.made_plant import made_unit
from tests.unit.api.test_fleet_table import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from orewatch.storage.query import Query

UNIT = made_unit(target_tph=10.0)
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MONTH = jalali_month(1405, 9, start=time(7))
RATE = 10.0


class CounterStore:
    """A store that holds one counter, read once a minute."""

    def __init__(self) -> None:
        self.time_ms = np.empty(0, np.int64)
        self.values = np.empty(0)
        self.down = False
        self.asked: list[Query] = []

    def fill(self, start_ms: int, end_ms: int, counter: Callable[[float], float]) -> None:
        """Let the counter show ``counter(hours since start_ms)``."""
        times = np.arange(start_ms, end_ms, MINUTE_MS)
        shown = np.array([counter((t - start_ms) / HOUR_MS) for t in times.tolist()])
        self.time_ms, self.values = np.concatenate([self.time_ms, times]), np.concatenate([self.values, shown])

    def series(self, query: Query) -> Series:
        self.asked.append(query)
        if self.down:
            raise StoreError("made to be down")
        step = query.step_ms or 1
        inside = (self.time_ms >= query.window_start_ms) & (self.time_ms < query.window_end_ms)
        window, values = self.time_ms[inside] // step, self.values[inside]
        if not len(window):
            return empty_series(query.table)
        kind = {Aggregate.MAX: np.max, Aggregate.MIN: np.min}[query.aggregate]
        starts = np.unique(window)
        return Series(starts * step, np.array([kind(values[window == w]) for w in starts]), query.table)


def total(store: CounterStore, start_ms: int, end_ms: int) -> float | None:
    found = produced(store, UNIT, start_ms, end_ms)  # type: ignore[arg-type]
    return None if found is None else sum(tonnes for _, tonnes in found)


def test_whole_days_come_from_hours_and_their_cut_ends_from_minutes() -> None:
    store = CounterStore()
    store.fill(MONTH.start_ms - 2 * DAY_MS, MONTH.start_ms + 5 * DAY_MS, lambda hours: 100 + RATE * hours)
    assert MONTH.start_ms % HOUR_MS == HOUR_MS // 2, "07:00 in Tehran is not a whole hour of UTC"
    assert total(store, MONTH.start_ms, MONTH.start_ms + 3 * DAY_MS) == pytest.approx(3 * 24 * RATE, abs=0.4)
    steps = [(query.step_ms, (query.end_ms - query.start_ms) / HOUR_MS) for query in store.asked]
    assert steps == [(MINUTE_MS, 2), (HOUR_MS, 71), (MINUTE_MS, 0.5)]
    assert total(store, MONTH.start_ms, MONTH.start_ms) == 0


def test_resets_and_rollovers_count_right() -> None:
    store = CounterStore()
    begin = MONTH.start_ms - HOUR_MS
    store.fill(begin, begin + 20 * HOUR_MS, lambda hours: 5000 + RATE * hours)
    store.fill(begin + 20 * HOUR_MS, begin + 40 * HOUR_MS, lambda hours: RATE * hours)
    # The hour in which it began again shows the old level at its end: what came after counts from zero.
    assert total(store, MONTH.start_ms, begin + 40 * HOUR_MS - HOUR_MS // 2) == pytest.approx(385, abs=2 * RATE)
    wrap = UNIT.signal(UNIT.roles.total).wrap
    assert wrap is not None
    rolled = CounterStore()
    rolled.fill(begin, begin + 40 * HOUR_MS, lambda hours: (wrap - 200 + RATE * hours) % wrap)
    assert total(rolled, MONTH.start_ms, begin + 40 * HOUR_MS) == pytest.approx(390, abs=RATE)


def test_what_spans_the_first_of_the_month_counts_by_its_share() -> None:
    store = CounterStore()
    store.fill(MONTH.start_ms - 90 * MINUTE_MS, MONTH.start_ms - HOUR_MS, lambda _hours: 100.0)
    store.fill(MONTH.start_ms + HOUR_MS, MONTH.start_ms + DAY_MS, lambda _hours: 120.0)
    assert total(store, MONTH.start_ms, MONTH.start_ms + DAY_MS) == pytest.approx(10, abs=3.5)


def test_a_unit_that_began_within_the_month_loses_nothing() -> None:
    store = CounterStore()
    first = MONTH.start_ms + 5 * DAY_MS + HOUR_MS // 2
    store.fill(first, first + 10 * HOUR_MS, lambda hours: 300 + RATE * hours)
    assert total(store, MONTH.start_ms, first + DAY_MS) == pytest.approx(10 * RATE, abs=0.4)


def test_nothing_read_is_not_nothing_produced() -> None:
    assert total(CounterStore(), MONTH.start_ms, MONTH.start_ms + DAY_MS) is None


class Kept:
    """Months over a made store, with a tally that is fed by hand."""

    def __init__(self, now_ms: int, said: UnitInputs | None = None) -> None:
        self.now_ms = now_ms
        self.store = CounterStore()
        self.day = ProductionDay(start_h=7, shifts=2)
        self.tally = Tally(unit=UNIT, day_start_ms=self.day.start_ms(now_ms))
        self.months = Months(
            store=self.store,  # type: ignore[arg-type]
            roster=Roster(units=[UNIT]),
            day=self.day,
            tally_of=lambda _unit: self.tally,
            now_ms=lambda: self.now_ms,
            inputs=lambda _unit: said or nothing_said(),
        )

    def count(self, start_ms: int, end_ms: int, first: float) -> None:
        times = np.arange(start_ms, end_ms + 1, 10_000)
        self.tally.count(times, first + RATE * (times - start_ms) / HOUR_MS)

    def shown(self) -> float | None:
        return self.months.tonnes(UNIT.id, self.now_ms)

    async def settle(self) -> None:
        while await self.months.next():
            pass


async def test_the_running_day_comes_from_the_tally() -> None:
    today = MONTH.start_ms + 4 * DAY_MS
    kept = Kept(today + 2 * HOUR_MS)
    kept.store.fill(MONTH.start_ms - DAY_MS, today, lambda hours: 50 + RATE * hours)
    assert kept.shown() is None, "not known is not zero"
    await kept.settle()
    assert kept.shown() == pytest.approx(4 * 24 * RATE, abs=0.4)
    kept.count(today, kept.now_ms, 1250)
    assert kept.shown() == pytest.approx((4 * 24 + 2) * RATE, abs=0.5)


async def test_moisture_goes_off() -> None:
    today = MONTH.start_ms + 2 * DAY_MS
    kept = Kept(today + HOUR_MS, UnitInputs(ores=(Ore(MONTH.start_ms + DAY_MS, "wet", 10.0),)))
    kept.store.fill(MONTH.start_ms - DAY_MS, today, lambda hours: 50 + RATE * hours)
    await kept.settle()
    assert kept.shown() == pytest.approx(24 * RATE * 1.9, abs=0.6)


async def test_a_new_day_goes_on_without_a_break_and_is_counted_again() -> None:
    today = MONTH.start_ms + 4 * DAY_MS
    kept = Kept(today + 22 * HOUR_MS)
    kept.store.fill(MONTH.start_ms - DAY_MS, today, lambda hours: 50 + RATE * hours)
    await kept.settle()
    kept.count(kept.now_ms, today + 25 * HOUR_MS, 2000)
    before = kept.shown()
    kept.now_ms = today + DAY_MS + HOUR_MS // 10
    kept.tally.begin_day(today + DAY_MS)
    assert kept.shown() == before, "until its turn comes, what was shown last"
    await kept.months.next()
    assert kept.shown() == pytest.approx(4 * 24 * RATE + 30, abs=0.5)
    # The store has the whole day by then, also what the tally never heard.
    kept.store.fill(today, today + DAY_MS, lambda hours: 50 + RATE * (5 * 24 + hours))
    kept.now_ms = today + DAY_MS + SETTLING_MS
    await kept.settle()
    assert kept.shown() == pytest.approx(5 * 24 * RATE + 10, abs=0.6)


async def test_a_new_month_begins_with_nothing() -> None:
    last = MONTH.end_ms - DAY_MS
    kept = Kept(last + HOUR_MS)
    kept.store.fill(last - 5 * DAY_MS, last, lambda hours: 50 + RATE * hours)
    await kept.settle()
    assert kept.shown() == pytest.approx(5 * 24 * RATE, abs=0.5)
    kept.now_ms = MONTH.end_ms + HOUR_MS
    kept.tally.begin_day(MONTH.end_ms)
    assert kept.shown() is None
    await kept.settle()
    assert kept.shown() == 0.0
    kept.count(MONTH.end_ms, kept.now_ms, 9000)
    assert kept.shown() == pytest.approx(RATE, abs=0.1)


async def test_a_store_that_is_down_is_asked_later_and_late_data_counts() -> None:
    today = MONTH.start_ms + DAY_MS
    kept = Kept(today + HOUR_MS)
    kept.store.down = True
    assert await kept.months.next() is False
    assert kept.shown() is None
    kept.store.down = False
    kept.store.fill(MONTH.start_ms - HOUR_MS, today - 12 * HOUR_MS, lambda hours: 50 + RATE * hours)
    await kept.settle()
    assert kept.shown() == pytest.approx(12 * RATE, abs=0.4)
    kept.store.fill(today - 12 * HOUR_MS, today, lambda hours: 50 + RATE * (13 + hours))
    await kept.settle()
    assert kept.shown() == pytest.approx(12 * RATE, abs=0.4), "nobody said that anything came"
    kept.months.ask([UNIT.id, "never-seen"])
    await kept.settle()
    assert kept.shown() == pytest.approx(24 * RATE, abs=0.4)


def hours_known(site: Site) -> Iterable[float]:
    return (site.service.frames.entry(unit, site.now_ms)["unknown_h"] for unit in site.units)


def test_unknown_hours_are_those_without_word(tmp_path: Path) -> None:
    site = Site(tmp_path, [made_unit()])
    for _ in range(60):
        site.second(10.0)
    (begun,) = hours_known(site)
    for _ in range(300):
        site.second(10.0)
    (heard,) = hours_known(site)
    assert heard <= begun < 61 / 3600
    for _ in range(600):
        site.second(None)
    (silent,) = hours_known(site)
    assert silent - heard == pytest.approx(600 / 3600, abs=0.004)
    for _ in range(200):
        site.second(10.0)
    (again,) = hours_known(site)
    assert again - heard == pytest.approx(600 / 3600, abs=0.006)
    site.service.database.close()


def test_unknown_hours_begin_anew_with_the_day(tmp_path: Path) -> None:
    site = Site(tmp_path, [made_unit()])
    site.second(None)
    day_ms = site.service.day.start_ms(site.now_ms) + DAY_MS
    unknown = site.service.fleet.unknown
    assert unknown.hours(0, day_ms - 1000) == pytest.approx((day_ms - 1000 - site.now_ms) / HOUR_MS, abs=0.01)
    assert unknown.hours(0, day_ms + 90 * MINUTE_MS) == 1.5
    assert datetime.fromtimestamp(day_ms / 1000, UTC).strftime("%H:%M") == "03:30"
    site.service.database.close()


def test_a_calibration_costs_no_hour() -> None:
    store = CounterStore()
    store.fill(MONTH.start_ms - DAY_MS, MONTH.start_ms + DAY_MS, lambda hours: 50 + RATE * hours)
    epoch_ms = MONTH.start_ms + 10 * HOUR_MS + 1_234_000
    whole = produced(store, UNIT, MONTH.start_ms, MONTH.start_ms + DAY_MS)  # type: ignore[arg-type]
    parted = produced(store, UNIT, MONTH.start_ms, MONTH.start_ms + DAY_MS, [epoch_ms])  # type: ignore[arg-type]
    assert whole is not None
    assert parted is not None
    assert sum(t for _, t in parted) == pytest.approx(sum(t for _, t in whole), abs=0.4)
