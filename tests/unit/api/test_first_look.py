"""Days computed ahead of the first page: bounded, in order, and quiet where the store is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.units.first_look import DAY_MS, MOST_UNITS, read_days
from edge_agent.simulator.unit_files import demo_units
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

NOW_MS = 1_795_433_400_000


async def test_each_unit_s_day_is_asked_for_once_and_not_of_everybody() -> None:
    asked: list[tuple[str, int, int]] = []

    async def states(unit: Unit, start_ms: int, end_ms: int) -> None:
        asked.append((unit.id, start_ms, end_ms))

    units = demo_units(MOST_UNITS + 3)
    await read_days(units, states, lambda: NOW_MS)
    assert asked == [(unit.id, NOW_MS - DAY_MS, NOW_MS) for unit in units[:MOST_UNITS]]


async def test_a_store_that_is_down_is_asked_once() -> None:
    asked = []

    async def states(unit: Unit, start_ms: int, end_ms: int) -> None:
        asked.append((unit.id, start_ms, end_ms))
        raise StoreError("the store is down")

    await read_days(demo_units(3), states, lambda: NOW_MS)
    assert len(asked) == 1
