"""The collector: CPU per value from the socket to the committed journal, bytes per value, values per second end to end.

Fifty noisy signals at 1 Hz (about three of four change each second), blocks of 60 s.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.result import Result, at_least, at_most, stated
from collector.collector import Collector
from collector.settings import BrokerSettings, CollectorSettings
from orewatch.plant.catalogue import SignalRef
from orewatch.sparkplug.actions import Disconnect, Publish, Subscribe
from orewatch.sparkplug.client import MqttClient
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration, Reading
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.storage.query import Aggregate, Query
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Barrier

    from orewatch.sparkplug.actions import Action

MACHINES = 10
SIGNALS = 50
SECONDS = 60
BLOCK_VALUES = SIGNALS * SECONDS
START_MS = 1_795_363_200_000
RECEIVED_MS = START_MS + 100_000_000
SCHEMA = Schema(
    tuple(
        ScanGroup(f"m{m}", "machine", 1.0, tuple(Column(f"s{s}", "1", 0.1) for s in range(SIGNALS // MACHINES)))
        for m in range(MACHINES)
    )
)


def blocks(unit: str, count: int, start_ms: int = START_MS) -> list[bytes]:
    """Return ``count`` blocks of 60 s each."""
    rng = np.random.default_rng(7)
    made = []
    for number in range(1, count + 1):
        times = start_ms + (number - 1) * 60_000 + 1000 * np.arange(SECONDS)
        noise = np.rint(rng.normal(0, 1.3, (MACHINES, SECONDS, SIGNALS // MACHINES))).astype(np.int64)
        scans = [Scans(m, times, 500 + noise[m]) for m in range(MACHINES)]
        made.append(
            encode_block(
                unit=unit,
                site="Nakhlak",
                province="Isfahan",
                mineral="lead",
                spool=unit.encode().ljust(16)[:16],
                number=number,
                schema=SCHEMA,
                scans=scans,
            )
        )
    return made


def edge(unit: str, devices: dict[str, list[MetricDeclaration]] | None = None) -> EdgeNodeSession:
    metrics = [
        MetricDeclaration(name="Record/Block", datatype=DataType.BYTES, alias=1, births_null=True),
        MetricDeclaration(name="Record/Schemas", datatype=DataType.STRING),
        MetricDeclaration(name="Delivery/Acknowledged", datatype=DataType.STRING, alias=3, writable=True),
    ]
    session = EdgeNodeSession(
        group="bench", node=unit, bd_seq=None, node_metrics=[] if devices else metrics, devices=devices or {}
    )
    if not devices:
        session.set_value(None, "Record/Schemas", json.dumps([SCHEMA.text]), START_MS)
    return session


def payloads(actions: tuple[Action, ...]) -> list[tuple[str, bytes]]:
    return [(a.topic, a.payload) for a in actions if isinstance(a, Publish)]


def collector_in(folder: Path) -> Collector:
    """Return a collector whose clock stands a while behind the blocks' last scan."""
    return Collector(settings=CollectorSettings(data_dir=folder), now_ms=lambda: RECEIVED_MS)


def fed(folder: Path, messages: list[tuple[str, bytes]], births: list[tuple[str, bytes]]) -> float:
    """Return the CPU seconds from received payloads to the committed journal, in batches of a group commit."""
    collector = collector_in(folder)
    host = HostSession(host="orewatch")
    host.will(START_MS)
    host.connected(START_MS)

    def deliver(part: list[tuple[str, bytes]]) -> None:
        for topic, payload in part:
            for action in host.received(topic, payload, RECEIVED_MS):
                if not isinstance(action, Publish | Subscribe | Disconnect):
                    collector.ingest.on_event(action)
        collector.writer.flush()

    deliver(births)
    begin = time.process_time()
    for at in range(0, len(messages), 100):
        deliver(messages[at : at + 100])
    collector.writer.flush(everything=True)
    spent = time.process_time() - begin
    collector.close()
    return spent


def measure_blocks(folder: Path) -> list[Result]:
    count = 1000
    session = edge("u")
    session.will(START_MS)
    births = payloads(session.connected(START_MS))
    made = blocks("u", count)
    sent = [m for b in made for m in payloads(session.data(None, [Reading("Record/Block", b, START_MS)], START_MS))]
    spent = fed(folder, sent, births)
    values = count * BLOCK_VALUES
    wire = sum(len(p) + len(t) + 5 for t, p in sent)
    # Closing the last connection has moved the write-ahead log into the file.
    size = sum(file.stat().st_size for file in folder.glob("journal.db*"))
    collector = collector_in(folder)
    begin = time.process_time()
    collector.drain(START_MS)
    projected = time.process_time() - begin
    query = Query(
        unit="u",
        ref=SignalRef("m3", "s1"),
        start_ms=START_MS,
        end_ms=START_MS + count * 60_000,
        step_ms=300_000,
        aggregate=Aggregate.MEAN,
    )
    begin = time.perf_counter()
    answered = len(collector.store.series(query))
    asked = time.perf_counter() - begin
    assert answered == count // 5
    collector.close()
    return [
        at_most("collector: blocks, socket to committed journal", spent / values * 1e6, "µs/value", 0.15),
        at_most("blocks on the wire", wire / values, "bytes/value", 1.2),
        at_most("blocks in the journal", size / values, "bytes/value", 1.6),
        stated("embedded store: newest values and rollups", projected / values * 1e6, "µs/value"),
        stated("embedded store: 1,000 min of one signal -> 200 points", asked * 1000, "ms"),
    ]


