"""What tests of the mirror do with its house: wait until nothing is owed, compare, raise, say."""

from __future__ import annotations

from api.alerting.book import AlertRecord
from api.alerting.models import AlertKind
from api.inputs.entry import Entry, InputKind
from orewatch.storage.journal import Journal
from orewatch.storage.query import MINUTE_MS
from tests.unit.api.made_plant import made_unit
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

UNIT = made_unit()
DAY = [("run", 1500), ("nofeed", 900), ("run", 600), ("off", 1200), ("run", 3600)]


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
