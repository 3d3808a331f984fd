"""A plant goes on from its snapshot exactly as if it had never stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.simulator.plant import Plant, SnapshotError
from edge_agent.simulator.unit_files import demo_units

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
LASTING = ("starve", "block_chute", "stop_feeder", "hot_bearing", "throughput_loss", "harder_ore")


def step(plant: Plant, steps: int) -> None:
    for _ in range(steps):
        plant.step()


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@settings(max_examples=15)
@given(before=st.integers(0, 700), scenario=st.sampled_from(LASTING), since=st.integers(0, 400))
def test_a_restored_plant_goes_on_exactly(unit: Unit, before: int, scenario: str, since: int) -> None:
    plant = Plant(unit=unit, seed=21, start_ms=1_795_000_000_000)
    step(plant, before)
    plant.start(scenario)
    step(plant, since)
    text = json.dumps(plant.snapshot())
    other = Plant(unit=unit, seed=21)
    other.restore(json.loads(text))
    assert other.read() == plant.read()
    assert other.active == plant.active
    for _ in range(300):
        plant.step()
        other.step()
    assert other.read() == plant.read()
    assert other.balance() == plant.balance()
    other.stop(scenario)
    plant.stop(scenario)
    step(plant, 20)
    step(other, 20)
    assert other.snapshot() == plant.snapshot()


def test_a_cut_link_is_not_restored() -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=21)
    plant.hook("cut_link", lambda _on, _values: None)
    plant.start("cut_link")
    plant.start("starve")
    other = Plant(unit=UNITS["pb-01"], seed=21)
    other.restore(plant.snapshot())
    assert other.active == ("starve",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 22}, r"seed is 22; allowed: 21"),
        ({"unit": "zn-01"}, r"unit is 'zn-01'; allowed: 'pb-01'"),
        ({"version": 99}, r"version is 99"),
        ({"shown": [0.0]}, r"0 signals; allowed: 49"),
        ({"stages": {}}, r"KeyError: 'feeder'"),
        ({"line": None}, r"TypeError"),
    ],
)
def test_what_is_not_this_plant_s_is_refused(change: dict[str, Any], message: str) -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=21)
    snapshot = plant.snapshot()
    with pytest.raises(SnapshotError, match=message):
        plant.restore({**snapshot, **change})
