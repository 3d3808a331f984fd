"""The classifier finds each scenario in the simulated scans, by its own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.history import run_history
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.story import StoryEvent
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.classifier import classify
from orewatch.plant.evidence_history import evidence_from_series
from orewatch.plant.states import State
from orewatch.telemetry.scan import physical
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
START_MS = 1_795_392_000_000
ON_S, OFF_S, END_S = 600, 2_700, 4_200


def states(unit: Unit, story: Sequence[StoryEvent]) -> list[Interval]:
    schema = schema_of(unit)
    times: dict[tuple[int, int], list[np.ndarray]] = {}
    values: dict[tuple[int, int], list[np.ndarray]] = {}
    for scans in run_history(Plant(unit=unit, seed=17), END_S, schema, START_MS, story=story):
        for s in scans:
            table = physical(schema.groups[s.group], s.steps)
            for column in range(table.shape[1]):
                times.setdefault((s.group, column), []).append(s.time_ms)
                values.setdefault((s.group, column), []).append(table[:, column])
    series = {
        ref: (np.concatenate(times[place]), np.concatenate(values[place]))
        for ref, place in schema.where.items()
        if ref in unit.roles.refs()
    }
    return classify(unit, evidence_from_series(unit, series, START_MS, START_MS + END_S * 1000))


def at(intervals: list[Interval], second: int) -> tuple[State, str]:
    moment = START_MS + second * 1000
    found = [i for i in intervals if i.start_ms <= moment and (i.end_ms is None or moment < i.end_ms)]
    assert len(found) == 1
    return found[0].state, found[0].reason.value


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize(
    ("scenario", "parameters", "within_s", "state", "reason"),
    [
        ("stop_feeder", {}, 90, State.STARVED, "upstream_stopped"),
        ("stop_feeder", {"drives_off_s": 120.0}, 900, State.IDLE, "upstream_stopped"),
        ("starve", {}, 900, State.STARVED, "hopper_empty"),
        ("block_chute", {}, 120, State.BLOCKED, "plugged"),
        ("hot_bearing", {}, 700, State.BREAKDOWN, "tripped"),
        ("throughput_loss", {"over_s": 600.0}, 1200, State.RUNNING, "producing"),
        ("harder_ore", {}, 900, State.RUNNING, "producing"),
    ],
)
def test_the_rules_find_it(
    unit: Unit, scenario: str, parameters: dict[str, float], within_s: int, state: State, reason: str
) -> None:
    story = [StoryEvent(ON_S, scenario, parameters=parameters), StoryEvent(OFF_S, scenario, on=False)]
    intervals = states(unit, story)
    assert at(intervals, ON_S - 10)[0] is State.RUNNING
    assert at(intervals, ON_S + within_s) == (state, reason)
    assert at(intervals, OFF_S - 10) == (state, reason)
    assert at(intervals, END_S - 10)[0] in {State.RUNNING, State.STARTUP}
