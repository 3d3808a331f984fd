from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import SecretStr

from api import memory
from api.alerting.book import AlertFilter
from api.alerting.late_review import QUIET_MS, idle_stretches
from api.alerting.models import AlertState
from api.rounds import review_late_data
from api.service import Service
from api.settings import ApiSettings
from orewatch.plant.states import Interval, State, StateReason
from tests.unit.api.made_plant import T0, MadeStore, made_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNIT = made_unit()
MINUTE = 60_000


class House:
    def __init__(self, folder: Path) -> None:
        self.now_ms = T0
        self.store = MadeStore()
        self.settings = ApiSettings(data_dir=folder, notify=(SecretStr("json://127.0.0.1:9/"),))
        self.service = self.made()

    def made(self) -> Service:
        service = Service(settings=self.settings, store=self.store, registry=None, now_ms=lambda: self.now_ms)
        service.roster.describe(UNIT)
        return service


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.service.database.close()


async def test_late_data_makes_one_digest_and_pages_nobody(house: House) -> None:
    phases = [("run", 1800), ("nofeed", 900), ("run", 1800), ("nofeed", 600), ("run", 7200)]
    house.now_ms = house.store.make(UNIT, phases)
    service = house.service
    for start in range(0, 4500, 60):
        service._late(UNIT.id, T0 + start * 1000, T0 + (start + 60) * 1000)
    await review_late_data(service)
    assert service.outbox.counts()["waiting"] == 0, "not before the data has become quiet"
    house.now_ms += QUIET_MS
    await review_late_data(service)
    found = service.book.select(AlertFilter(), 9)
    assert [(a.state, a.historical, a.active) for a in found] == [(AlertState.NORM, True, False)] * 2
    assert found[1].onset_ms == pytest.approx(T0 + 1800_000, abs=2000)
    assert found[1].tonnes_lost == pytest.approx(15 / 4, abs=0.3)
    (letter,) = service.outbox.claim(service.outbox.channels[0], house.now_ms)
    assert "2 past event(s)" in letter.body
    service._late(UNIT.id, T0, T0 + 4500_000)
    house.now_ms += QUIET_MS
    await review_late_data(service)
    assert len(service.book.select(AlertFilter(), 9)) == 2, "the same data again shows nothing new"
    assert service.outbox.counts()["waiting"] == 1


async def test_late_data_puts_the_days_tonnes_right(house: House) -> None:
    day_ms = house.service.day.start_ms(T0 + 86_400_000)
    start_ms = day_ms - 3_600_000
    end_ms = house.store.make(UNIT, [("run", 3600), ("run", 3600), ("off", 3600), ("run", 1800)], start_ms)
    whole = dict(house.store.series_of[UNIT.id])
    for ref, (times, values) in whole.items():
        heard = (times < day_ms - 600_000) | (times >= end_ms - 1_200_000)
        house.store.series_of[UNIT.id][ref] = (times[heard], values[heard])
    house.now_ms = end_ms
    service = house.service
    await service.replay_history(units=[UNIT], start_ms=start_ms, end_ms=end_ms)
    service.caught_up = True
    tph = 0.95 * UNIT.target_tph
    assert service.judge.tallies[0].today_t != pytest.approx(1.5 * tph, abs=0.1), "shared evenly for want of better"
    house.store.series_of[UNIT.id] = whole
    service._late(UNIT.id, day_ms - 600_000, end_ms - 1_200_000)
    house.now_ms += QUIET_MS
    await review_late_data(service)
    assert service.judge.tallies[0].today_t == pytest.approx(1.5 * tph, abs=0.02)
    service.judge.tallies[0].count(np.array([end_ms + 60_000]), whole[UNIT.roles.total][1][-1:] + 0.2)
    assert service.judge.tallies[0].today_t == pytest.approx(1.5 * tph + 0.2, abs=0.02)


async def test_a_start_without_memory_counts_the_whole_day(house: House) -> None:
    day_ms = house.service.day.start_ms(T0 + 86_400_000)
    end_ms = house.store.make(UNIT, [("run", 3600), ("run", 10 * 3600)], day_ms - 3_600_000)
    house.now_ms = end_ms
    service = house.service
    service._remember()
    from api.live.catch_up import catch_up

    await catch_up(service.judge, service.watch, house.store, now_ms=lambda: end_ms, below=service.is_below)
    assert service.judge.tallies[0].today_t == pytest.approx(4 * 0.95 * UNIT.target_tph, abs=0.1)
    service.caught_up = True
    await review_late_data(service)
    assert service.judge.tallies[0].today_t == pytest.approx(10 * 0.95 * UNIT.target_tph, abs=0.1)


