"""Alerts in a real InfluxDB, as they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.alerting.models import AlertKind
from api.mirror.owed_alerts import OwedAlerts
from orewatch.plant.unit import OREWATCH
from tests.unit.api.mirror_acts import UNIT, raise_alert
from tests.unit.api.mirror_house import HOUR0, MirrorHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
