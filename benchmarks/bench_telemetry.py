"""Blocks: bytes and CPU per value, at 50 noisy signals and at the catalogue's own rates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.result import Result, at_most, stated
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_MS = 1_790_000_000_000
SIGNALS = 50
CHANGING = 1.15  # standard deviation in steps at which about 76 % of values change each second


def noisy(seconds: int = 60, machines: int = 10, seed: int = 1) -> tuple[Schema, list[Scans]]:
    """Return a schema of 50 signals at 1 Hz and ``seconds`` of white noise at sensor resolution."""
    width = SIGNALS // machines
    columns = tuple(Column(f"signal_{i}", "1", 0.1) for i in range(width))
    schema = Schema(tuple(ScanGroup(f"machine-{m}", "machine", 1.0, columns) for m in range(machines)))
    noise = np.random.default_rng(seed)
    times = BASE_MS + 1000 * np.arange(seconds, dtype=np.int64)
    levels = noise.integers(100, 2000, (machines, width))
    scans = [
        Scans(m, times, np.rint(levels[m] + noise.normal(0, CHANGING, (seconds, width))).astype(np.int64))
        for m in range(machines)
    ]
    return schema, scans


def sealed(schema: Schema, scans: list[Scans], number: int = 1) -> bytes:
    """Return the block of these scans."""
    return encode_block(
        unit="pb-01",
        site="Nakhlak",
        province="Isfahan",
        mineral="lead",
        spool=bytes(range(16)),
        number=number,
        schema=schema,
        scans=scans,
    )


def cpu_ns(call: Callable[[], object], values: int, times: int = 300) -> float:
    """Return the CPU of one ``call`` in nanoseconds per value."""
    call()
    began = time.process_time_ns()
    for _ in range(times):
        call()
    return (time.process_time_ns() - began) / times / values


def measure() -> list[Result]:
    """Measure blocks of 10, 60 and 3600 s."""
    results = []
    for seconds in (10, 60, 3600):
        schema, scans = noisy(seconds)
        size = len(sealed(schema, scans)) / (seconds * SIGNALS)
        name = f"block, {SIGNALS} noisy signals, {seconds} s"
        results.append(at_most(name, size, "B/value", 1.2) if seconds == 60 else stated(name, size, "B/value"))
    schema, scans = noisy(60)
    values = 60 * SIGNALS
    changed = float(np.mean([np.mean(np.diff(s.steps, axis=0) != 0) for s in scans])) * 100
    block = sealed(schema, scans)
    return [
        *results,
        stated("values that change each second", changed, "%"),
        stated("block encode", cpu_ns(lambda: sealed(schema, scans), values), "ns/value"),
        stated("block header and checksum", cpu_ns(lambda: read_header(block), values), "ns/value"),
        stated("block decode", cpu_ns(lambda: decode_block(block, schema), values), "ns/value"),
    ]
