"""States and alerts in a real InfluxDB: as they are answered over HTTP, whatever happened in between."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.alerting.book import AlertRecord
from api.alerting.models import AlertKind
from api.inputs.entry import Entry, InputKind
from api.metrics import metrics_text
from api.mirror.ledger import Ledger
from api.mirror.owed_alerts import OwedAlerts
from api.settings import ApiSettings
from api.stores import open_target
from orewatch.plant.states import STATE_CODES, State
from orewatch.plant.unit import OREWATCH
from orewatch.storage.journal import Journal
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from tests.servers import free_port, running_influxd
from tests.unit.api.made_plant import made_unit
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNIT = made_unit()
DAY_MS = 24 * HOUR_MS
DAY = [("run", 1500), ("nofeed", 900), ("run", 600), ("off", 1200), ("run", 3600)]


@pytest.fixture
def house(tmp_path: Path, influxd: str) -> Iterator[MirrorHouse]:
    made = MirrorHouse(tmp_path, influxd)
    yield made
    made.close()


async def settled(house: MirrorHouse) -> None:
    """Go round until nothing is owed."""
    for _ in range(50):
        await house.round()
        assert house.service.mirror is not None
        if not house.service.mirror.owed:
            return
    raise AssertionError("still owed")


async def same(house: MirrorHouse, start_ms: int, end_ms: int) -> None:
    told = await house.told(UNIT, start_ms, end_ms)
    kept = house.minutes()
    assert {t: (kept[t]["state"], kept[t]["reason"]) for t in told if t in kept} == told
    assert len(told) == (end_ms - start_ms) // MINUTE_MS


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


async def test_alerts_are_written_as_they_change(house: MirrorHouse) -> None:
    house.store.make(UNIT, [("run", 600)], HOUR0)
    number = raise_alert(house, HOUR0 + 60_000)
    await house.round()
    (row,) = house.rows("alert", level="hours")
    assert (row["time"], row["unit"], row["site"], row["kind"]) == (HOUR0 + 60_000, UNIT.id, UNIT.site, "idle")
    assert (row["state"], row["duration_s"], row["acknowledged_by"]) == ("UNACK", None, "")
    assert "بی‌کار" in row["text_fa"]
    book = house.service.book
    book.acknowledge(number, by='Reza "R"', note=None, now_ms=house.now_ms)
    await house.round()
    (row,) = house.rows("alert", level="hours")
    assert (row["state"], row["acknowledged_by"]) == ("ACKED", 'Reza "R"')
    book.clear(UNIT.id, AlertKind.IDLE, cleared_ms=HOUR0 + 900_000, tonnes_lost=3.5, now_ms=house.now_ms)
    house.down(0)
    await house.round()
    (row,) = house.rows("alert", level="hours")
    assert (row["state"], row["tonnes_lost"]) == ("NORM", 3.5)
    assert row["duration_s"] == pytest.approx(1140)
    assert house.service.mirror is not None
    written = house.service.mirror.written["hours"]
    await house.round()
    assert house.service.mirror.written["hours"] == written, "what is written is owed no more"


async def test_alerts_about_this_system_stand_nowhere_on_the_map(house: MirrorHouse) -> None:
    raise_alert(house, HOUR0 + 60_000, unit=OREWATCH, kind=AlertKind.STORE_DOWN)
    raise_alert(house, HOUR0 + 60_000, unit="never-described")
    await house.round()
    (row,) = house.rows("alert", level="hours")
    assert (row["unit"], row["kind"], row["site"]) == (OREWATCH, "store_down", None)
    assert house.service.mirror is not None
    assert house.service.mirror.owed == 1, "where a unit stood has to be known first"


async def test_an_alert_that_changes_while_it_is_written_stays_owed(house: MirrorHouse) -> None:
    number = raise_alert(house, HOUR0 + 60_000)
    owed = OwedAlerts(book=house.service.book)
    (one,) = owed.some({UNIT.id})
    house.service.book.acknowledge(number, by="r", note=None, now_ms=house.now_ms)
    owed.settle([one])
    (again,) = owed.some({UNIT.id})
    assert again.record.acknowledged_by == "r"
    owed.settle([again])
    assert owed.count() == 0


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


async def test_a_unit_never_heard_is_silent(house: MirrorHouse) -> None:
    await house.run(65)
    row = house.minutes()[HOUR0]
    assert (row["state"], row["flow_tph"], row["tonnes"], row["silent_s"]) == ("COMMS_LOSS", None, None, None)
    house.now_ms += 2 * HOUR_MS
    await settled(house)
    assert house.hours()[HOUR0]["h_COMMS_LOSS"] == 1
    assert house.hours()[HOUR0]["tonnes"] is None


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
    assert {t: row for t, row in house.hours().items() if t < HOUR0 + DAY_MS} == hours, (
        "what retention has taken is no silence"
    )
    assert house.service.mirror.passed_over["beyond_raw"] > 0
    text = await metrics_text(house.service)
    assert 'orewatch_mirror_passed_over_total{reason="beyond_raw"} ' in text
    assert 'orewatch_mirror_points_total{level="raw"} ' in text
    assert 'orewatch_mirror_owed{what="incomplete"} 1\n' in text


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


def raise_alert(house: MirrorHouse, raised_ms: int, *, unit: str = UNIT.id, kind: AlertKind = AlertKind.IDLE) -> int:
    record = AlertRecord(
        unit=unit,
        kind=kind,
        priority="medium",
        reason="no_load",
        onset_ms=raised_ms - 300_000,
        raised_ms=raised_ms,
        recorded_ms=raised_ms,
        changed_ms=raised_ms,
    )
    number = house.service.book.raise_alert(record)
    assert number is not None
    return number


def say(house: MirrorHouse, kind: InputKind, first_s: int, last_s: int | None, **own: str | float | None) -> None:
    entry = Entry(
        unit=UNIT.id,
        kind=kind,
        key=f"{kind} {first_s}",
        from_ms=HOUR0 + 1000 * first_s,
        to_ms=None if last_s is None else HOUR0 + 1000 * last_s,
        own=own,
        by="reza",
        recorded_ms=house.now_ms,
    )
    house.service.inputs.book.add(entry, lambda _others: None)


class JournalOf:
    """The collector's journal, as far as the mirror reads it."""

    def __init__(self, house: MirrorHouse) -> None:
        self._database = Journal.open(house.folder / "journal.db").database
        self._number = 0

    def come(self, first_ms: int, last_ms: int, *, received_ms: int | None = None, projected: bool = False) -> None:
        self._number += 1
        with self._database.write() as cursor:
            cursor.execute("INSERT OR IGNORE INTO spools VALUES (1, ?, x'00', 60000)", (UNIT.id,))
            cursor.execute(
                "INSERT INTO blocks (spool, number, first_ms, last_ms, received_ms, checksum, data)"
                " VALUES (1, ?, ?, ?, ?, x'00', x'00')",
                (self._number, first_ms, last_ms, received_ms or last_ms + 2000),
            )
        if projected:
            self.project()

    def project(self, position: int | None = None) -> None:
        at = self._number if position is None else position
        with self._database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO projections VALUES ('influxdb', ?)", (at,))
