"""The first day: 24 h of plant history through the same edge, block and journal code, with the time injected.

::

    Plant -> run_history -> Spool.append -> blocks -> Journal.commit -> Spool.acknowledge
    (a process per core, one unit each)                (this process)
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.simulator.history import run_history
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.story import demo_story
from edge_agent.spool import Spool
from orewatch.plant.unit import unit_from_json
from orewatch.storage.journal import JournalEntry
from orewatch.telemetry.block import read_header
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edge_agent.simulator.story import StoryEvent
    from orewatch.plant.unit import Unit
    from orewatch.storage.journal import Journal

DAY_S: Final = 86_400
CHUNK_S: Final = 600
BATCH: Final = 256
UPLINK: Final = "main"


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """Where the demo keeps what belongs to one unit."""

    folder: Path

    @property
    def spool(self) -> Path:
        """The agent's spool."""
        return self.folder / "spool.db"

    @property
    def plant(self) -> Path:
        """The simulator's state, as of its last instant."""
        return self.folder / "plant.json"

    def save_plant(self, plant: Plant, at_ms: int) -> None:
        """Write the plant's state; a crash in between leaves the state before."""
        fresh = self.plant.with_suffix(".new")
        fresh.write_text(json.dumps({"at_ms": at_ms, "plant": plant.snapshot()}), encoding="utf-8")
        fresh.replace(self.plant)


def run_day(
    description: str, files: UnitFiles, seed: int, start_ms: int, seconds: int, story: Sequence[StoryEvent]
) -> str:
    """Simulate one unit's day into its spool, and keep the plant's state; return the unit's id."""
    unit = unit_from_json(description)
    schema = schema_of(unit)
    files.folder.mkdir(parents=True, exist_ok=True)
    plant = Plant(unit=unit, seed=seed, start_ms=start_ms)
    # A day begun again after a crash begins from nothing; FULL would only slow what can be made anew.
    spool = Spool.open(files.spool, unit=unit, schema=schema, uplinks=(UPLINK,), synchronous="NORMAL")
    try:
        for scans in run_history(plant, seconds, schema, start_ms, story=story, chunk_s=CHUNK_S):
            now_ms = max(int(s.time_ms[-1]) for s in scans)
            spool.append(scans, now_ms)
        spool.seal_due(start_ms + seconds * 1000, force=True)
    finally:
        spool.close()
    files.save_plant(plant, start_ms + seconds * 1000)
    return unit.id


def _processes(count: int) -> ProcessPoolExecutor:
    # Not forked: the parent's threads and sockets are none of the children's business.
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


async def apart(work: Callable[[Path, int], None], folder: Path, now_ms: int) -> None:
    """Do ``work`` in a process of its own, beside this one."""
    with _processes(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, work, folder, now_ms)


def run_days(
    units: Sequence[Unit],
    folder: Callable[[str], UnitFiles],
    *,
    seed: int,
    end_ms: int,
    seconds: int = DAY_S,
    with_story: bool = True,
) -> Iterator[str]:
    """Simulate every unit's day, as many at once as there are cores; yield unit ids as they are done."""
    start_ms = end_ms - seconds * 1000
    with _processes(min(len(units), os.cpu_count() or 1)) as pool:
        days = [
            pool.submit(
                run_day,
                unit.to_json(),
                folder(unit.id),
                seed + number,
                start_ms,
                seconds,
                demo_story(unit.id, seed=seed, seconds=seconds) if with_story else (),
            )
            for number, unit in enumerate(units)
        ]
        for day in as_completed(days):
            yield day.result()


def deliver(unit: Unit, files: UnitFiles, journal: Journal, now_ms: int) -> tuple[int, int]:
    """Hand a unit's spooled blocks to the journal and acknowledge them; return how many, and their bytes."""
    schema = schema_of(unit)
    journal.put_schemas([schema])
    spool = Spool.open(files.spool, unit=unit, schema=schema, uplinks=(UPLINK,), synchronous="NORMAL")
    delivered = size = 0
    try:
        while blocks := spool.pending(UPLINK, limit=BATCH):
            journal.commit([JournalEntry(read_header(b.data), b.data, now_ms) for b in blocks])
            spool.acknowledge(UPLINK, [(blocks[0].number, blocks[-1].number)])
            delivered += len(blocks)
            size += sum(len(b.data) for b in blocks)
    finally:
        spool.close()
    return delivered, size
