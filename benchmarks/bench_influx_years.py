"""Years in an InfluxDB: how fast the real server on this machine answers what pages and boards ask.

1,000 units of 50 signals (10 machines, a class each) at 10 s, as many hours as the time for seeding allows; a few units
with 30 days of scans; a few with a year of hours. 30 days of everybody would be 13 G values.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.result import Result, at_most, stated
from orewatch.plant.catalogue import SignalRef
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import FOREVER
from orewatch.storage.projection import DecodedBlock, RollupRows
from orewatch.storage.query import HOUR_MS, Aggregate, Query
from orewatch.telemetry.block import BlockHeader
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.servers import running_influxd

if TYPE_CHECKING:
    from collections.abc import Callable

END_MS: Final = 1_795_363_200_000
DAY_MS: Final = 86_400_000
PERIOD_MS: Final = 10_000
UNITS: Final = 1000
MACHINES: Final = 10
SIGNALS: Final = 5
ROWS: Final = 180
SEED_S: Final = 120.0
LONG_UNITS: Final = 2
LONG_DAYS: Final = 30
YEAR_UNITS: Final = 2
ASKED: Final = 30
SCHEMA: Final = Schema(
    tuple(
        ScanGroup(f"machine{m}", f"class_{m}", 10.0, tuple(Column(f"signal_{m}_{s}", "1", 0.1) for s in range(SIGNALS)))
        for m in range(MACHINES)
    )
)
REF: Final = SignalRef("machine3", "signal_3_1")


def block(unit: str, start_ms: int, rows: int) -> DecodedBlock:
    """Return a block of a unit whose signals wander."""
    rng = np.random.default_rng([len(unit), start_ms // 1000])
    times = start_ms + PERIOD_MS * np.arange(rows)
    scans = [Scans(m, times, 600 + np.cumsum(rng.integers(-3, 4, (rows, SIGNALS)), axis=0)) for m in range(MACHINES)]
    header = BlockHeader(
        unit, "Nakhlak", "Isfahan", "lead", b"s" * 16, 1, SCHEMA.hash, start_ms, int(times[-1]),
        rows * MACHINES * SIGNALS, b"",
    )  # fmt: skip
    return DecodedBlock(header, SCHEMA, scans)


def year_of_hours(unit: str) -> list[RollupRows]:
    """Return a year of hours of all machines of a unit."""
    times = END_MS - HOUR_MS * np.arange(8760, 0, -1)
    rng = np.random.default_rng(len(unit))
    rows = []
    for group in SCHEMA.groups:
        mean = rng.normal(60, 5, (len(times), SIGNALS))
        rows.append(
            RollupRows(
                unit=unit, site="Nakhlak", province="Isfahan", mineral="lead", machine=group.machine, cls=group.cls,
                step_ms=HOUR_MS, names=tuple(c.name for c in group.columns), time_ms=times, mean=mean, low=mean - 9,
                high=mean + 9, count=np.full(mean.shape, 360),
                last=mean,
            )
        )  # fmt: skip
    return rows


def measure() -> list[Result]:
    """Return the figures; none where there is no influxd."""
    if not shutil.which("influxd"):
        return []
    with tempfile.TemporaryDirectory() as folder, running_influxd(Path(folder)) as url:
        server = InfluxServer(target=InfluxTarget(url=url, database="years", timeout_s=120))
        seeded = _seed(server)
        asked = _ask(url)
        server.close()
    return seeded + asked


def _put(writer: InfluxWriter, blocks: list[DecodedBlock]) -> int:
    outcome = writer.write(blocks)
    while outcome.retry and outcome.written < len(blocks):
        time.sleep(min(outcome.wait_s, 2))
        blocks = blocks[outcome.written :]
        outcome = writer.write(blocks)
    return sum(b.header.values for b in blocks)


def _seed(server: InfluxServer) -> list[Result]:
    writer = InfluxWriter(server=server, retention=FOREVER)
    values, began = 0, time.monotonic()
    span_ms = ROWS * PERIOD_MS
    spans = 0
    # The newest first, so that whatever the time allows is there up to the end.
    while time.monotonic() - began < SEED_S:
        spans += 1
        for first in range(0, UNITS, 100):
            values += _put(
                writer, [block(f"unit-{u:04d}", END_MS - spans * span_ms, ROWS) for u in range(first, first + 100)]
            )
    rate = values / (time.monotonic() - began)
    hours = spans * span_ms / HOUR_MS
    for unit in range(LONG_UNITS):
        for day in range(LONG_DAYS):
            values += _put(writer, [block(f"unit-{unit:04d}", END_MS - (day + 1) * DAY_MS, DAY_MS // PERIOD_MS)])
    for unit in range(YEAR_UNITS):
        outcome = writer.write_rollups(year_of_hours(f"unit-{unit:04d}"))
        if outcome.retry or outcome.refused:
            raise RuntimeError(f"influxd refused: {outcome.detail}")
    writer.close()
    return [
        stated(f"seeded: {UNITS} units x 50 signals at 10 s", hours, "h"),
        stated("seeded: values in all", values / 1e6, "M"),
        stated("taken by InfluxDB 1.6.7 while seeding", rate, "values/s"),
    ]


def _timed(name: str, ask: Callable[[int], int], target: float) -> list[Result]:
    took = []
    for i in range(ASKED):
        began = time.perf_counter()
        if not ask(i):
            raise RuntimeError(f"{name}: an empty answer")
        took.append(1000 * (time.perf_counter() - began))
    return [
        at_most(f"{name}, median", statistics.median(took), "ms", target),
        stated(f"{name}, slowest of {ASKED}", max(took), "ms"),
    ]


def _ask(url: str) -> list[Result]:
    server = InfluxServer(target=InfluxTarget(url=url, database="years", timeout_s=120))
    store = InfluxStore(server=server)

    def query(start_ms: int, step_ms: int) -> Query:
        return Query(
            unit="unit-0001", ref=REF, start_ms=start_ms, end_ms=END_MS, step_ms=step_ms, aggregate=Aggregate.MEAN
        )

    def newest(i: int) -> int:
        found = store.latest(f"unit-{100 + 7 * i:04d}")
        if len(found) != MACHINES * SIGNALS:
            raise RuntimeError(f"{len(found)} newest values")
        return len(found)

    results = _timed("newest values of a unit, asked for the first time", newest, 20)
    results += _timed("newest values of a unit, asked again", newest, 20)
    day = query(END_MS - DAY_MS, DAY_MS // 500)
    results += _timed("a day of a signal to 500 points", lambda _: len(store.series(day)), 50)
    year = query(END_MS - 365 * DAY_MS, DAY_MS)
    results += _timed("a year of a signal from hours, by days", lambda _: len(store.series(year)), 100)
    hours = query(END_MS - 365 * DAY_MS, HOUR_MS)
    results += _timed("a year of a signal, every hour", lambda _: len(store.series(hours)), 100)
    server.close()
    return results


if __name__ == "__main__":
    for result in measure():
        print(json.dumps([result.name, round(result.value, 2), result.unit, result.target, result.ok]))
