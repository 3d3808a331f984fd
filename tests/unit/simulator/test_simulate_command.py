"""``orewatch simulate`` serves plants in real time, stops cleanly, and says what is wrong."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pymodbus.client import AsyncModbusTcpClient

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.running import LATE_S, RunningPlant, simulate
from edge_agent.simulator.unit_files import demo_units, example_files
from orewatch.cli import main
from orewatch.plant.catalogue import SignalRef
from tests.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path


def test_it_serves_until_interrupted() -> None:
    port = free_port()
    command = [sys.executable, "-m", "orewatch", "simulate", "--units", "1", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line == f"pb-01: Modbus TCP on 127.0.0.1:{port}\n"
        first, later = asyncio.run(_totals(port))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert not process.stderr.read()
    assert later > first


async def _totals(port: int) -> list[float]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    assert await client.connect()
    total = next(r for r in register_map(demo_units(1)[0]) if r.ref == ("scale", "total"))
    out = []
    for wait in (1.5, 0.0):
        answer = await client.read_input_registers(total.address, count=2, device_id=1)
        out.append(total.decode(answer.registers))
        await asyncio.sleep(wait)
    client.close()
    return out


def test_it_writes_the_examples(tmp_path: Path) -> None:
    assert main(["simulate", "--write-units", str(tmp_path / "units")]) == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "units").iterdir()}
    assert written == example_files()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--units", "0"], "allowed: units from 1"),
        (["--port", "65534"], "port 1 to 65532"),
        (["--scenario", "xx-01:starve"], "unit 'xx-01' is unknown; allowed: pb-01, zn-01, mn-01, bx-01"),
        (["--scenario", "pb-01:explode"], "'explode' is unknown; allowed: starve"),
        (["--scenario", "pb-01:cut_link"], "link is not the plant's"),
    ],
)
def test_what_makes_no_sense_is_told(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["simulate", "--units", "1", "--port", str(port)]) == 1
    assert f"127.0.0.1:{port}; is the port in use?" in capsys.readouterr().err


async def test_a_machine_that_slept_leaves_the_time_out() -> None:
    plant = Plant(unit=demo_units(1)[0], seed=1)
    running = RunningPlant(plant=plant)
    stop = asyncio.Event()
    # The clock: two quiet seconds, then an hour at once, then the end.
    times = iter([0.0, 0.0, 1.0, 1.0, *4 * [3600.0]])

    def now_s() -> float:
        value = next(times, None)
        if value is None:
            stop.set()
            return 3600.0
        return value

    before = plant.seconds
    await asyncio.wait_for(simulate([running], now_s=now_s, until=stop), 5)
    assert LATE_S < running.skipped_s < 3600
    assert plant.seconds - before < 10


async def test_the_server_shows_what_the_plant_does() -> None:
    plant = Plant(unit=demo_units(1)[0], seed=1)
    running = RunningPlant(plant=plant)
    stop = asyncio.Event()
    task = asyncio.create_task(simulate([running], now_s=asyncio.get_running_loop().time, until=stop))
    await asyncio.sleep(0.1)
    client = AsyncModbusTcpClient("127.0.0.1", port=running.server.port)
    assert await client.connect()
    plant.start("stop_feeder")
    await asyncio.sleep(1.2)
    answer = await client.read_discrete_inputs(0, count=1, device_id=1)
    assert answer.bits[0] is False
    assert plant.read()[SignalRef("feeder", "running")] == 0
    client.close()
    stop.set()
    await asyncio.wait_for(task, 3)
