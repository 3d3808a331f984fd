"""History by the fast path is what reading every second over Modbus would have given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.history import run_history
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.story import StoryEvent
from edge_agent.simulator.unit_files import demo_units
from orewatch.telemetry.scan import quantise
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
START_MS = 1_795_392_000_000
STORY = (
    StoryEvent(60, "stop_feeder", parameters={"drives_off_s": 30.0}),
    StoryEvent(200, "stop_feeder", on=False),
    StoryEvent(250, "block_chute"),
)


def over_modbus(unit: Unit, seed: int, seconds: int) -> dict[int, dict[SignalRef, float]]:
    """What a reader of the registers would have, by time."""
    plant = Plant(unit=unit, seed=seed)
    registers = {r.ref: r for r in register_map(unit)}
    out = {}
    for second in range(1, seconds + 1):
        for event in STORY:
            if event.at_s == second - 1:
                if event.on:
                    plant.start(event.name, **event.parameters)
                else:
                    plant.stop(event.name)
        plant.step()
        out[START_MS + 1000 * second] = {
            ref: registers[ref].decode(registers[ref].encode(value)) for ref, value in plant.read().items()
        }
    return out


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_history_equals_what_modbus_gives(unit: Unit) -> None:
    schema = schema_of(unit)
    seconds = 330
    live = over_modbus(unit, 31, seconds)
    plant = Plant(unit=unit, seed=31)
    count = 0
    for scans in run_history(plant, seconds, schema, START_MS, story=STORY, chunk_s=100):
        assert len({s.group for s in scans}) == len(scans)
        for s in scans:
            group = schema.groups[s.group]
            values = np.array([[live[int(t)][ref] for ref in group.refs()] for t in s.time_ms])
            steps, quality = quantise(group, values)
            assert quality is None
            assert s.quality is None
            np.testing.assert_array_equal(s.steps, steps)
            count += steps.size
    # Every group at its own rate: 330 seconds from a full minute on.
    assert count == sum(len(g.columns) * (seconds // round(g.period_s)) for g in schema.groups)


def test_live_goes_on_where_history_ends() -> None:
    unit = UNITS["pb-01"]
    schema = schema_of(unit)
    whole = Plant(unit=unit, seed=31)
    for _ in run_history(whole, 900, schema, START_MS):
        pass
    parts = Plant(unit=unit, seed=31)
    for begin in (0, 400):
        for _ in run_history(parts, [400, 500][begin > 0], schema, START_MS + begin * 1000, chunk_s=77):
            pass
    assert parts.snapshot() == whole.snapshot()
    totals = [whole.read()[unit.roles.total]]
    whole.step()
    totals.append(whole.read()[unit.roles.total])
    assert 0 < totals[1] - totals[0] < 0.01


def test_a_start_between_minutes_keeps_the_grid_of_utc() -> None:
    unit = UNITS["bx-01"]
    schema = schema_of(unit)
    for scans in run_history(Plant(unit=unit, seed=1), 70, schema, START_MS + 7_000):
        for s in scans:
            period_ms = round(schema.groups[s.group].period_s) * 1000
            assert not np.any(s.time_ms % period_ms)
            assert s.time_ms[0] > START_MS + 7_000
            assert s.time_ms[-1] <= START_MS + 77_000
