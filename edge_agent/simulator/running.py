"""Plants that run in real time, each behind its PLC.

clock -> Plant.step -> Plant.read -> ModbusPlantServer.update <~~Modbus TCP~~ agent
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from edge_agent.simulator.registers import register_map
from edge_agent.simulator.server import ModbusPlantServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.simulator.plant import Plant

logger = logging.getLogger(__name__)

LATE_S: Final = 30.0
"""A plant that is later than this (a machine that slept) goes on from now and leaves the time out."""


class RunningPlant:
    """One plant and its PLC. ``port`` 0 takes a free one."""

    def __init__(self, *, plant: Plant, host: str = "127.0.0.1", port: int = 0) -> None:
        self.plant = plant
        self.server = ModbusPlantServer(registers=register_map(plant.unit), host=host, port=port)
        self.skipped_s = 0.0

    async def run(self, *, now_s: Callable[[], float], until: asyncio.Event) -> None:
        """Step once a second of ``now_s`` (a monotonic clock) until ``until`` is set. The server must be started."""
        due = now_s()
        while not until.is_set():
            self.plant.step()
            self.server.update(self.plant.read())
            due += 1.0
            late = now_s() - due
            if late > LATE_S:
                logger.warning("%s: %.0f s left out", self.plant.unit.id, late)
                self.skipped_s += late
                due += late
            try:
                await asyncio.wait_for(until.wait(), max(0.0, due - now_s()))
            except TimeoutError:
                continue


async def simulate(plants: Sequence[RunningPlant], *, now_s: Callable[[], float], until: asyncio.Event) -> None:
    """Serve and run all ``plants`` until ``until`` is set; OSError where a port is taken."""
    started: list[RunningPlant] = []
    try:
        for running in plants:
            running.server.update(running.plant.read())
            await running.server.start()
            started.append(running)
            logger.info("%s: Modbus TCP on %s:%d", running.plant.unit.id, running.server.host, running.server.port)
        async with asyncio.TaskGroup() as group:
            for running in plants:
                group.create_task(running.run(now_s=now_s, until=until), name=f"plant {running.plant.unit.id}")
    finally:
        for running in started:
            await running.server.stop()
