from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.lanes import MAX_LEASE_S, REST_MS, LiveLane
from orewatch.plant.catalogue import Signal, SignalKind
from orewatch.plant.unit import Machine
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import schema_of
from tests.unit.edge_agent.edge_parts import T0, UNIT

SIGNALS = {
    "current": Signal(name="current", unit="%", high=200, resolution=0.1, deadband=5, decides=True),
    "temperature": Signal(name="temperature", unit="Cel", high=200, resolution=0.1, deadband=1),
    "running": Signal(name="running", kind=SignalKind.DIGITAL, decides=True),
    "total": Signal(name="total", kind=SignalKind.TOTALISER, high=1e6, resolution=0.1, decides=True),
}
ONE = replace(UNIT, machines={"jaw": Machine("jaw", "jaw_crusher", SIGNALS)})
SCHEMA = schema_of(ONE)
START = {"current": 60.0, "temperature": 50.0, "running": 1.0, "total": 10.0}


class Lane:
    """A lane, and the values it is shown second by second."""

    def __init__(self) -> None:
        self.lane = LiveLane(unit=ONE, schema=SCHEMA)
        self.values = dict(START)
        self.at_ms = 5_000_000
        assert set(self.step()) == set(SIGNALS)

    def step(
        self, seconds: float = 1.0, quality: dict[str, Quality] | None = None, **values: float
    ) -> dict[str, object]:
        self.at_ms += int(seconds * 1000)
        self.values |= values
        names = [c.name for c in SCHEMA.groups[0].columns]
        steps = [[round(self.values[n] / (SIGNALS[n].resolution or 1)) for n in names]]
        q = [[int((quality or {}).get(n, Quality.GOOD)) for n in names]]
        scan = Scans(0, np.array([T0 + self.at_ms]), np.array(steps), np.array(q, dtype=np.uint8) if quality else None)
        send, keep = self.lane.choose([scan], self.at_ms)
        told: dict[str, object] = {r.name: r.value for readings in send.values() for r in readings}
        assert not told.keys() & {r.name for readings in keep.values() for r in readings}
        return told


def test_at_rest_what_decides_the_state_comes_as_soon_as_it_leaves_its_deadband() -> None:
    lane = Lane()
    assert lane.step(current=64.9) == {}
    assert lane.step(current=65.1) == {"current": 65.1}
    assert lane.step(running=0.0) == {"running": False}


def test_at_rest_the_others_wait_their_turn() -> None:
    lane = Lane()
    assert lane.step(temperature=55.0, total=11.0) == {}
    assert lane.step(seconds=REST_MS / 1000 - 2) == {}
    assert lane.step() == {"temperature": 55.0, "total": 11.0}
    # Within its deadband it says nothing even then.
    assert lane.step(seconds=29, temperature=55.5) == {}


def test_nothing_is_silent_for_longer_than_others_may_hold_its_value() -> None:
    lane = Lane()
    silent = {name: s.max_silence_s for name, s in SIGNALS.items()}
    assert silent == {"current": 60.0, "temperature": 300.0, "running": 60.0, "total": 60.0}
    assert lane.step(seconds=59) == {}
    assert lane.step() == {"current": 60.0, "running": True, "total": 10.0}
    lane.step(seconds=239)
    assert lane.step(seconds=1)["temperature"] == 50.0


def test_watched_every_change_comes_until_the_lease_ends() -> None:
    lane = Lane()
    lane.lane.watch(10, lane.at_ms)
    assert lane.step(current=60.1, temperature=50.1) == {"current": 60.1, "temperature": 50.1}
    assert lane.step() == {}
    assert lane.step(seconds=10, current=60.2) == {}
    lane.lane.watch(10, lane.at_ms)
    lane.lane.watch(0, lane.at_ms)
    assert lane.step(current=60.3) == {}


@pytest.mark.parametrize("asked", [10**9, MAX_LEASE_S])
def test_no_lease_is_for_ever(asked: int) -> None:
    lane = Lane()
    lane.lane.watch(asked, lane.at_ms)
    assert lane.lane.watched(lane.at_ms + 1000 * MAX_LEASE_S - 1)
    assert not lane.lane.watched(lane.at_ms + 1000 * MAX_LEASE_S)


def test_quality_is_told_at_once_and_absent_values_not_at_all() -> None:
    lane = Lane()
    assert lane.step(quality={"temperature": Quality.BAD}) == {"temperature": None}
    assert lane.step(quality={"temperature": Quality.BAD, "current": Quality.ABSENT}, current=99.0) == {}
    assert lane.step() == {"temperature": 50.0, "current": 99.0}


def test_a_new_connection_is_told_everything() -> None:
    lane = Lane()
    assert lane.step() == {}
    lane.lane.forget()
    assert set(lane.step()) == set(SIGNALS)
