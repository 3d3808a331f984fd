"""What sensors show: at resolution, in range, noisy with memory, correlated where one thing moves many."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.circuits import SimulatorError
from edge_agent.simulator.noise import sensor_noise
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.catalogue import SignalKind, SignalRef, catalogue
from orewatch.plant.unit import Machine, unit_from_circuit

if TYPE_CHECKING:
    from numpy.typing import NDArray


UNITS = {unit.id: unit for unit in demo_units()}


@cache
def record(unit_id: str, seed: int = 6, seconds: int = 1500) -> dict[SignalRef, NDArray[np.float64]]:
    plant = Plant(unit=UNITS[unit_id], seed=seed)
    rows = []
    for _ in range(seconds):
        plant.step()
        rows.append(list(plant.read().values()))
    return dict(zip(plant.refs, np.array(rows).T, strict=True))


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def following(cause: NDArray[np.float64], effect: NDArray[np.float64]) -> float:
    """The best correlation of half-minute means, ore taking up to two minutes from one to the other."""
    smooth = [np.convolve(values, np.ones(30) / 30, "valid") for values in (cause, effect)]
    return max(correlation(smooth[0][: len(smooth[0]) - lag], smooth[1][lag:]) for lag in range(0, 121, 3))


@pytest.mark.parametrize("unit_id", UNITS)
def test_values_stand_at_the_sensor_s_resolution_and_in_its_range(unit_id: str) -> None:
    for ref, values in record(unit_id).items():
        signal = UNITS[unit_id].signal(ref)
        assert signal.resolution is not None
        steps = values / signal.resolution
        assert np.abs(steps - np.rint(steps)).max() < 1e-6, ref
        assert signal.low <= values.min(), ref
        assert values.max() <= signal.high, ref


@pytest.mark.parametrize("unit_id", UNITS)
def test_analog_signals_are_noisy_and_digital_ones_are_not(unit_id: str) -> None:
    for ref, values in record(unit_id).items():
        changed = np.mean(np.diff(values) != 0)
        kind = UNITS[unit_id].signal(ref).kind
        if kind is SignalKind.ANALOG:
            assert changed > 0.05, ref
        elif kind is SignalKind.DIGITAL:
            assert changed == 0, ref
        else:
            assert np.all(np.diff(values) >= 0), ref


def test_every_analog_signal_of_the_catalogue_has_its_noise() -> None:
    for cls in catalogue().classes.values():
        for signal in cls.signals.values():
            if signal.kind is SignalKind.ANALOG:
                noise = sensor_noise(cls.name, signal.name)
                assert noise.absolute + noise.relative > 0, (cls.name, signal.name)


@pytest.mark.parametrize(
    ("unit_id", "one", "other", "least"),
    [
        ("pb-01", "scale.mass_flow", "scale.belt_load", 0.95),
        ("pb-01", "jaw.motor_current", "cone.motor_current", 0.7),
        ("pb-01", "jaw.motor_current", "genset.power", 0.6),
        ("pb-01", "genset.frequency", "genset.engine_speed", 0.7),
        ("zn-01", "scale.mass_flow", "mill.power", 0.5),
        ("zn-01", "mill.power", "cyclone.feed_pressure", 0.4),
        ("mn-01", "jaw.motor_current", "genset.power", 0.8),
        ("mn-01", "jaw.motor_current", "scale.mass_flow", 0.7),
        ("bx-01", "crusher.motor_current", "washer.motor_current", 0.7),
        ("bx-01", "washer.motor_current", "scale.mass_flow", 0.8),
    ],
)
def test_what_moves_together_is_seen_to(unit_id: str, one: str, other: str, least: float) -> None:
    series = record(unit_id)
    assert following(series[SignalRef.parse(one)], series[SignalRef.parse(other)]) > least


def test_noise_has_memory_and_is_each_sensor_s_own() -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=8)
    rows = []
    for _ in range(4000):
        plant.step()
        rows.append(plant.noise.at(plant.tick)[0].copy())
    noise = np.array(rows)
    assert noise.std(axis=0) == pytest.approx(np.ones(noise.shape[1]), abs=0.15)
    level = plant.refs.index(SignalRef("feeder", "level"))
    assert correlation(noise[1:, level], noise[:-1, level]) == pytest.approx(0.6, abs=0.06)
    others = np.corrcoef(noise.T) - np.eye(noise.shape[1])
    assert np.abs(others).max() < 0.2


def test_the_same_seed_gives_the_same_plant_and_another_another() -> None:
    again = Plant(unit=UNITS["pb-01"], seed=6)
    other = Plant(unit=UNITS["pb-01"], seed=7)
    for _ in range(300):
        again.step()
        other.step()
    first = {ref: values[299] for ref, values in record("pb-01").items()}
    assert again.read() == first
    assert other.read() != first


def test_reading_twice_shows_the_same() -> None:
    plant = Plant(unit=UNITS["pb-01"], seed=6)
    assert plant.read() == plant.read()


def test_a_unit_that_cannot_be_simulated_is_refused() -> None:
    unit = UNITS["bx-01"]
    with pytest.raises(SimulatorError, match=r"'copper'.*allowed: lead"):
        Plant(unit=replace(unit, circuit="copper"), seed=1)
    with pytest.raises(SimulatorError, match=r"'rocket'.*allowed: feeder"):
        Plant(unit=replace(unit, machines={**unit.machines, "x": Machine("x", "rocket", {})}), seed=1)
    without = {k: m for k, m in unit.machines.items() if k != "genset"}
    with pytest.raises(SimulatorError, match="genset stands 0 times"):
        Plant(unit=replace(unit, machines=without), seed=1)


@pytest.mark.parametrize("circuit", catalogue().circuits)
def test_every_circuit_of_the_catalogue_can_be_simulated_at_its_nameplate(circuit: str) -> None:
    unit = unit_from_circuit(unit_id="u", circuit=circuit, site="s", province="p", model="m")
    plant = Plant(unit=unit, seed=1)
    for _ in range(900):
        plant.step()
    assert plant.truth[plant.refs.index(unit.roles.flow)] == pytest.approx(unit.nameplate_tph, rel=0.15)
