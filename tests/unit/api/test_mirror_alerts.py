"""Alerts in a real InfluxDB, as they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.alerting.book import AlertBook
from api.alerting.database import AlertDatabase
from api.alerting.models import AlertKind
from api.mirror.owed_alerts import OwedAlerts
from api.notify.outbox import Outbox
from orewatch.plant.unit import OREWATCH
from orewatch.storage.query import HOUR_MS
from tests.unit.api.made_plant import made_unit
from tests.unit.api.mirror_acts import UNIT, raise_alert, settled
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.mirror.ledger import Ledger

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def house(tmp_path: Path, influxd: str) -> Iterator[MirrorHouse]:
    made = MirrorHouse(tmp_path, influxd)
    yield made
    made.close()


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


async def test_a_unit_described_during_a_round_waits_for_the_next(house: MirrorHouse) -> None:
    await house.round()
    house.service.roster.describe(made_unit("mn-02"))
    raise_alert(house, HOUR0 + 60_000, unit="mn-02")
    assert house.service.mirror is not None
    await house.service.mirror._write_alerts(house.now_ms)
    assert house.rows("alert", level="hours") == []
    await house.round()
    assert [row["unit"] for row in house.rows("alert", level="hours")] == ["mn-02"]


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


async def test_a_slow_unit_s_hours_are_written_when_it_turns_out_and_not_each_hour_again(house: MirrorHouse) -> None:
    house.store.make(UNIT, [("run", 14 * 3600)], HOUR0)
    house.now_ms = HOUR0 + 10 * HOUR_MS + 720_000
    house.down(0)
    await settled(house)
    raised_ms = house.now_ms
    number = raise_alert(house, raised_ms, kind=AlertKind.UNDERPERFORMING)
    house.service.book.database.rows("UPDATE alert SET onset_ms = ? WHERE id = ?", (HOUR0 + HOUR_MS, number))
    assert house.service.mirror is not None
    owed = house.service.mirror._ledger
    house.store.down = True
    await house.round()
    assert hours_owed(owed) == list(range(1, 10)), "dated back by nine hours"
    house.store.down = False
    await settled(house)
    assert house.hours()[HOUR0 + HOUR_MS]["h_UNDERPERFORMING"] == 1
    house.now_ms += HOUR_MS
    house.store.down = True
    await house.round()
    assert hours_owed(owed) == [10], "what it costs is told anew, and no more than the hour that is over"
    house.store.down = False
    house.now_ms += 3 * HOUR_MS
    await settled(house)
    over_ms = HOUR0 + 11 * HOUR_MS + 60_000
    house.service.book.clear(
        UNIT.id, AlertKind.UNDERPERFORMING, cleared_ms=over_ms, tonnes_lost=1.0, now_ms=house.now_ms
    )
    await settled(house)
    assert [house.hours()[HOUR0 + h * HOUR_MS]["h_UNDERPERFORMING"] for h in (10, 12)] == [1, 0]


def test_what_is_asked_each_minute_reads_not_the_alerts_of_years(tmp_path: Path) -> None:
    database = AlertDatabase.open(tmp_path / "alerts.db")
    owed, outbox = OwedAlerts(book=AlertBook(database=database)), Outbox(database=database, channels=["people"])
    days = [(f"u{n % 50}", n, n * DAY_MS, n * DAY_MS + 1, n * DAY_MS + 2) for n in range(20_000)]
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO alert (unit, kind, priority, state, reason, figures, recorded_ms, changed_ms, historical,"
            " episode, onset_ms, raised_ms, cleared_ms)"
            " VALUES (?1, 'idle', 'low', 'NORM', 'r', '{}', 0, 0, 0, ?2, ?3, ?4, ?5)",
            days,
        )
        connection.execute(
            "INSERT INTO outbox (channel, alert, event, title, body, created_ms, due_ms, sent_ms, given_up)"
            " SELECT 'people', id, 'raised', '', '', 0, 0, nullif(id, 7), CASE id WHEN 7 THEN 'gone' END FROM alert"
        )
        connection.execute("UPDATE outbox SET sent_ms = NULL WHERE id = 9")
    last_ms = days[-1][2]
    for ask in (
        lambda: owed.stood(last_ms, last_ms + 60_000),
        lambda: owed.stood(last_ms, last_ms + 60_000, kind=AlertKind.IDLE),
        lambda: owed.stood(DAY_MS * 7, DAY_MS * 7 + 60_000, unit="u7"),
        lambda: owed.some({f"u{n}" for n in range(50)}),
        outbox.waiting,
    ):
        assert instructions(database, ask) < 30_000, "a scan takes ten for each row"
    assert owed.stood(last_ms, last_ms + 1000) == {"u49": [(last_ms + 1, last_ms + 2)]}
    assert outbox.waiting() == (1, 0)
    assert outbox.counts() == {"waiting": 1, "sent": 19_998, "given_up": 1}
    database.close()


def hours_owed(ledger: Ledger) -> list[int]:
    return [(row["hour_ms"] - HOUR0) // HOUR_MS for row in ledger.rows("SELECT hour_ms FROM hour ORDER BY hour_ms")]


def instructions(database: AlertDatabase, ask: Callable[[], object]) -> int:
    """Return about how many steps SQLite takes to answer."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1000
        return 0

    database._connection.set_progress_handler(step, 1000)
    ask()
    database._connection.set_progress_handler(None, 0)
    return taken
