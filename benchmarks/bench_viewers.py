"""Many people looking: the real service in its own process, 20 units sending every second, 500 open live streams.

What is counted is the service alone: its processor time and its memory by ``/proc``. Broker, units and viewers run
beside it. ``python -m benchmarks.bench_viewers --minutes 10`` for the long run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result, at_least, at_most, stated
from benchmarks.run import table
from orewatch.plant.unit import unit_from_circuit
from tests.servers import free_port, running_mosquitto
from tests.system.api_edge import edge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from orewatch.plant.unit import Unit
    from tests.servers import Broker
    from tests.system.api_edge import Edge

VIEWERS = 500
UNITS = 20
MINUTES = 0.75
SETTLE_S = 12.0
SAMPLE_S = 5.0
CIRCUITS = ("lead", "zinc", "manganese", "bauxite")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1 << 20


def measure(minutes: float = MINUTES) -> list[Result]:
    """Return the figures."""
    return asyncio.run(_measure(minutes))


async def _measure(minutes: float) -> list[Result]:
    units = [
        unit_from_circuit(unit_id=f"u{n:02}", circuit=CIRCUITS[n % 4], site="s", province="p", model="m")
        for n in range(UNITS)
    ]
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(running_mosquitto(folder))
        pid, port = stack.enter_context(_service(folder / "api", broker))
        edges = [await stack.enter_async_context(edge(unit, broker)) for unit in units]
        feeding = asyncio.create_task(_feed(edges))
        await asyncio.to_thread(_until_known, port, units)
        count = stack.enter_context(_viewers(port, [unit.id for unit in units]))
        await asyncio.sleep(SETTLE_S)
        figures = await _watch(pid, minutes, count)
        feeding.cancel()
    return figures


async def _watch(pid: int, minutes: float, count: Connection) -> list[Result]:
    _ask(count)
    began, busy = time.monotonic(), _cpu_s(pid)
    memory: list[int] = []
    while time.monotonic() < began + 60 * minutes:
        memory.append(_memory(pid))
        await asyncio.sleep(SAMPLE_S)
    took = time.monotonic() - began
    share = (_cpu_s(pid) - busy) / took
    frames, size, streams = _ask(count)
    third = max(1, len(memory) // 3)
    growth = (sum(memory[-third:]) - sum(memory[:third])) / third / MEGABYTE
    return [
        at_most(f"service under {VIEWERS} viewers of {UNITS} units", 100 * share, "% of a core", 30),
        at_least("the same: streams still open at the end", streams, "", VIEWERS),
        at_least("the same: frames a viewer gets a second", frames / took / VIEWERS, "/s", 0.97),
        at_most(f"the same: memory, last third against first of {minutes:g} min", growth, "MB", 5),
        stated("the same: resident memory", memory[-1] / MEGABYTE, "MB"),
        stated("the same: size of a frame", size / max(1, frames), "B"),
    ]


@contextlib.contextmanager
def _service(folder: Path, broker: Broker) -> Iterator[tuple[int, int]]:
    folder.mkdir()
    port = free_port()
    settings = {"DATA_DIR": str(folder), "PORT": str(port), "BROKER__PORT": str(broker.port)}
    more = {f"OREWATCH_API_{name}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "orewatch", "api"], env={**os.environ, **more}, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _until_known(port: int, units: list[Unit]) -> None:
    for unit in units:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/units/{unit.id}", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)


async def _feed(edges: list[Edge]) -> None:
    """Every signal of every unit, once a second, spread over it."""
    while True:
        began = time.monotonic()
        for made in edges:
            for machine in made.unit.machines.values():
                share = time.monotonic() % 50 / 100
                values = {s.name: s.low + share * (s.high - s.low) for s in machine.signals.values()}
                made.send(machine.id, values)
            await asyncio.sleep(1 / (2 * len(edges)))
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))


@contextlib.contextmanager
def _viewers(port: int, units: list[str]) -> Iterator[Connection]:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_read_streams, args=(port, units, there), daemon=True)
    process.start()
    assert here.recv() == "open"
    try:
        yield here
    finally:
        process.terminate()
        process.join()


def _ask(count: Connection) -> tuple[int, int, int]:
    count.send("how many")
    frames, size, streams = count.recv()
    return int(frames), int(size), int(streams)


def _read_streams(port: int, units: list[str], told: Connection) -> None:
    """Read every stream, cheaply; answer (frames, bytes, open streams) since the question before."""
    chosen = selectors.DefaultSelector()
    for n in range(VIEWERS):
        link = socket.create_connection(("127.0.0.1", port), timeout=30)
        path = f"/api/v1/live?unit={units[n % len(units)]}"
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
        link.setblocking(False)
        chosen.register(link, selectors.EVENT_READ)
    chosen.register(told, selectors.EVENT_READ)
    told.send("open")
    frames = size = 0
    streams = VIEWERS
    while True:
        for key, _ in chosen.select():
            if key.fileobj is told:
                told.recv()
                told.send((frames, size, streams))
                frames = size = 0
                continue
            stream = key.fileobj
            assert isinstance(stream, socket.socket)
            data = stream.recv(1 << 16)
            if not data:
                chosen.unregister(stream)
                streams -= 1
            frames += data.count(b"event: frame")
            size += len(data)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long to watch")
    print(table(measure(parser.parse_args().minutes)))
