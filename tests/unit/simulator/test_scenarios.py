"""Each scenario shows the evidence that the unit's state is judged by, and ends when it is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.scenarios import SCENARIOS, ScenarioError, Where
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)


class Seen:
    """A plant's evidence: rates as shares of nameplate and target, groups of contacts all or any on."""

    def __init__(self, plant: Plant) -> None:
        values = plant.read()
        unit, roles = plant.unit, plant.unit.roles
        assert roles.hopper is not None
        self.flow = values[roles.flow] / unit.nameplate_tph
        self.of_target = values[roles.flow] / unit.target_tph
        self.load = values[roles.main] / roles.full_load
        self.effort = (values[roles.main] - roles.no_load) / roles.full_load
        self.hopper = values[roles.hopper]
        self.upstream = all(values[r] for r in roles.upstream)
        self.drives = all(values[r] for r in roles.drives)
        self.plugged = any(values[r] for r in roles.plugged)
        self.tripped = any(values[r] for r in roles.tripped)
        self.energised = values[SignalRef("genset", "engine_speed")] > 600


def after(plant: Plant, seconds: int) -> Seen:
    for _ in range(seconds):
        plant.step()
    return Seen(plant)


@each_unit
def test_left_alone_a_unit_runs(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    for _ in range(20):
        seen = after(plant, 60)
        assert seen.flow > 0.5
        assert seen.effort > 0.1
        assert seen.load < 1.0
        assert (seen.upstream, seen.drives, seen.plugged, seen.tripped, seen.energised) == (1, 1, 0, 0, 1)


@each_unit
def test_stop_feeder_starves_the_drives_within_a_minute_or_so(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    plant.start("stop_feeder")
    assert not after(plant, 1).upstream
    seen = after(plant, 80)
    assert seen.flow < 0.05
    assert (seen.drives, seen.energised, seen.tripped, seen.plugged) == (1, 1, 0, 0)
    plant.stop("stop_feeder")
    assert after(plant, 150).of_target > 0.8


@each_unit
def test_stop_feeder_may_end_with_the_drives_off_and_the_engine_running(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    plant.start("stop_feeder", drives_off_s=300)
    assert after(plant, 280).drives
    seen = after(plant, 40)
    assert (seen.drives, seen.energised, seen.flow < 0.05, seen.effort < 0.1) == (0, 1, 1, 1)
    plant.stop("stop_feeder")
    assert not after(plant, 10).upstream, "drives come first, ore later"
    assert after(plant, 200).of_target > 0.8


@each_unit
def test_starve_empties_the_hopper_and_then_the_circuit(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    plant.start("starve")
    assert after(plant, 120).flow > 0.5
    seen = after(plant, 1500)
    assert seen.flow < 0.05
    assert seen.hopper < 10
    assert (seen.upstream, seen.drives) == (1, 1)
    plant.stop("starve")
    assert after(plant, 240).of_target > 0.8


@each_unit
def test_block_chute_plugs_the_crusher_and_locks_the_feeder(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    plant.start("block_chute")
    assert after(plant, 20).plugged
    seen = after(plant, 100)
    assert seen.plugged
    assert seen.flow < 0.05
    assert not seen.upstream
    crusher = next(m for m in unit.machines.values() if m.cls in {"jaw_crusher", "impact_crusher"})
    current, limit = SignalRef(crusher.id, "motor_current"), crusher.signals["motor_current"]
    assert limit.warn is not None
    assert limit.trip is not None
    shown = []
    for _ in range(120):
        plant.step()
        shown.append(plant.read()[current])
    assert limit.warn < min(shown) < max(shown) < limit.trip
    plant.stop("block_chute")
    for _ in range(120):
        plant.step()
        assert plant.read()[current] < limit.trip
    seen = after(plant, 120)
    assert not seen.plugged
    assert seen.of_target > 0.8


@each_unit
def test_throughput_loss_comes_slowly_and_stays(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=11)
    plant.start("throughput_loss", level=0.7, over_s=3600)
    means = []
    for _ in range(8):
        total = 0.0
        for _ in range(900):
            plant.step()
            total += plant.truth[plant.refs.index(unit.roles.flow)]
        means.append(total / 900 / unit.target_tph)
    assert means[0] > 0.88
    assert 0.73 < means[2] < 0.88
    assert all(0.66 < mean < 0.74 for mean in means[5:])
    seen = Seen(plant)
    assert (seen.effort > 0.1, seen.upstream, seen.drives) == (1, 1, 1), "still running"


@each_unit
def test_harder_ore_costs_rate_and_energy(unit: Unit) -> None:
    def hour(plant: Plant) -> tuple[float, float]:
        places = [plant.refs.index(ref) for ref in (unit.roles.total, SignalRef("genset", "energy"))]
        for _ in range(900):
            plant.step()
        before = plant.truth[places]
        for _ in range(3600):
            plant.step()
        tonnes, energy = plant.truth[places] - before
        return float(tonnes), float(energy / tonnes)

    easy, hard = Plant(unit=unit, seed=11), Plant(unit=unit, seed=11)
    hard.start("harder_ore", factor=1.3)
    (t_easy, kwh_easy), (t_hard, kwh_hard) = hour(easy), hour(hard)
    assert t_hard < 0.93 * t_easy
    assert kwh_hard > 1.05 * kwh_easy


def test_link_and_clock_are_their_owners_to_change() -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=11)
    with pytest.raises(ScenarioError, match="cut_link: link is not the plant's"):
        plant.start("cut_link")
    assert not plant.active
    calls: list[tuple[str, bool, Mapping[str, float]]] = []
    plant.hook("cut_link", lambda on, values: calls.append(("cut_link", on, values)))
    plant.hook("jump_clock", lambda on, values: calls.append(("jump_clock", on, values)))
    plant.start("cut_link")
    plant.start("jump_clock", seconds=-90)
    assert plant.active == ("cut_link", "jump_clock")
    plant.stop("cut_link")
    plant.stop("cut_link")
    assert [(name, on) for name, on, _ in calls] == [("cut_link", True), ("jump_clock", True), ("cut_link", False)]
    assert calls[1][2]["seconds"] == -90


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("explode", {}, r"'explode' is unknown; allowed: starve, block_chute"),
        ("starve", {"level": 1.0}, r"unknown parameter 'level'; allowed: none"),
        ("throughput_loss", {"level": -1.0}, r"level = -1.0; allowed: 0 to"),
        ("harder_ore", {"factor": float("nan")}, r"factor = nan; allowed"),
        ("jump_clock", {"seconds": float("inf")}, r"seconds = inf; allowed: -1e\+10 to 1e\+10"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, parameters: dict[str, float], message: str) -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=11)
    plant.hook("jump_clock", lambda _on, _values: None)
    with pytest.raises(ScenarioError, match=message):
        plant.start(name, **parameters)
    assert plant.active == ()


def test_every_scenario_of_the_plant_can_be_started_and_stopped() -> None:
    plant = Plant(unit=UNITS["zn-01"], seed=11)
    for name, scenario in SCENARIOS.items():
        if scenario.where is Where.PLANT:
            plant.start(name)
            after(plant, 5)
            assert (name in plant.active) == scenario.lasting
    for name in SCENARIOS:
        plant.stop(name)
    assert plant.active == ()
    with pytest.raises(ScenarioError, match="unknown"):
        plant.stop("explode")
