"""Years in the embedded store: what questions over months cost when the tables hold them, and what rollups cost.

20 units of 50 signals: scans every 10 s in the journal, 30 days of one unit (of all it would take a quarter of an
hour to make them) and the last 3 hours of the others, and a year of hours of all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from api.units.history_query import history_query
from benchmarks.result import Result, at_most, stated
from collector.counters import Counters
from collector.project import Projector
from orewatch.plant.catalogue import SignalRef
from orewatch.storage.database import PAGE_BYTES, Database
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.progress import Progress
from orewatch.storage.projection import DecodedBlock, RollupRows
from orewatch.storage.query import HOUR_MS, MINUTE_MS, Aggregate, Query, Table
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.rollups import roll_up
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_MS = 1_795_363_200_000 // HOUR_MS * HOUR_MS
DAY_MS = 24 * HOUR_MS
UNITS, MACHINES, PER_MACHINE = 20, 10, 5
DAYS, PERIOD_S = 30, 10
OTHERS = 180
# A block is sealed at about 4 kB or a minute: at this pace after the minute.
BLOCK_SCANS = 6
BATCH = 2_000
TELL_EVERY = 10_000
ROUNDS = 20
TAGS = {"site": "Nakhlak", "province": "Isfahan", "mineral": "lead"}
COLUMNS = tuple(Column(f"motor_current_{i}", "%", 0.1) for i in range(PER_MACHINE))
SCHEMA = Schema(tuple(ScanGroup(f"jaw{m}", "jaw_crusher", PERIOD_S, COLUMNS) for m in range(MACHINES)))
ONE = SignalRef("jaw3", "motor_current_2")
UNIT = "unit-007"


def measure() -> list[Result]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as folder, closing(Journal.open(Path(folder) / "journal.db")) as journal:
        results = _journaled(journal)
        with closing(RollupTables.open(Path(folder) / "rollups.db")) as tables:
            _a_year(tables)
            projector = Projector(
                journal=journal, projection=EmbeddedProjection(tables=tables), counters=Counters(), batch=256
            )
            results += _rolling(journal, tables, projector)
            results += _asked(EmbeddedStore(journal=journal, tables=tables), START_MS + DAYS * DAY_MS)
            results.append(stated("a year of rollups of 1 000 signals", _size(tables.database) / 2**20, "MiB"))
    return [*results, *_cpu_at_full_rate()]


def _block(unit: int, number: int, times: np.ndarray, schema: Schema, rng: np.random.Generator) -> bytes:
    noise = np.rint(rng.normal(0, 1.3, (MACHINES, len(times), PER_MACHINE))).astype(np.int64)
    return encode_block(
        unit=f"unit-{unit:03d}",
        spool=unit.to_bytes(16, "big"),
        number=number,
        schema=schema,
        scans=[Scans(m, times, 600 + noise[m]) for m in range(MACHINES)],
        **TAGS,
    )


def _seeded() -> Iterator[bytes]:
    """Yield a block a minute: 30 days of one unit, the last hours of the others."""
    rng = np.random.default_rng(7)
    for unit in range(UNITS):
        minutes = DAYS * 1440 if f"unit-{unit:03d}" == UNIT else OTHERS
        for minute in range(DAYS * 1440 - minutes, DAYS * 1440):
            times = START_MS + MINUTE_MS * minute + PERIOD_S * 1000 * np.arange(BLOCK_SCANS)
            yield _block(unit, minute + 1, times, SCHEMA, rng)


def _journaled(journal: Journal) -> list[Result]:
    journal.put_schemas([SCHEMA])
    batch: list[JournalEntry] = []
    values = size = 0
    total = DAYS * 1440 + (UNITS - 1) * OTHERS
    for count, data in enumerate(_seeded(), 1):
        header = read_header(data)
        batch.append(JournalEntry(header, data, header.last_ms))
        values, size = values + header.values, size + len(data)
        if len(batch) == BATCH or count == total:
            journal.commit(batch)
            batch.clear()
        if count % TELL_EVERY == 0 or count == total:
            _say(f"  {count:,} of {total:,} blocks")
    file = _size(journal.database)
    return [
        stated("scans every 10 s in blocks of a minute: the blocks", size / values, "B/value"),
        stated("the same in the journal's file", file / values, "B/value"),
    ]


def _a_year(tables: RollupTables) -> None:
    """Write hours of the year before, of all units."""
    hours = START_MS - HOUR_MS * np.arange(335 * 24, 0, -1)
    rng = np.random.default_rng(3)
    names = tuple(c.name for c in COLUMNS)
    mean = rng.normal(60, 2, (len(hours), PER_MACHINE))
    count = np.full(mean.shape, 360)
    for unit in range(UNITS):
        tables.put(
            [
                RollupRows(
                    unit=f"unit-{unit:03d}", machine=f"jaw{m}", cls="jaw_crusher", step_ms=HOUR_MS, names=names,
                    time_ms=hours, mean=mean, low=mean - 5, high=mean + 5, count=count, last=mean, **TAGS,
                )
                for m in range(MACHINES)
            ]
        )  # fmt: skip
    _say(f"  a year of hours of {UNITS} units")


def _rolling(journal: Journal, tables: RollupTables, projector: Projector) -> list[Result]:
    """Project what was seeded."""
    now_ms = START_MS + DAYS * DAY_MS
    began, moved = time.process_time(), 0
    while (step := projector.step(now_ms)).moved:
        moved += step.moved
        if moved % 12_800 == 0:
            _say(f"  {moved:,} blocks rolled up")
    if not projector.drain(now_ms):
        raise RuntimeError("the embedded store does not take its rollups")
    cpu = time.process_time() - began
    if Progress(database=journal.database, projection=tables.name).dirty():
        raise RuntimeError("windows are still owed")
    return [stated("a backlog of minutes of 300 values rolled up", cpu / moved / 300 * 1e6, "us/value")]


def _asked(store: EmbeddedStore, end_ms: int) -> list[Result]:
    """Ask what people look at."""
    day = history_query(UNIT, ONE, end_ms - DAY_MS, end_ms, step=None, aggregate=None)
    month = history_query(UNIT, ONE, end_ms - 30 * DAY_MS, end_ms, step=None, aggregate=None)
    year = history_query(UNIT, ONE, end_ms - 365 * DAY_MS, end_ms, step=None, aggregate=None)
    by_hours = Query(
        unit=UNIT, ref=ONE, start_ms=end_ms - 365 * DAY_MS, end_ms=end_ms, step_ms=HOUR_MS, aggregate=Aggregate.MEAN
    )
    uneven = history_query(UNIT, ONE, end_ms - DAY_MS, end_ms, step="172.8s", aggregate=None)
    raw = Query(unit=UNIT, ref=ONE, start_ms=end_ms - DAY_MS, end_ms=end_ms)
    for query, table, points in ((day, Table.MINUTE, 250), (year, Table.HOUR, 350), (by_hours, Table.HOUR, 8000)):
        series = store.series(query)
        if series.table is not table or len(series) < points:
            raise RuntimeError(f"{query}: {len(series)} points from {series.table}")
    steps = f"{len(store.series(day))} points of {(day.step_ms or 0) // 1000} s"
    return [
        at_most("newest values of a unit of 50 signals", _ms(lambda: store.latest(UNIT)), "ms", 20),
        at_most(f"a day of one signal, {steps}", _ms(lambda: store.series(day)), "ms", 50),
        at_most("a month of one signal, as a page asks", _ms(lambda: store.series(month)), "ms", 100),
        at_most("a year of one signal from hours, by days", _ms(lambda: store.series(year)), "ms", 100),
        at_most("a year of one signal from hours, every hour", _ms(lambda: store.series(by_hours)), "ms", 100),
        stated("a day to 500 points of 172.8 s, from every scan", _ms(lambda: store.series(uneven)), "ms"),
        stated("a day of one signal, every scan", _ms(lambda: store.series(raw)), "ms"),
    ]


def _cpu_at_full_rate() -> list[Result]:
    """Let many units send blocks of a minute of 50 signals at 1 Hz for an hour and more, at the pace of live data."""
    units, minutes = 40, 75
    schema = Schema(tuple(ScanGroup(g.machine, g.cls, 1.0, g.columns) for g in SCHEMA.groups))
    rng = np.random.default_rng(5)
    kept = 0
    with tempfile.TemporaryDirectory() as folder, closing(Journal.open(Path(folder) / "journal.db")) as journal:
        journal.put_schemas([schema])
        with closing(RollupTables.open(Path(folder) / "rollups.db")) as tables:
            projector = Projector(journal=journal, projection=EmbeddedProjection(tables=tables), counters=Counters())
            # As the demo of a rush hour: each unit's minute begins at its own second.
            cpu = 0.0
            for minute in range(minutes):
                entries = []
                for unit in range(units):
                    times = START_MS + MINUTE_MS * minute + 1000 * (unit % 60) + 1000 * np.arange(60)
                    data = _block(unit, minute + 1, times, schema, rng)
                    entries.append(JournalEntry(read_header(data), data, START_MS))
                kept += journal.commit(entries).count("stored") * 3000  # type: ignore[arg-type]
                began = time.process_time()
                while projector.step(START_MS + MINUTE_MS * (minute + 1)).moved:
                    pass
                cpu += time.process_time() - began
            size = _size(journal.database)
    _say(f"  {minutes} minutes of {units} units")
    return [
        at_most("rollups and newest values at 200 000 values/s", cpu / kept * 200_000 * 100, "% of a core", 25),
        at_most("the journal's file, 1 Hz in blocks of a minute", size / kept, "B/value", 1.4),
        stated("rolling a decoded block up, minutes", _roll_alone(schema, rng), "us/value"),
    ]


def _roll_alone(schema: Schema, rng: np.random.Generator) -> float:
    times = START_MS + 1000 * np.arange(60)
    data = _block(0, 1, times, schema, rng)
    block = DecodedBlock(read_header(data), schema, decode_block(data, schema))
    return _ms(lambda: roll_up([block], [START_MS], MINUTE_MS)) * 1000 / 3000


def _ms(work: Callable[[], object]) -> float:
    """Return the median of several runs, each a new question."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken)) * 1000


def _size(file: Database) -> int:
    """Return what the file has, whether it has left the WAL yet or not."""
    return file.pages()[0] * PAGE_BYTES


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
