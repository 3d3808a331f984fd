"""The watch: units at rest and with wrong clocks, clocks of our own that leap, thousands of births at once."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from api.alerting.models import AlertKind
from api.service import Service
from api.settings import ApiSettings
from orewatch.plant.states import State
from orewatch.sparkplug.actions import Data, NodeBorn
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.payload import Metric
from orewatch.storage.query import Latest
from orewatch.telemetry.node_metrics import DESCRIPTION
from tests.unit.api.made_plant import T0, made_unit, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNIT = made_unit()
ROLES = UNIT.roles


class Site:
    """A service without broker and store, whose units speak second by second."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = T0
        self.total = 100.0
        self.service = Service(
            settings=ApiSettings(data_dir=folder), store=None, registry=None, now_ms=lambda: self.now_ms
        )
        self.born()
        self.second()

    def born(self) -> None:
        metrics = {DESCRIPTION: Metric(name=DESCRIPTION, value=UNIT.to_json())}
        self.service.follower.take(
            NodeBorn(group="g", node=UNIT.id, metrics=metrics, timestamp_ms=self.now_ms, bd_seq=0)
        )

    def second(self) -> None:
        self.now_ms += 1000
        self.service.watch.tick()

    def say(self, doing: str, *, edge_off_ms: int = 0, late_ms: int = 0) -> None:
        shown = values_of(UNIT, doing) | {ROLES.total: self.total}
        by_machine: dict[str, dict[str, float]] = {}
        for ref, value in shown.items():
            by_machine.setdefault(ref.machine, {})[ref.signal] = value
        for machine, values in by_machine.items():
            self.service.follower.take(
                Data(
                    group="g",
                    node=UNIT.id,
                    device=machine,
                    received_ms=self.now_ms,
                    names=tuple(values),
                    datatypes=(DataType.DOUBLE,) * len(values),
                    values=tuple(values.values()),
                    timestamps_ms=(self.now_ms + edge_off_ms - late_ms,) * len(values),
                    historical=None,
                    qualities=None,
                )
            )

    def run(self, doing: str, seconds: int, *, every_s: int = 1, edge_off_ms: int = 0) -> None:
        for second in range(seconds):
            if second % every_s == 0:
                self.say(doing, edge_off_ms=edge_off_ms)
            # What says no more than that it lives, as blocks and depths do.
            self.service.watch.take_heard(UNIT.id, self.now_ms, False)
            self.second()

    def frame(self) -> dict[str, object]:
        return self.service.frames.entry(UNIT, self.now_ms)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.service.database.close()


@pytest.mark.parametrize("off_ms", [0, -45_000, 45_000])
def test_a_unit_at_rest_is_judged_to_the_second_whatever_its_clock(site: Site, off_ms: int) -> None:
    site.run("run", 600, every_s=64, edge_off_ms=off_ms)
    assert site.service.judge.facts[0].state is State.RUNNING
    assert site.frame()["throughput_tph"] is not None
    began_ms = site.now_ms
    site.run("nofeed", 299, every_s=64, edge_off_ms=off_ms)
    assert site.service.book.standing() == []
    site.run("nofeed", 3, every_s=64, edge_off_ms=off_ms)
    (alert,) = site.service.book.standing()
    assert alert.kind is AlertKind.IDLE
    assert alert.raised_ms - alert.onset_ms == pytest.approx(300_000, abs=1000)
    assert alert.onset_ms == pytest.approx(began_ms, abs=2000)


def test_throughput_of_a_unit_at_rest_is_never_unknown(site: Site) -> None:
    site.run("run", 61)
    for second in range(200):
        if second % 64 == 0:
            site.say("run")
        assert site.frame()["throughput_tph"] is not None, second
        site.second()


def test_a_stalled_link_does_not_move_a_right_clock(site: Site) -> None:
    site.run("run", 60)
    site.say("run", late_ms=30_000)
    assert site.service.readings.of(UNIT.id).clock.shift_ms == 0


def test_our_clock_set_back_an_hour_stops_nothing(site: Site) -> None:
    site.run("run", 120)
    site.now_ms -= 3_600_000
    site.total += 1
    site.run("run", 60)
    frame = site.frame()
    assert frame["throughput_tph"] is not None
    assert frame["state"] == "RUNNING"
    assert isinstance(frame["last_seen"], int)
    assert frame["last_seen"] <= site.now_ms
    flow = site.service.readings.of(UNIT.id).signals[str(ROLES.flow)]
    assert site.now_ms - flow.time_ms <= 1000
    before = site.service.judge.tallies[0].total_t
    for _ in range(60):
        site.total += 0.004
        site.run("run", 1)
    assert site.service.judge.tallies[0].total_t - before == pytest.approx(0.24, abs=0.02)


def test_underperforming_outlives_a_leap_of_our_clock(site: Site) -> None:
    site.run("run", 60)
    site.service.watch.set_below(UNIT.id, below=True)
    site.run("run", 60)
    assert site.service.judge.facts[0].state is State.UNDERPERFORMING
    site.now_ms += 1_800_000
    site.run("run", 60)
    assert site.service.judge.facts[0].state is State.UNDERPERFORMING


def test_times_to_come_in_the_store_do_not_silence_the_present(site: Site) -> None:
    site.service.watch.prime(UNIT, {ROLES.flow: Latest(site.now_ms + 86_400_000, 9.0)})
    site.say("nofeed")
    assert site.frame()["throughput_tph"] == 0.0
    assert site.frame()["last_seen"] == site.now_ms


def test_three_thousand_births_are_taken_in_within_seconds(tmp_path: Path) -> None:
    now_ms = [T0]
    service = Service(settings=ApiSettings(data_dir=tmp_path), store=None, registry=None, now_ms=lambda: now_ms[0])
    text = json.loads(UNIT.to_json())
    began = time.perf_counter()
    for number in range(3000):
        unit_id = f"u-{number:05}"
        metrics = {DESCRIPTION: Metric(name=DESCRIPTION, value=json.dumps(text | {"id": unit_id}))}
        service.follower.take(NodeBorn(group="g", node=unit_id, metrics=metrics, timestamp_ms=T0, bd_seq=0))
    for _ in range(2):
        now_ms[0] += 1000
        service.watch.tick()
    assert len(service.judge.units) == 3000
    assert [unit.id for unit in service.judge.units] == [unit.id for unit in service.roster]
    assert time.perf_counter() - began < 20
    service.database.close()
