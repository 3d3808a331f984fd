"""The agent on the unit: CPU and memory of the real process, bytes on the wire, what the spool takes and gives.

Fifty noisy signals at 1 Hz (about three of four change each second), read over real Modbus TCP,
sent to a real Mosquitto where there is one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bench_telemetry import noisy
from benchmarks.result import Result, at_most, stated
from edge_agent.declarations import alias_names, node_metrics
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.sources.registers import RegisterSpec, RegisterType
from edge_agent.spool import Spool
from orewatch.plant.catalogue import Roles, Signal, SignalRef
from orewatch.plant.unit import Machine, Unit, unit_from_circuit
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, Reading
from orewatch.sparkplug.host import HostSession
from orewatch.telemetry.block import read_header
from orewatch.telemetry.node_metrics import BLOCK
from orewatch.telemetry.scan import Scans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orewatch.telemetry.schema import Schema

MACHINES, SIGNALS = 10, 50
START_MS = 1_795_363_200_000
SETTLE_S, MEASURED_S = 4.0, 8.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def measure() -> list[Result]:
    schema, scans = noisy(3600)
    with tempfile.TemporaryDirectory() as folder:
        results = [*_spool(Path(folder), schema, scans)]
        if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
            results += asyncio.run(_agent(Path(folder)))
    return results


def _unit(schema: Schema) -> Unit:
    base = unit_from_circuit(unit_id="bench-01", circuit="lead", site="Site", province="Province", model="M")
    machines = {
        m: Machine(m, "machine", {f"s{s}": Signal(name=f"s{s}") for s in range(5)})
        for m in {g.machine: None for g in schema.groups}
    }
    ref = SignalRef(next(iter(machines)), "s0")
    return replace(base, machines=machines, roles=Roles(flow=ref, total=ref, main=ref, no_load=0, full_load=1))


def _spool(folder: Path, schema: Schema, hour: list[Scans]) -> Iterator[Result]:
    unit = _unit(schema)
    spool = Spool.open(folder / "bench.db", unit=unit, schema=schema)
    seconds = 300
    cpu, wall = time.process_time(), time.perf_counter()
    for second in range(seconds):
        row = slice(second, second + 1)
        spool.append([Scans(s.group, s.time_ms[row], s.steps[row]) for s in hour], int(hour[0].time_ms[second]))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    yield stated("edge: a scan of 50 signals journaled, fsync included", wall / seconds * 1e3, "ms")
    yield stated("edge: the same, CPU", cpu / seconds * 1e3, "ms")
    rest = [Scans(s.group, s.time_ms[seconds:], s.steps[seconds:]) for s in hour]
    wall = time.perf_counter()
    spool.append(rest, int(hour[0].time_ms[-1]))
    wall = time.perf_counter() - wall
    yield stated(
        "edge: a batch of an hour into the spool, per value", wall * 1e9 / sum(s.steps.size for s in rest), "ns"
    )
    spool.seal_due(0, force=True)
    wall = time.perf_counter()
    blocks = spool.pending("main", limit=1000)
    spool.acknowledge("main", [(b.number, b.number) for b in blocks])
    wall = time.perf_counter() - wall
    values = sum(read_header(b.data).values for b in blocks)
    yield stated("edge: spooled values drained and acknowledged", values / wall, "values/s")
    session = EdgeNodeSession(
        group="orewatch",
        node=unit.id,
        bd_seq=None,
        node_metrics=node_metrics({n: i + 1 for i, n in enumerate(alias_names(unit))}),
        devices={},
    )
    session.will(START_MS)
    session.connected(START_MS)
    wire = 0
    for block in blocks:
        (publish,) = session.data(None, [Reading(BLOCK, block.data, block.last_ms)], block.last_ms)
        # MQTT's own header, the topic, and the payload; TCP and IP come on top.
        wire += 4 + len(publish.topic) + len(publish.payload)  # type: ignore[union-attr]
    yield at_most("edge: MQTT bytes per value, 50 signals, 60 s blocks", wire / values, "B", 1.2)
    spool.close()


async def _agent(folder: Path) -> list[Result]:
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    registers = [
        RegisterSpec(machine=f"m{m}", signal=f"s{s}", address=m * 5 + s, type=RegisterType.INT16, scale=0.1)
        for m in range(MACHINES)
        for s in range(SIGNALS // MACHINES)
    ]
    random = np.random.default_rng(1)
    results: list[Result] = []
    with _mosquitto(folder) as port:
        async with ModbusPlantServer(registers=registers) as plc:
            file = folder / "bench.toml"
            file.write_text(_toml(folder, port, plc.port))
            command = [sys.executable, "-m", "orewatch", "agent", "--config", str(file)]
            process = subprocess.Popen(command)  # noqa: ASYNC220 - it is what is measured
            try:
                for watched in (False, True):
                    if watched:
                        _watch(port)
                    end = time.monotonic() + SETTLE_S
                    cpu = began = None
                    while time.monotonic() < end:
                        plc.update({r.ref: 50 + 0.1 * random.normal(0, 1.15) for r in registers})
                        await asyncio.sleep(0.5)
                        if cpu is None and time.monotonic() > end - 0.5:
                            cpu, began = _cpu_s(process.pid), time.monotonic()
                            end += MEASURED_S
                    assert cpu is not None
                    assert began is not None
                    share = (_cpu_s(process.pid) - cpu) / (time.monotonic() - began) * 100
                    name = "somebody looks" if watched else "at rest"
                    results.append(at_most(f"edge: agent, 50 signals at 1 Hz, {name}: CPU", share, "% of a core", 5))
                results.append(at_most("edge: agent, resident memory", _resident_mb(process.pid), "MB", 80))
            finally:
                process.terminate()
                process.wait(10)
    return results


def _watch(port: int) -> None:
    host = HostSession(host="orewatch", announce=False)
    host.will(START_MS)
    host.connected(START_MS)
    for action in host.command("orewatch", "bench-01", None, "Live/Watched", 600, DataType.INT64, START_MS):
        _publish_once(port, action.topic, action.payload)  # type: ignore[union-attr]


def _publish_once(port: int, topic: str, payload: bytes) -> None:
    # Two packets by hand: CONNECT of an MQTT 3.1.1 client named "bench", and a QoS 0 PUBLISH.
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05bench")
        link.recv(4)
        body = len(topic).to_bytes(2) + topic.encode() + payload
        length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
        link.sendall(b"\x30" + length + body + b"\xe0\x00")


def _toml(folder: Path, broker_port: int, plc_port: int) -> str:
    signals = ", ".join(f'{{ name = "s{s}", high = 1000, resolution = 0.1, rate_s = 1 }}' for s in range(5))
    machines = "".join(f'[[machine]]\nid = "m{m}"\nclass = "machine"\nsignals = [{signals}]\n' for m in range(MACHINES))
    registers = ",\n".join(
        f'{{ machine = "m{m}", signal = "s{s}", address = {m * 5 + s}, type = "int16", scale = 0.1 }}'
        for m in range(MACHINES)
        for s in range(5)
    )
    return f"""
[unit]
id = "bench-01"
site = "Site"
province = "Province"
mineral = "lead"
nameplate_tph = 6
roles = {{ flow = "m0.s0", total = "m0.s1", main = "m0.s2", no_load = 0, full_load = 1 }}
[spool]
path = "{folder}/agent.db"
[[uplink]]
port = {broker_port}
{machines}
[[source]]
kind = "modbus"
port = {plc_port}
register = [{registers}]
"""


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _resident_mb(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@contextmanager
def _mosquitto(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert path is not None
    process = subprocess.Popen([path, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait(10)
