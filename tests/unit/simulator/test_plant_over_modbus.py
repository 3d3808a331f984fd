"""The agent's own source, reading a plant over real TCP, gets exactly the scans that the fast path makes."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.conditioning import Conditioner
from edge_agent.settings import ModbusSettings
from edge_agent.simulator.history import run_history
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.simulator.unit_files import demo_units, unit_toml
from edge_agent.sources.modbus import ModbusSource
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orewatch.plant.unit import Unit
    from orewatch.telemetry.scan import Scans

UNITS = {unit.id: unit for unit in demo_units()}
START_MS = 1_795_392_000_000
SECONDS = 61


def rows(chunks: Iterable[list[Scans]]) -> dict[int, dict[int, list[int]]]:
    """Steps by group and time, all of them GOOD."""
    out: dict[int, dict[int, list[int]]] = {}
    for scans in chunks:
        for s in scans:
            assert s.quality is None or not np.any(s.quality)
            out.setdefault(s.group, {}).update(zip(s.time_ms.tolist(), s.steps.tolist(), strict=True))
    return out


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
async def test_the_agent_reads_what_the_fast_path_makes(unit: Unit) -> None:
    schema = schema_of(unit)
    plant = Plant(unit=unit, seed=41)
    live = []
    async with ModbusPlantServer(registers=register_map(unit)) as server:
        table = tomllib.loads(unit_toml(unit, plc_port=server.port))["source"][0]
        source = ModbusSource(
            settings=ModbusSettings.model_validate(table), period_s={ref: s.rate_s for ref, s in unit.signals()}
        )
        conditioner = Conditioner(schema)
        # The agent reads everything when it starts, on a full minute here, and then by each signal's rate.
        for second in range(SECONDS + 1):
            if second:
                plant.step()
            server.update(plant.read())
            live.append(conditioner.scans(await source.read(START_MS + 1000 * second)))
        await source.close()
    assert not source.counters
    fast = rows(run_history(Plant(unit=unit, seed=41), SECONDS, schema, START_MS))
    read = rows(live)
    assert read.keys() == fast.keys()
    for group, steps in fast.items():
        assert {t: row for t, row in read[group].items() if t > START_MS} == steps
