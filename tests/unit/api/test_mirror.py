"""States in a real InfluxDB: as they are answered over HTTP, whatever happened in between."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.mirror.ledger import Ledger
from api.settings import ApiSettings
from api.stores import open_target
from orewatch.plant.states import STATE_CODES, State
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from tests.servers import free_port, running_influxd
from tests.unit.api.mirror_acts import DAY, UNIT, raise_alert, same, settled
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path, influxd: str) -> Iterator[MirrorHouse]:
    made = MirrorHouse(tmp_path, influxd)
    yield made
    made.close()


async def test_each_minute_is_shown_as_it_passes(house: MirrorHouse) -> None:
    house.store.make(UNIT, [("run", 1500), ("off", 900)], HOUR0)
    await house.run(1200)
    kept = house.minutes()
    assert sorted(kept) == list(range(HOUR0, HOUR0 + 19 * MINUTE_MS, MINUTE_MS))[-len(kept) :]
    last = kept[HOUR0 + 18 * MINUTE_MS]
    tph = 0.95 * UNIT.target_tph
    assert (last["state"], last["reason"], last["code"]) == ("RUNNING", "producing", STATE_CODES[State.RUNNING])
    assert (last["site"], last["province"], last["mineral"]) == (UNIT.site, UNIT.province, UNIT.mineral)
    assert last["flow_tph"] == pytest.approx(tph, abs=0.01)
    assert last["tonnes"] == pytest.approx(tph / 60, abs=0.02)
    assert (last["target_tph"], last["alerts"], last["stop_code"]) == (UNIT.target_tph, 0, "")
    assert last["silent_s"] == pytest.approx(0, abs=2)
    await house.run(380)
    assert house.minutes()[HOUR0 + 25 * MINUTE_MS]["state"] == "RUNNING", "nobody knows yet"
    await house.run(120)
    onset = house.minutes()[HOUR0 + 25 * MINUTE_MS]
    assert (onset["state"], onset["code"]) == ("STOPPED_UNCODED", STATE_CODES[State.STOPPED_UNCODED])
    assert onset["tonnes"] is not None, "what was weighed stays"


async def test_settled_minutes_are_what_is_answered(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    await house.run(8000)
    await settled(house)
    await same(house, HOUR0, HOUR0 + 2 * HOUR_MS)
    assert [house.minutes()[HOUR0 + m * MINUTE_MS]["alerts"] for m in (29, 36)] == [0, 1]
    hours = house.hours()
    tph = 0.95 * UNIT.target_tph
    assert hours[HOUR0]["h_STARVED"] == pytest.approx(0.25, abs=0.02)
    assert sum(v for k, v in hours[HOUR0].items() if k.startswith("h_")) == pytest.approx(1)
    assert hours[HOUR0]["tonnes"] == pytest.approx(tph * 2100 / 3600, abs=0.02)
    assert hours[HOUR0]["target_t"] == pytest.approx(UNIT.target_tph)
    assert hours[HOUR0]["tonnes"] == pytest.approx(
        sum(row["tonnes"] or 0 for t, row in house.minutes().items() if HOUR0 <= t < HOUR0 + HOUR_MS), abs=1e-3
    )


async def test_what_passed_while_the_service_was_down_is_filled(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0 - 7200_000)
    await house.run(200)
    house.down(5400)
    await house.run(130)
    kept = house.minutes()
    now = house.now_ms // MINUTE_MS * MINUTE_MS
    assert now - MINUTE_MS in kept, "at once"
    gap = [t for t in range(HOUR0 + 3 * MINUTE_MS, now - 12 * MINUTE_MS, MINUTE_MS) if t not in kept]
    assert not gap, "what is over is filled without waiting for the hour to end"
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    await same(house, HOUR0, HOUR0 + HOUR_MS)


async def test_a_store_that_was_down_has_everything_afterwards(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "server").mkdir()
    with running_influxd(tmp_path / "server", port) as url:
        house = MirrorHouse(tmp_path, url)
        house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
        await house.run(130)
    house.store.down = True
    raised = raise_alert(house, HOUR0 + 400_000)
    pauses = [await house.round() for _ in range(9)]
    assert pauses[0] == 5
    assert 30 <= pauses[-1] <= 60, "ever longer"
    await house.run(600)
    assert house.service.mirror is not None
    mirror = house.service.mirror
    assert mirror.last_written_ms < HOUR0 + 130_000
    house.now_ms = HOUR0 + 3 * HOUR_MS
    await house.round()
    assert (mirror.owed, mirror.waiting) == (3, 1), "two hours and the alert; the third hour is not complete"
    house.store.down = False
    with running_influxd(tmp_path / "server", port):
        house.now_ms += 130_000
        await settled(house)
        await same(house, HOUR0, HOUR0 + 2 * HOUR_MS)
        assert [(row["id"], row["time"]) for row in house.rows("alert", level="hours")] == [
            (str(raised), HOUR0 + 400_000)
        ]
        assert mirror.last_written_ms == house.now_ms
        house.close()


async def test_a_unit_that_moves_keeps_its_history_where_it_was(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    number = raise_alert(house, HOUR0 + 30_000)
    await house.run(65)
    moved = replace(UNIT, site="Anguran", province="Zanjan", latitude=36.6)
    house.units = (moved,)
    house.now_ms = HOUR0 + 30 * MINUTE_MS
    house.down(0)
    await house.round()
    house.now_ms += 2 * HOUR_MS
    house.service.book.acknowledge(number, by="r", note=None, now_ms=house.now_ms)
    await settled(house)
    kept = house.minutes()
    assert (kept[HOUR0 + 29 * MINUTE_MS]["site"], kept[HOUR0 + 30 * MINUTE_MS]["site"]) == ("Venarch", "Anguran")
    assert [(row["site"], row["state"]) for row in house.rows("alert", level="hours")] == [("Venarch", "ACKED")]
    infos = house.rows("unit_info", level="hours")
    assert [(row["site"], row["latitude"]) for row in infos] == [("Venarch", None), ("Anguran", 36.6)]
    house.now_ms += 24 * HOUR_MS
    await house.round()
    assert len(house.rows("unit_info", level="hours")) == 3, "once a day"


async def test_a_clock_that_was_set_back_comes_by_its_hours_again(house: MirrorHouse) -> None:
    house.store.make(UNIT, [*DAY, ("run", 7200)], HOUR0)
    house.now_ms = HOUR0 + 30 * HOUR_MS
    house.down(0)
    await house.run(125)
    ahead = house.now_ms
    house.now_ms = HOUR0 + 61_000
    house.reported = True
    await house.run(130)
    assert HOUR0 + 2 * MINUTE_MS in house.minutes()
    house.now_ms = HOUR0 + 2 * HOUR_MS
    await settled(house)
    await same(house, HOUR0, HOUR0 + HOUR_MS)
    assert max(house.minutes()) < ahead


async def test_hours_of_a_clock_that_was_ahead_are_owed_no_more(house: MirrorHouse) -> None:
    await house.round()
    house.now_ms += 30 * HOUR_MS
    house.store.down = True
    await house.round()
    mirror = house.service.mirror
    assert mirror is not None
    assert mirror.owed + mirror.waiting == 30
    house.now_ms = HOUR0 + 2 * HOUR_MS + 1000
    await house.round()
    assert [row["hour_ms"] for row in mirror._ledger.rows("SELECT hour_ms FROM hour ORDER BY hour_ms")] == [
        HOUR0,
        HOUR0 + HOUR_MS,
    ]


async def test_a_unit_never_heard_is_silent(house: MirrorHouse) -> None:
    await house.run(65)
    row = house.minutes()[HOUR0]
    assert (row["state"], row["flow_tph"], row["tonnes"], row["silent_s"]) == ("COMMS_LOSS", None, None, None)
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    assert house.hours()[HOUR0]["h_COMMS_LOSS"] == 1
    assert house.hours()[HOUR0]["tonnes"] is None


@pytest.mark.parametrize("more", [{}, {"influx_url": "http://127.0.0.1:1", "influx_write": False}])
def test_without_an_influxdb_to_write_to_nothing_is_mirrored(tmp_path: Path, more: dict[str, object]) -> None:
    assert open_target(ApiSettings.model_validate({"data_dir": tmp_path, **more})) is None


async def test_a_disk_that_takes_nothing_is_waited_for(house: MirrorHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    assert house.service.mirror is not None
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "set_mark", full)
        assert await house.round() == 30
    assert house.service.mirror.failures == 1
    assert await house.round() == 5
