"""Blocks into InfluxDB: what encoding costs, and how fast the real server on this machine takes it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from isal import igzip

from benchmarks.result import Result, at_most, stated
from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.line_protocol import LineEncoder
from orewatch.storage.projection import DecodedBlock
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from orewatch.telemetry.schema import schema_of as schema_of_unit
from tests.servers import running_influxd

START_MS = 1_795_363_200_000
SIGNALS = 50
SECONDS = 60
UNITS = 20
ROUNDS = 15
SHAPES = {"50 signals of 1 machine": 1, "50 signals of 10 machines": 10}
INFLUX_MINUTES = 20


def schema_of(machines: int) -> Schema:
    """Return a schema of 50 signals over that many machines, all at 1 Hz."""
    columns = tuple(Column(f"motor_current_{i}", "%", 0.1) for i in range(SIGNALS // machines))
    return Schema(tuple(ScanGroup(f"jaw{m}", "jaw_crusher", 1.0, columns) for m in range(machines)))


def block_of(unit: int, minute: int, schema: Schema) -> bytes:
    """Return a minute of a unit whose signals move by up to three steps a second."""
    rng = np.random.default_rng([unit, minute])
    times = START_MS + 60_000 * minute + 1000 * np.arange(SECONDS)
    scans = []
    for number, group in enumerate(schema.groups):
        paced = times[:: int(group.period_s)]
        moves = rng.integers(-3, 4, (len(paced), len(group.columns)))
        scans.append(Scans(number, paced, 600 + np.cumsum(moves, axis=0)))
    return encode_block(
        unit=f"unit-{unit:03d}",
        site="Nakhlak",
        province="Isfahan",
        mineral="lead",
        spool=unit.to_bytes(16, "big"),
        number=minute + 1,
        schema=schema,
        scans=scans,
    )


def decoded(data: bytes, schema: Schema) -> DecodedBlock:
    return DecodedBlock(read_header(data), schema, decode_block(data, schema))


def measure() -> list[Result]:
    """Return the figures."""
    results = []
    for name, machines in SHAPES.items():
        results += _encoding(name, schema_of(machines))
    unit = unit_from_circuit(unit_id="u", circuit="lead", site="s", province="p", model="m")
    results += _encoding("a lead unit at the catalogue's rates", schema_of_unit(unit), target=None)
    if shutil.which("influxd"):
        results += _into_influxdb(schema_of(10))
    return results


def _encoding(shape: str, schema: Schema, target: float | None = 0.25) -> list[Result]:
    data = [block_of(unit, 0, schema) for unit in range(UNITS)]
    encoder = LineEncoder()
    values = sum(read_header(d).values for d in data)
    # The least of several runs: everything above it is somebody else's work on the machine.
    ready, packed = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        lines = encoder.encode([decoded(d, schema) for d in data])
        between = time.process_time()
        body = igzip.compress(lines, 1)
        packed.append(time.process_time() - between)
        ready.append(between - began)
    figure = (f"blocks to line protocol, {shape}", min(ready) / values * 1e6, "us/value")
    return [
        at_most(*figure, target) if target else stated(*figure),
        stated(f"gzip of these lines, {shape}", min(packed) / values * 1e6, "us/value"),
        stated(f"line protocol gzipped, {shape}", len(body) / values, "B/value"),
    ]


def _into_influxdb(schema: Schema) -> list[Result]:
    batches = [[block_of(unit, minute, schema) for unit in range(UNITS)] for minute in range(INFLUX_MINUTES)]
    values = INFLUX_MINUTES * UNITS * SECONDS * SIGNALS
    with tempfile.TemporaryDirectory() as folder, running_influxd(Path(folder)) as url:
        server = InfluxServer(target=InfluxTarget(url=url, database="bench"))
        writer = InfluxWriter(server=server)
        writer.write([decoded(d, schema) for d in batches[0]])
        began, ours = time.monotonic(), time.process_time()
        for batch in batches:
            outcome = writer.write([decoded(d, schema) for d in batch])
            if outcome.retry or outcome.rejected:
                raise RuntimeError(f"influxd refused: {outcome}")
        wall, cpu = time.monotonic() - began, time.process_time() - ours
        ((rows,),) = server.query('SELECT count("motor_current_0") FROM "jaw_crusher"')
        kept, sent = rows.values[0][1], values // SIGNALS * len(schema.groups)
        if kept != sent:
            raise RuntimeError(f"influxd holds {kept} of {sent} lines")
        writer.close()
        server.close()
    return [
        stated("into InfluxDB 1.6.7 on this machine", values / wall, "values/s"),
        stated("our CPU of that", cpu / values * 1e6, "us/value"),
        at_most("our share of all CPU while InfluxDB takes it", 100 * cpu / (wall * (os.cpu_count() or 1)), "%", 20),
    ]
