"""The mirror: a minute of a thousand units into a real InfluxDB, and what an hour of a unit costs to compute anew."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.live.follower import Told
from benchmarks.result import Result, at_most, stated
from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from tests.servers import running_influxd
from tests.unit.api.made_plant import values_of
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit

UNITS: Final = 1000
MADE: Final = 20
"""Units that have scans; the scans are the same for all."""
MINUTES: Final = 3


def measure() -> list[Result]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder, running_influxd(Path(folder)) as url:
        return asyncio.run(_measure(Path(folder), url))


async def _measure(folder: Path, url: str) -> list[Result]:
    circuits = ("lead", "zinc", "manganese", "bauxite")
    units = [
        unit_from_circuit(unit_id=f"u{n:04}", circuit=circuits[n % 4], site="s", province="p", model="m")
        for n in range(UNITS)
    ]
    house = MirrorHouse(folder, url, *units)
    house.reported = False
    shown = {unit.id: list(values_of(unit, "run").items()) for unit in units}
    for second in range(MINUTES * 60 + 1):
        _hear(house, units, shown, second)
        house.now_ms += 1000
        house.service.watch.tick()
        if house.now_ms % MINUTE_MS == 0 and second < MINUTES * 60 - 1:
            house.now_ms += 2000
            house.service.watch.tick()
            await house.round()
            house.now_ms -= 2000
    assert house.service.mirror is not None
    mirror = house.service.mirror
    wrote = mirror.written["raw"]
    began, used = time.perf_counter(), time.process_time()
    late = await _longest_pause(house)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    written = mirror.written["raw"] - wrote
    assert written >= UNITS, written
    results = [
        at_most(f"mirror: a minute of {UNITS} units, from the watch into the store", took, "s", 5.0),
        stated("mirror: processor time of it", cpu, "s"),
        at_most("mirror: longest that the event loop waited meanwhile", 1000 * late, "ms", 100.0),
    ]
    for unit in units[:MADE]:
        house.store.make(unit, [("run", 1500), ("nofeed", 900), ("run", 4800)], HOUR0)
    house.now_ms = HOUR0 + HOUR_MS + 11 * MINUTE_MS
    await house.round()
    began, used, hours = time.perf_counter(), time.process_time(), 0
    before = mirror.written["hours"]
    while mirror.owed:
        await house.round()
    hours = mirror.written["hours"] - before
    took, cpu = time.perf_counter() - began, time.process_time() - used
    house.close()
    return [
        *results,
        stated("mirror: an hour of a unit computed anew and written, scans out of memory", 1000 * took / hours, "ms"),
        stated("mirror: processor time of it", 1000 * cpu / hours, "ms"),
    ]


def _hear(house: MirrorHouse, units: list[Unit], shown: dict[str, list[tuple[SignalRef, float]]], second: int) -> None:
    for unit in units:
        house.service.watch.take_heard(unit.id, house.now_ms, False)
        for ref, value in shown[unit.id]:
            grown = value + second / 240 if ref == unit.roles.total else value
            house.service.watch.take_reading(Told(unit.id, ref, house.now_ms, grown))


async def _longest_pause(house: MirrorHouse) -> float:
    """Go round once; returns the longest time that the loop did not get its turn beside it."""
    longest = 0.0
    ended = False

    async def beat() -> None:
        nonlocal longest
        while not ended:
            began = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0.001)

    beating = asyncio.create_task(beat())
    house.now_ms += 2000
    house.service.watch.tick()
    await house.round()
    ended = True
    await beating
    return longest
