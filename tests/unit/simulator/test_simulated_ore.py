"""Ore is neither made nor lost, and the belt scale adds up exactly what passes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.simulator.circuits import SimulatorError
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
TROUBLE = ("starve", "block_chute", "stop_feeder", "hot_bearing", "throughput_loss", "harder_ore")


def imbalance(plant: Plant) -> float:
    b = plant.balance()
    return b["opening"] + b["loaded"] - b["held"] - b["product"] - b["waste"]


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**63),
    moves=st.lists(
        st.tuples(st.sampled_from(TROUBLE), st.booleans(), st.integers(1, 400), st.sampled_from([0.25, 1.0, 5.0])),
        max_size=6,
    ),
)
def test_ore_is_neither_made_nor_lost(unit: Unit, seed: int, moves: list[tuple[str, bool, int, float]]) -> None:
    plant = Plant(unit=unit, seed=seed)
    for name, on, steps, dt in moves:
        if on:
            plant.start(name)
        else:
            plant.stop(name)
        for _ in range(steps):
            plant.step(dt)
        assert abs(imbalance(plant)) < 1e-9
        assert all(value >= 0 for value in plant.balance().values())


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_what_is_fed_leaves_as_product_and_waste_in_the_circuit_s_shares(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=3)
    before = plant.balance()
    for _ in range(4 * 3600):
        plant.step()
    after = plant.balance()
    product, waste = (after[k] - before[k] for k in ("product", "waste"))
    fed = before["opening"] + after["loaded"] - before["held"] - before["product"] - before["waste"]
    assert product + waste == pytest.approx(fed, rel=0.08)
    # Flotation keeps little, jig and magnet about half, washing most.
    share = {"pb-01": 0.09, "zn-01": 1 - 0.91**2, "mn-01": 0.88 * (1 - 0.66 * 0.82), "bx-01": 0.88}[unit.id]
    assert product / (product + waste) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("dt", [0.5, 1.0])
def test_the_totaliser_is_the_integral_of_the_flow(unit: Unit, dt: float) -> None:
    plant = Plant(unit=unit, seed=5)
    flow, total = (plant.refs.index(ref) for ref in (unit.roles.flow, unit.roles.total))
    before = plant.truth[total]
    passed = 0.0
    for step in range(2000):
        if step == 900:
            plant.start("stop_feeder")
        plant.step(dt)
        passed += plant.truth[flow] * dt / 3600
    assert passed > 0.1 * unit.nameplate_tph * dt / 2
    assert plant.truth[total] - before == pytest.approx(passed, abs=1e-9)


def test_the_totaliser_wraps_without_losing_anything() -> None:
    unit = UNITS["bx-01"]
    plant = Plant(unit=unit, seed=1)
    plant._scale().total = 999_999.9
    flow = plant.refs.index(unit.roles.flow)
    passed = 0.0
    shown = []
    for _ in range(60):
        plant.step(5.0)
        passed += plant.truth[flow] * 5 / 3600
        shown.append(plant.read()[unit.roles.total])
        wraps = passed >= 0.1
        # Whole steps only: the wrap value itself is never shown.
        assert shown[-1] == pytest.approx(999_999.9 + passed - wraps * 1_000_000, abs=0.00101)
        assert shown[-1] < 1_000_000
    assert sum(np.diff(shown) < 0) == 1


def test_a_totaliser_counts_whole_steps_only() -> None:
    plant = Plant(unit=UNITS["bx-01"], seed=1)
    plant._line.out[plant.refs.index(plant.unit.roles.total)] = 999_999.9996
    assert plant.read()[plant.unit.roles.total] == 999_999.999


def test_reset_totaliser_happens_once() -> None:
    unit = UNITS["pb-01"]
    plant = Plant(unit=unit, seed=1)
    plant.start("reset_totaliser")
    assert plant.active == ()
    plant.step()
    assert plant.read()[unit.roles.total] < 0.01


def test_a_standing_belt_keeps_its_load() -> None:
    plant = Plant(unit=UNITS["mn-01"], seed=1)
    loaded = plant.read()[SignalRef("scale", "belt_load")]
    plant.start("stop_feeder", drives_off_s=1)
    for _ in range(30):
        plant.step()
    values = plant.read()
    assert values[SignalRef("scale", "mass_flow")] < 0.1
    assert values[SignalRef("scale", "belt_load")] == pytest.approx(loaded, rel=0.2)


@pytest.mark.parametrize("dt", [0.0, -1.0, 11.0, float("nan")])
def test_a_step_that_resolves_nothing_is_refused(dt: float) -> None:
    with pytest.raises(SimulatorError, match="dt_s"):
        Plant(unit=UNITS["pb-01"], seed=1).step(dt)
