"""What the simulator costs: seeding a day, a live second, and serving it over Modbus."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from pymodbus.client import AsyncModbusTcpClient

from benchmarks.result import Result, at_most, stated
from edge_agent.simulator.history import run_history
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.simulator.story import DEMO_SEED, demo_story
from edge_agent.simulator.unit_files import demo_units
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable

DAY_S = 86_400


def measure() -> list[Result]:
    day_s, values = _seed_day()
    plant = Plant(unit=demo_units()[1], seed=DEMO_SEED)
    registers = register_map(plant.unit)
    server = ModbusPlantServer(registers=registers)
    shown = plant.read()
    return [
        at_most("simulator: 24 h of 4 units, CPU", day_s, "s", 15.0),
        stated("simulator: values in those 24 h", values, "values"),
        at_most(f"simulator: one step, {len(registers)} signals", _each(plant.step, 20_000), "us", 50.0),
        stated(f"simulator: one reading, {len(registers)} signals", _each(plant.read, 5_000), "us"),
        stated("simulator: registers of one reading", _each(lambda: server.update(shown), 5_000), "us"),
        stated("simulator: Modbus request of 100 registers, both ends, CPU", asyncio.run(_requests(server)), "us"),
        stated("simulator: snapshot as JSON", float(len(json.dumps(plant.snapshot()))), "B"),
    ]


def _seed_day() -> tuple[float, int]:
    began = time.process_time()
    values = 0
    for unit in demo_units():
        plant = Plant(unit=unit, seed=DEMO_SEED)
        for scans in run_history(plant, DAY_S, schema_of(unit), 0, story=demo_story(unit.id)):
            values += sum(s.steps.size for s in scans)
    return time.process_time() - began, values


def _each(action: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        action()
    return (time.process_time() - began) / times * 1e6


async def _requests(server: ModbusPlantServer, times: int = 1_000) -> float:
    async with server:
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port)
        await client.connect()
        began = time.process_time()
        for _ in range(times):
            await client.read_holding_registers(0, count=100, device_id=1)
        spent = time.process_time() - began
        client.close()
    return spent / times * 1e6


if __name__ == "__main__":
    for result in measure():
        print(f"{result.name:60s} {result.value:14.1f} {result.unit:8s} {result.ok}")
