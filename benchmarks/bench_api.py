"""The service: its start, its tick over many units, its frames, and from a unit's message to a viewer's frame."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from api.live.follower import Told
from api.service import Service
from api.settings import ApiSettings
from benchmarks.result import Result, at_most, stated
from orewatch.plant.unit import unit_from_circuit
from tests.servers import free_port, running_mosquitto
from tests.system.api_edge import edge, frames, now_ms, served, until
from tests.unit.api.made_plant import values_of

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

START_MS = 1_795_000_000_000
UNITS = 1000
SECONDS = 12


def measure() -> list[Result]:
    """Measure everything."""
    return [
        at_most("api: process start to first answer", _start_s(), "s", 2.0),
        *_ticks(),
        *asyncio.run(_source_to_viewer()),
    ]


def _start_s() -> float:
    times = []
    for _ in range(3):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            more = {"OREWATCH_API_DATA_DIR": folder, "OREWATCH_API_PORT": str(port)}
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "orewatch", "api"], env={**os.environ, **more})
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.01)
            times.append(time.perf_counter() - began)
            process.terminate()
            process.wait()
    return median(times)


def _units(count: int) -> list[Unit]:
    circuits = ("lead", "zinc", "manganese", "bauxite")
    return [
        unit_from_circuit(unit_id=f"u{n:04}", circuit=circuits[n % 4], site="s", province="p", model="m")
        for n in range(count)
    ]


def _ticks() -> list[Result]:
    """A second of a thousand units: judged, and shown to fleet viewers."""
    with tempfile.TemporaryDirectory() as folder:
        clock = [START_MS]
        settings = ApiSettings(data_dir=Path(folder))
        service = Service(settings=settings, store=None, registry=None, now_ms=lambda: clock[0])
        units = _units(UNITS)
        for unit in units:
            service.roster.describe(unit)
        service.judge = service.new_judge(START_MS)
        service.build_live()
        ticks, fleets = [], []
        for second in range(30):
            clock[0] += 1000
            for unit in units:
                service.watch.take_heard(unit.id, clock[0], False)
                for ref, value in values_of(unit, "run").items():
                    service.watch.take_reading(Told(unit.id, ref, clock[0], value + second / 100))
            began = time.process_time()
            service.watch.tick()
            ticks.append((time.process_time() - began) * 1000)
            began = time.process_time()
            frame = service.frames.fleet(clock[0])
            fleets.append((time.process_time() - began) * 1000)
        service.database.close()
    return [
        stated(f"api: a tick over {UNITS} units, totals and rules included", median(ticks), "ms"),
        stated(f"api: the fleet's frame of {UNITS} units, once for all viewers", median(fleets), "ms"),
        stated("api: size of that frame, per unit", len(frame) / UNITS, "B"),
    ]


async def _source_to_viewer() -> list[Result]:
    """From the time of a value at the unit to the frame in the viewer, over Mosquitto and HTTP."""
    unit = unit_from_circuit(unit_id="bench-01", circuit="lead", site="s", province="p", model="m")
    with tempfile.TemporaryDirectory() as folder, running_mosquitto(Path(folder)) as broker:
        async with served(Path(folder), broker) as api, edge(unit, broker) as made, api.client() as client:
            await until(lambda: unit.id in api.service.roster)

            rows = [(m, s) for m in ("mill", "genset") for s in unit.machines[m].signals][:10]

            async def send() -> None:
                # Ten signals, each once a second, a tenth of a second apart: every phase against the frames.
                while True:
                    for machine, signal in rows:
                        made.send(machine, {signal: time.monotonic() % 50})
                        await asyncio.sleep(0.1)

            sending = asyncio.create_task(send())
            delays: list[float] = []
            seen: dict[str, int] = {}
            end = time.monotonic() + SECONDS
            stream = frames(client, f"/api/v1/live?unit={unit.id}")
            async for frame in stream:
                at_ms = now_ms()
                signals = frame["units"][unit.id]["signals"]
                for name in (f"{machine}.{signal}" for machine, signal in rows):
                    if name in signals and signals[name][1] > seen.get(name, 0):
                        if name in seen:
                            delays.append(at_ms - signals[name][1])
                        seen[name] = signals[name][1]
                if time.monotonic() > end:
                    break
            await stream.aclose()
            sending.cancel()
    return [
        at_most("api: value at the unit to the viewer's frame, p95", quantiles(delays, n=20)[-1] / 1000, "s", 1.5),
        stated("api: the same, median", median(delays) / 1000, "s"),
    ]