@pytest.mark.parametrize(("units", "minutes"), [(0, 0), (1, 240), (200, 240), (800, 60), (100_000, 15)])
def test_a_large_fleet_looks_back_less(units: int, minutes: int) -> None:
    assert memory.back_ms(units) == minutes * MINUTE


async def test_late_data_waits_for_a_store_that_is_down(house: House) -> None:
    house.now_ms = house.store.make(UNIT, [("run", 1800), ("nofeed", 900), ("run", 7200)])
    house.service._late(UNIT.id, T0, T0 + 2700_000)
    house.store.down = True
    house.now_ms += QUIET_MS
    await review_late_data(house.service)
    house.store.down = False
    house.now_ms += QUIET_MS
    await review_late_data(house.service)
    assert len(house.service.book.select(AlertFilter(), 9)) == 1


async def test_a_restart_catches_up_and_tells_what_stands(house: House) -> None:
    end_ms = house.store.make(UNIT, [("run", 1800), ("nofeed", 1200)])
    house.now_ms = T0 + 1200_000
    await house.service.replay_history(units=[UNIT], start_ms=T0, end_ms=T0 + 1200_000)
    house.service.database.close()
    house.now_ms = end_ms
    house.service = service = house.made()
    service._remember()
    from api.live.catch_up import catch_up

    await catch_up(service.judge, service.watch, house.store, now_ms=lambda: end_ms, below=service.is_below)
    (alert,) = service.book.select(AlertFilter(), 9)
    assert alert.onset_ms == pytest.approx(T0 + 1800_000, abs=2000)
    assert service.engine.tell_of_standing(end_ms, end_ms) == 1
    assert service.outbox.counts()["waiting"] == 1
    assert service.judge.facts[0].state is State.STARVED


async def test_a_restart_with_the_store_down_keeps_what_stood(house: House) -> None:
    end_ms = house.store.make(UNIT, [("run", 1800), ("nofeed", 1200)])
    house.now_ms = end_ms
    await house.service.replay_history(units=[UNIT], start_ms=T0, end_ms=end_ms)
    house.service.database.close()
    house.store.down = True
    house.now_ms += 300_000
    house.service = service = house.made()
    service._remember()
    from api.live.catch_up import catch_up

    await catch_up(service.judge, service.watch, house.store, now_ms=lambda: house.now_ms, below=service.is_below)
    assert service.judge.facts[0].state is State.STARVED
    assert service.judge.now_ms == house.now_ms
    (alert,) = service.book.select(AlertFilter(), 9)
    assert alert.active


async def test_memory_that_cannot_be_read_is_no_reason_to_stop(house: House) -> None:
    house.service.database.put_carry([("", T0, '{"classifier": {"now_ms": 5}}')])
    house.service._remember()
    assert house.service.judge.now_ms == T0 - 4 * 3_600_000


def spell(state: State, minutes: int, at: int) -> Interval:
    return Interval(state, StateReason.NO_LOAD, at * MINUTE, (at + minutes) * MINUTE, provisional=False)


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ([(State.RUNNING, 5), (State.IDLE, 5), (State.RUNNING, 1)], [(5, 10)]),
        ([(State.RUNNING, 5), (State.IDLE, 4), (State.RUNNING, 1)], []),
        ([(State.STARVED, 3), (State.IDLE, 3), (State.RUNNING, 1)], [(0, 6)]),
        ([(State.IDLE, 3), (State.COMMS_LOSS, 60), (State.IDLE, 3), (State.RUNNING, 1)], [(0, 66)]),
        ([(State.IDLE, 3), (State.COMMS_LOSS, 60), (State.RUNNING, 1)], []),
        ([(State.IDLE, 60)], []),
    ],
)
def test_idle_stretches(states: list[tuple[State, int]], found: list[tuple[int, int]]) -> None:
    at, intervals = 0, []
    for state, minutes in states:
        intervals.append(spell(state, minutes, at))
        at += minutes
    told = idle_stretches(intervals, 5 * MINUTE)
    assert [(onset // MINUTE, end // MINUTE) for onset, end, _ in told] == found