def measure_plain(folder: Path) -> list[Result]:
    count = 2000
    devices = {
        "m": [MetricDeclaration(name=f"s{s}", datatype=DataType.DOUBLE, alias=s + 10) for s in range(SIGNALS)],
    }
    session = edge("foreign", devices)
    session.will(START_MS)
    births = payloads(session.connected(START_MS))
    sent = []
    for i in range(count):
        readings = [Reading(f"s{s}", 20.0 + 0.1 * ((i * s) % 13), START_MS + i * 1000) for s in range(SIGNALS)]
        sent += payloads(session.data("m", readings, START_MS + i * 1000))
    spent = fed(folder, sent, births)
    return [at_most("collector: plain DDATA to committed journal", spent / count / SIGNALS * 1e6, "µs/value", 0.8)]


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise FileNotFoundError("mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nmax_queued_bytes 268435456\n"
    )
    with subprocess.Popen(
        [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        try:
            yield port
        finally:
            process.terminate()


def publish(port: int, unit: str, count: int, gate: Barrier, window: int = 200) -> None:
    """One unit with a full spool: it sends as fast as acknowledgements let it, in a window, as the agent does."""
    spooled = dict(enumerate(blocks(unit, count, time.time_ns() // 1_000_000 - count * 60_000), start=1))

    async def run() -> None:
        session = edge(unit)
        waiting = list(spooled)
        flying: set[int] = set()

        def pump() -> None:
            now = time.time_ns() // 1_000_000
            while waiting and len(flying) < window and loop.queued_bytes < 1 << 20:
                number = waiting.pop(0)
                flying.add(number)
                loop.perform(session.data(None, [Reading("Record/Block", spooled[number], now)], now))

        def event(event: object) -> None:
            if getattr(event, "name", "") == "Delivery/Acknowledged":
                for first, last in json.loads(event.value)["ids"]:  # type: ignore[attr-defined]
                    flying.difference_update(range(first, last + 1))
                pump()

        loop = SessionLoop(
            make_client=lambda on_message: MqttClient(
                host="127.0.0.1", port=port, client_id=unit, on_message=on_message
            ),
            session=session,
            on_event=event,
            now_ms=lambda: time.time_ns() // 1_000_000,
        )
        task = asyncio.create_task(loop.run())
        while not session.born:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        await asyncio.to_thread(gate.wait)  # all are born
        await asyncio.to_thread(gate.wait)  # the measurement begins
        pump()
        while flying or waiting:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        await loop.stop()
        await task

    asyncio.run(run())


def measure_end_to_end(folder: Path) -> list[Result]:
    units, count = 2, 1500
    values = units * count * BLOCK_VALUES
    context = multiprocessing.get_context("spawn")
    with mosquitto(folder) as port:
        gate = context.Barrier(units + 1)
        processes = [context.Process(target=publish, args=(port, f"unit-{u}", count, gate)) for u in range(units)]

        async def collect() -> tuple[float, float]:
            # The journal alone is measured: projecting goes on beside it at its own pace.
            settings = CollectorSettings(data_dir=folder / "e2e", broker=BrokerSettings(port=port), embedded=False)
            collector = Collector(settings=settings, now_ms=lambda: time.time_ns() // 1_000_000)
            task = asyncio.create_task(collector.run())
            while not collector.connected:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            for process in processes:
                process.start()
            await asyncio.to_thread(gate.wait)
            await asyncio.sleep(0.2)
            begin, cpu = time.perf_counter(), time.process_time()
            await asyncio.to_thread(gate.wait)
            while collector.journal.newest_position() < units * count:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.02)
            spent, cpu = time.perf_counter() - begin, time.process_time() - cpu
            for process in processes:
                await asyncio.to_thread(process.join)
            await collector.stop()
            await task
            return spent, cpu

        spent, cpu = asyncio.run(collect())
    return [
        at_least("spools through Mosquitto into the journal", values / spent, "values/s", 500_000),
        stated("collector's share of one core meanwhile", 100 * cpu / spent, "%"),
    ]


def measure() -> list[Result]:
    """Return every figure of the collector."""
    results: list[Result] = []
    for one in (measure_blocks, measure_plain, measure_end_to_end):
        with tempfile.TemporaryDirectory() as folder:
            results += one(Path(folder))
    return results


if __name__ == "__main__":
    for result in measure():
        print(result)
