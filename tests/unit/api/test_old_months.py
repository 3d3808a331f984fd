"""Months of more than a year ago: their minutes are gone, and hours answer in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.fleet.months import produced
from tests.unit.api.test_fleet_months import DAY_MS, HOUR_MS, MONTH, RATE, UNIT, CounterStore, total

if TYPE_CHECKING:
    from orewatch.storage.query import Query, Series


class HoursOnly(CounterStore):
    """The same counter, of which only hours are left."""

    def series(self, query: Query) -> Series:
        return super().series(replace(query, step_ms=max(query.step_ms or 0, HOUR_MS)))


def test_the_hours_that_a_month_cuts_count_by_their_share() -> None:
    store = HoursOnly()
    store.fill(MONTH.start_ms - 2 * DAY_MS, MONTH.start_ms + 5 * DAY_MS, lambda hours: 100 + RATE * hours)
    end_ms = MONTH.start_ms + 3 * DAY_MS
    assert total(store, MONTH.start_ms, end_ms) == pytest.approx(3 * 24 * RATE, abs=0.4)
    found = produced(store, UNIT, MONTH.start_ms, end_ms)  # type: ignore[arg-type]
    assert found is not None
    assert all(MONTH.start_ms < at_ms < end_ms for at_ms, _ in found)
    # Nothing twice where one month ends and the next begins.
    assert total(store, end_ms, end_ms + DAY_MS) == pytest.approx(24 * RATE, abs=0.4)
