"""Blocks that reach a journal late, twice and crosswise, and the stores they are projected into."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from collector.counters import Counters
from collector.project import Projector
from orewatch.plant.catalogue import SignalRef
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.telemetry.block import encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from tests.unit.collector.collector_harness import NOW_MS, OTHER_SCHEMA, SCHEMA
from tests.unit.collector.influx_harness import Influx

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.storage.projection import Projection

UNITS = ("pb-01", "zn-02")
BEGIN_MS = NOW_MS - 6 * HOUR_MS
_names = itertools.count()


def made(unit: str, spool: bytes, number: int, start_ms: int, seconds: int, seed: int) -> bytes:
    """Return a block of noise with BAD and absent readings; every fourth spool is of a later schema."""
    rng = np.random.default_rng(seed)
    schema = OTHER_SCHEMA if spool[0] % 4 == 3 else SCHEMA
    width = len(schema.groups[0].columns)
    quality = rng.choice([int(Quality.GOOD)] * 6 + [int(Quality.BAD), int(Quality.ABSENT)], (seconds, width))
    scans = Scans(
        0, start_ms + 1000 * np.arange(seconds), rng.integers(-900, 900, (seconds, width)), quality.astype(np.uint8)
    )
    return encode_block(
        unit=unit, site="Nakhlak", province="Isfahan", mineral="lead", spool=spool, number=number, schema=schema,
        scans=[scans],
    )  # fmt: skip


def arrivals(seed: int = 7) -> list[list[bytes]]:
    """Return batches as they reach the journal: late ones, overlapping ones of another spool, some sent again."""
    rng = np.random.default_rng(seed)
    blocks: list[bytes] = []
    for unit, spool in itertools.product(UNITS, (b"\x00" * 16, b"\x01" * 16, b"\x03" * 16)):
        for number in range(1, 25):
            start_ms = BEGIN_MS + number * 9 * MINUTE_MS + int(rng.integers(0, 400)) * 1000
            blocks.append(made(unit, spool, number, start_ms, int(rng.integers(20, 400)), int(rng.integers(0, 2**31))))
    order = rng.permutation(len(blocks))
    again = rng.choice(len(blocks), 30)
    shuffled = [blocks[i] for i in [*order, *again]]
    return [shuffled[at : at + 12] for at in range(0, len(shuffled), 12)]


def commit(journal: Journal, batch: list[bytes]) -> None:
    journal.commit([JournalEntry(read_header(d), d, NOW_MS) for d in batch])


def journal_at(path: Path) -> Journal:
    """Return a new journal that knows both schemas; the caller's to close."""
    journal = Journal.open(path)
    journal.put_schemas([SCHEMA, OTHER_SCHEMA])
    return journal


class Embedded:
    """The embedded store's file."""

    def __init__(self, folder: Path) -> None:
        self.tables = RollupTables.open(folder / f"rollups{next(_names)}.db")
        self.projection: Projection = EmbeddedProjection(tables=self.tables)

    def dump(self) -> object:
        # By signal: how signals are put together into rows may differ.
        refs = [SignalRef("jaw", "motor_current"), SignalRef("jaw", "load")]
        found = {}
        for unit, ref, step_ms in itertools.product(UNITS, refs, (MINUTE_MS, HOUR_MS)):
            w = self.tables.windows(unit, ref, step_ms, 0, 2 * NOW_MS)
            columns = (w.time_ms, w.mean, w.low, w.high, w.count, w.last)
            # An hour made of its minutes may differ from one made of its blocks in the last digit of the mean.
            found[unit, ref, step_ms] = [np.round(column, 9).tolist() for column in columns]
        return found, {u: self.tables.latest(u) for u in UNITS}

    def close(self) -> None:
        self.tables.close()


class InInflux:
    """A database of its own in the real InfluxDB."""

    def __init__(self, url: str) -> None:
        name = f"again{next(_names)}"
        self.influx = Influx(url, name, name=name)
        self.projection: Projection = self.influx.writer

    def dump(self) -> object:
        return self.influx.dump()

    def close(self) -> None:
        self.influx.close()


def projector(journal: Journal, projection: Projection) -> Projector:
    return Projector(journal=journal, projection=projection, counters=Counters(), batch=16)
