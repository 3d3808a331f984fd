"""Hours that are computed and written anew: late data, what people say, a store filled anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.inputs.entry import InputKind
from api.metrics import metrics_text
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from tests.unit.api.mirror_acts import DAY, UNIT, JournalOf, raise_alert, same, say, settled
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path, influxd: str) -> Iterator[MirrorHouse]:
    made = MirrorHouse(tmp_path, influxd)
    yield made
    made.close()


async def test_late_data_is_written_over_what_stood(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    whole = dict(house.store.series_of[UNIT.id])
    for ref, (times, values) in whole.items():
        heard = (times < HOUR0 + 600_000) | (times >= HOUR0 + 2400_000)
        house.store.series_of[UNIT.id][ref] = (times[heard], values[heard])
    await house.run(65)
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    before, hour = house.minutes(), house.hours()[HOUR0]
    assert before[HOUR0 + 20 * MINUTE_MS]["state"] == "COMMS_LOSS"
    assert before[HOUR0 + 20 * MINUTE_MS]["silent_s"] == 601
    assert hour["h_COMMS_LOSS"] > 0.4
    letters = house.service.outbox.counts()
    house.store.series_of[UNIT.id] = whole
    house.service._late(UNIT.id, HOUR0 + 600_000, HOUR0 + 2400_000)
    await house.round()
    assert house.minutes() == before, "not before the data has become quiet"
    house.now_ms += 100_000
    await settled(house)
    await same(house, HOUR0, HOUR0 + HOUR_MS)
    after = house.minutes()
    assert (after[HOUR0 + 20 * MINUTE_MS]["state"], after[HOUR0 + 30 * MINUTE_MS]["state"]) == ("RUNNING", "STARVED")
    assert after.keys() == before.keys(), "written over, not beside"
    assert house.hours()[HOUR0]["h_COMMS_LOSS"] < hour["h_COMMS_LOSS"]
    assert house.hours()[HOUR0]["tonnes"] == pytest.approx(0.95 * UNIT.target_tph * 2100 / 3600, abs=0.02)
    assert house.service.outbox.counts() == letters, "late data pages nobody"


async def test_what_people_say_afterwards_is_written_over_what_stood(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    await house.run(65)
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    assert house.minutes()[HOUR0 + 30 * MINUTE_MS]["state"] == "STARVED"
    say(house, InputKind.STOPS, 1500, 2400, code="no_ore", effect="delay")
    say(house, InputKind.TARGETS, 0, None, tph=20.0, ore=None)
    house.down(0)
    await settled(house)
    await same(house, HOUR0, HOUR0 + HOUR_MS)
    row = house.minutes()[HOUR0 + 30 * MINUTE_MS]
    assert (row["state"], row["stop_code"], row["target_tph"]) == ("PLANNED_STOP", "no_ore", 20)
    assert (house.hours()[HOUR0]["h_PLANNED_STOP"], house.hours()[HOUR0]["target_t"]) == (pytest.approx(0.25), 20)


async def test_hours_wait_until_what_came_is_in_the_store(house: MirrorHouse) -> None:
    journal = JournalOf(house)
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    journal.come(HOUR0, HOUR0 + 60_000, projected=True)
    house.down(0)
    await house.run(65)
    journal.come(HOUR0 + 1800_000, HOUR0 + 1860_000, received_ms=HOUR0 + 1862_000)
    house.now_ms = HOUR0 + 2 * HOUR_MS
    await house.round()
    assert (house.hours(), house.service.mirror.owed, house.service.mirror.waiting) == ({}, 0, 2)  # type: ignore[union-attr]
    journal.project()
    await house.round()
    house.now_ms += 100_000
    await settled(house)
    assert list(house.hours()) == [HOUR0]
    stood = house.store.series_of[UNIT.id]
    house.store.make(UNIT, [("off", 7200)], HOUR0)
    assert stood is not house.store.series_of[UNIT.id]
    house.killed()
    journal.come(HOUR0 + 600_000, HOUR0 + 660_000, projected=True)
    house.service = house.started()
    await house.round()
    house.now_ms += 100_000
    await settled(house)
    assert house.hours()[HOUR0]["h_RUNNING"] == 0, "data that came while the service was down is followed, too"
    await same(house, HOUR0, HOUR0 + HOUR_MS)


async def test_a_start_before_the_collector_has_written_anything(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    journal = JournalOf(house)
    made = dict(house.store.series_of[UNIT.id])
    house.store.series_of.clear()
    house.down(0)
    house.now_ms = HOUR0 + 65_000
    await house.round()
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    assert house.hours()[HOUR0]["h_COMMS_LOSS"] == 1, "nothing is known of it"
    journal.come(HOUR0, HOUR0 + 60_000, projected=True)
    house.store.series_of[UNIT.id] = made
    await house.round()
    house.now_ms += 100_000
    await settled(house)
    assert house.hours()[HOUR0]["h_COMMS_LOSS"] == 0
    await same(house, HOUR0, HOUR0 + HOUR_MS)


async def test_a_store_that_is_filled_anew_gets_everything_again(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    journal = JournalOf(house)
    for minute in range(90):
        journal.come(HOUR0 + minute * MINUTE_MS, HOUR0 + (minute + 1) * MINUTE_MS, projected=True)
    raise_alert(house, HOUR0 + 60_000)
    house.down(2 * 3600)
    await settled(house)
    stood = house.minutes(), house.hours(), house.rows("alert", level="hours")
    house.server.http.post("/query", params={"q": f"DROP DATABASE {house.database}"})
    house.make_levels()
    journal.project(0)
    await house.round()
    journal.project()
    await house.round()
    house.now_ms += 100_000
    await settled(house)
    assert stood == (house.minutes(), house.hours(), house.rows("alert", level="hours"))
    assert stood[2]


async def test_the_first_start_goes_back_as_far_as_the_journal(house: MirrorHouse) -> None:
    house.store.make(UNIT, [("run", 7200)], HOUR0)
    journal = JournalOf(house)
    journal.come(HOUR0, HOUR0 + 60_000)
    house.down(7200 + 700)
    await house.round()
    assert house.service.mirror is not None
    assert (house.service.mirror.owed, house.service.mirror.waiting) == (0, 2), "the store has nothing of it yet"
    journal.project()
    await house.round()
    house.now_ms += 100_000
    await settled(house)
    assert [row["h_COMMS_LOSS"] for row in house.hours().values()] == [0, 0]


async def test_hours_that_the_store_has_no_scans_of_are_passed_over(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    await house.run(65)
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    hours = house.hours()
    house.store.down = True
    house.now_ms += HOUR_MS
    await house.round()
    assert house.service.mirror is not None
    assert house.service.mirror.owed == 1
    house.store.down = False
    house.store.series_of.clear()
    house.now_ms += 40 * 24 * HOUR_MS
    house.service._late(UNIT.id, HOUR0, HOUR0 + HOUR_MS)
    await settled(house)
    assert {t: row for t, row in house.hours().items() if t < HOUR0 + 24 * HOUR_MS} == hours, (
        "what retention has taken is no silence"
    )
    assert house.service.mirror.passed_over["beyond_raw"] > 0
    text = await metrics_text(house.service)
    assert 'orewatch_mirror_passed_over_total{reason="beyond_raw"} ' in text
    assert 'orewatch_mirror_points_total{level="raw"} ' in text
    assert 'orewatch_mirror_owed{what="incomplete"} 1\n' in text
