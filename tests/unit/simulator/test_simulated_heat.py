"""Temperatures have inertia; a hot bearing warns, trips, cools and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.unit_files import demo_units
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
BEARING = SignalRef("jaw", "bearing_temperature")


def temperatures(plant: Plant) -> NDArray[np.float64]:
    wanted = [i for i, ref in enumerate(plant.refs) if plant.unit.signal(ref).unit == "Cel"]
    return plant.truth[wanted]


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_no_temperature_jumps_when_everything_stops(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=4)
    plant.start("stop_feeder", drives_off_s=1)
    taken = []
    for _ in range(3600):
        taken.append(temperatures(plant))
        plant.step()
    rows = np.array(taken)
    assert np.abs(np.diff(rows, axis=0)).max() < 0.1
    # They do move, though: each bearing and winding has lost a good part of its heat in an hour.
    crusher = next(m.id for m in unit.machines.values() if m.cls.endswith("crusher"))
    before = rows[0][0]
    assert plant.read()[SignalRef(crusher, "bearing_temperature")] < before - 15


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_running_machines_are_within_their_normal_band(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=4, start_ms=12 * 3_600_000)
    rows = []
    for _ in range(1800):
        plant.step()
        rows.append(list(plant.read().values()))
    means = np.mean(rows, axis=0)
    for ref, mean in zip(plant.refs, means, strict=True):
        signal = unit.signal(ref)
        if signal.normal_low is not None and signal.normal_high is not None:
            assert signal.normal_low <= mean <= signal.normal_high, ref


def test_a_hot_bearing_warns_then_trips_then_comes_back() -> None:
    plant = Plant(unit=UNITS["mn-01"], seed=4)
    signal = plant.unit.signal(BEARING)
    normal = plant.read()[BEARING]
    quiet = plant.read()[SignalRef("jaw", "vibration")]
    plant.start("hot_bearing")
    assert signal.warn is not None
    assert signal.trip is not None
    seconds: dict[str, int] = {}
    for second in range(900):
        plant.step()
        values = plant.read()
        if second == 150:
            assert values[SignalRef("jaw", "vibration")] > 1.8 * quiet
        for name, limit in (("moved", normal + 5), ("warn", signal.warn), ("trip", signal.trip)):
            if values[BEARING] >= limit:
                seconds.setdefault(name, second)
        if values[SignalRef("jaw", "tripped")]:
            break
    assert seconds["moved"] < 40 < seconds["warn"] < seconds["trip"] < 600
    for _ in range(120):
        plant.step()
    values = plant.read()
    # The PLC has stopped the crusher and locked the feeder; that holds until someone mends the bearing.
    assert (values[SignalRef("jaw", "running")], values[SignalRef("feeder", "running")]) == (0, 0)
    assert values[SignalRef("jaw", "tripped")] == 1
    assert values[plant.unit.roles.flow] < 0.05 * plant.unit.nameplate_tph
    for _ in range(600):
        plant.step()
    assert plant.read()[BEARING] < signal.warn, "what does not turn cools"
    plant.stop("hot_bearing")
    for _ in range(300):
        plant.step()
    values = plant.read()
    assert (values[SignalRef("jaw", "running")], values[SignalRef("jaw", "tripped")]) == (1, 0)
    assert values[plant.unit.roles.flow] > 0.8 * plant.unit.target_tph


def test_a_warm_bearing_need_not_trip() -> None:
    plant = Plant(unit=UNITS["bx-01"], seed=4)
    plant.start("hot_bearing", rise_k=20)
    for _ in range(1800):
        plant.step()
    assert plant.read()[SignalRef("crusher", "tripped")] == 0


def test_days_are_warmer_than_nights() -> None:
    # 10:30Z is 14:00 in Tehran, 22:30Z is 02:00.
    day = Plant(unit=UNITS["mn-01"], seed=4, start_ms=int(10.5 * 3_600_000))
    night = Plant(unit=UNITS["mn-01"], seed=4, start_ms=int(22.5 * 3_600_000))
    assert day.read()[BEARING] > night.read()[BEARING] + 5
