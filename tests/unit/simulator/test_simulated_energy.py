"""Power follows load, specific energy stays in the circuit's band, fuel follows the genset's curve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.power import Genset
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.catalogue import SignalRef, catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
POWER = SignalRef("genset", "power")


def run(plant: Plant, seconds: int) -> dict[SignalRef, NDArray[np.float64]]:
    rows = []
    for _ in range(seconds):
        plant.step()
        rows.append(plant.truth)
    return dict(zip(plant.refs, np.array(rows).T, strict=True))


@pytest.mark.parametrize("share", [0.65, 0.8, 1.0])
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_specific_energy_stays_in_the_circuit_s_band(unit: Unit, share: float) -> None:
    plant = Plant(unit=replace(unit, target_tph=share * unit.nameplate_tph), seed=2)
    series = run(plant, 1800)
    tonnes = series[unit.roles.total][-1] - series[unit.roles.total][0]
    energy = series[SignalRef("genset", "energy")]
    low, high = catalogue().circuits[unit.circuit].kwh_per_t
    assert low < (energy[-1] - energy[0]) / tonnes < high


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_power_follows_load_down_and_up(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=2)
    full = run(plant, 300)[POWER].mean()
    plant.start("throughput_loss", level=0.5, over_s=0)
    half = run(plant, 1500)[POWER][-300:].mean()
    plant.start("stop_feeder")
    empty = run(plant, 1500)[POWER][-300:].mean()
    plant.start("stop_feeder", drives_off_s=1)
    off = run(plant, 300)[POWER][-60:].mean()
    assert full > half > empty > off > 0
    assert full - off > 0.7 * full


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_the_genset_is_sized_for_its_unit(unit: Unit) -> None:
    series = run(Plant(unit=unit, seed=2), 600)
    rated = unit.reference[POWER]
    assert 0.4 * rated < series[POWER].min() < series[POWER].max() < 0.85 * rated
    assert np.all(np.abs(series[SignalRef("genset", "frequency")] - 50) < 0.5)
    assert series[SignalRef("genset", "engine_speed")] == pytest.approx(30 * series[SignalRef("genset", "frequency")])


def test_energy_is_the_integral_of_power() -> None:
    series = run(Plant(unit=UNITS["mn-01"], seed=2), 1000)
    energy = series[SignalRef("genset", "energy")]
    assert energy[-1] - energy[0] == pytest.approx(series[POWER][1:].sum() / 3600, rel=1e-9)


@pytest.mark.parametrize(("share", "litres"), [(0.5, 29.0), (0.75, 42.0), (1.0, 55.0)])
def test_a_200_kw_genset_burns_what_such_sets_burn(share: float, litres: float) -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=2)
    genset = plant._stages[-1]
    assert isinstance(genset, Genset)
    line = plant._line
    line.power_kw = share * 200 - genset.kw
    for _ in range(60):
        genset.step(line, 0.0)
    before = genset.fuel
    for _ in range(3600):
        genset.step(line, 0.0)
    assert genset.fuel - before == pytest.approx(litres, rel=0.01)


def test_load_that_comes_on_dips_the_frequency() -> None:
    plant = Plant(unit=UNITS["bx-01"], seed=2)
    plant.start("stop_feeder", drives_off_s=1)
    steady = run(plant, 120)[SignalRef("genset", "frequency")][-1]
    plant.stop("stop_feeder")
    dip = run(plant, 20)[SignalRef("genset", "frequency")].min()
    assert 49.0 < dip < steady - 0.2
