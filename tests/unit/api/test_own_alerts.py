"""Alerts on orewatch itself: raised once per episode, over once seen to be, whatever the clock does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.alerting.book import AlertBook, AlertFilter, AlertRecord
from api.alerting.database import AlertDatabase
from api.alerting.engine import AlertEngine
from api.alerting.models import AlertKind, AlertState
from api.health.alerts import SelfAlerts
from api.health.signs import Signs, StoreSign
from api.notify.outbox import Outbox
from orewatch.plant.unit import OREWATCH
from tests.unit.api.made_plant import T0

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
from tests.unit.api.made_signs import WELL


class Bench:
    """Looks each 5 s at signs that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.database = AlertDatabase.open(folder / "alerts.db")
        self.book = AlertBook(database=self.database)
        self.outbox = Outbox(database=self.database, channels=["people"])
        self.signs = WELL
        self.at_s = 1000.0
        self.now_ms = T0
        self.begin()

    def begin(self) -> None:
        engine = AlertEngine(
            book=self.book,
            outbox=self.outbox,
            language="both",
            min_priority="low",
            base_url="https://mine.example",
            lost_t=lambda *_: None,
        )
        self.engine = engine
        self.alerts = SelfAlerts(engine=engine)

    def go(self, seconds: float, signs: Signs | None = None) -> None:
        self.signs = signs or self.signs
        for _ in range(round(seconds / 5)):
            self.at_s += 5
            self.now_ms += 5000
            self.alerts.look(replace(self.signs, now_ms=self.now_ms), self.at_s)

    def all(self) -> list[AlertRecord]:
        return self.book.select(AlertFilter(unit=OREWATCH), 100)

    def letters(self) -> list[str]:
        return [row["title"] for row in self.database.rows("SELECT title FROM outbox ORDER BY id")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


DOWN = replace(WELL, store=StoreSign(up=False, why="refused"))
UNKNOWN = replace(WELL, store=StoreSign())


def test_an_episode_is_one_alert_with_letters_at_its_ends(bench: Bench) -> None:
    bench.go(300, DOWN)
    assert bench.all() == [], "held for 295 s so far"
    bench.go(600)
    (alert,) = bench.all()
    assert (alert.kind, alert.reason, alert.state, alert.unit) == (
        AlertKind.STORE_DOWN,
        "unreadable",
        AlertState.UNACK,
        "orewatch",
    )
    assert (alert.onset_ms, alert.raised_ms) == (T0 + 5000, T0 + 305_000)
    bench.go(60, WELL)
    assert bench.all()[0].active, "over for 55 s so far"
    bench.go(5)
    (alert,) = bench.all()
    assert (alert.state, alert.cleared_ms) == (AlertState.RTNUN, T0 + 905_000)
    assert len(bench.letters()) == 2
    assert bench.letters()[0] == "اورواچ: قطع پایگاه داده | orewatch: store down"
    assert bench.engine.standing.now()[0] == {}


def test_flapping_is_one_episode_and_short_troubles_are_none(bench: Bench) -> None:
    for _ in range(20):
        bench.go(250, DOWN)
        bench.go(10, WELL)
    assert bench.all() == [], "each time it was well in between"
    bench.go(320, DOWN)
    for _ in range(20):
        bench.go(40, WELL)
        bench.go(40, DOWN)
    assert len(bench.all()) == 1


def test_what_is_not_known_moves_no_timer(bench: Bench) -> None:
    bench.go(200, DOWN)
    bench.go(3600, UNKNOWN)
    assert bench.all() == []
    bench.go(300, DOWN)
    assert bench.all()[0].active
    bench.go(3600, UNKNOWN)
    assert bench.all()[0].active, "not known to be over"


def test_time_in_which_nobody_looked_is_no_evidence(bench: Bench) -> None:
    bench.go(100, DOWN)
    bench.at_s += 3600
    bench.go(100)
    assert bench.all() == []


def test_after_a_restart_what_stands_goes_on_and_is_not_raised_again(bench: Bench) -> None:
    bench.go(400, DOWN)
    bench.begin()
    bench.go(900)
    assert [a.active for a in bench.all()] == [True]
    bench.begin()
    bench.go(120, WELL)
    assert [a.active for a in bench.all()] == [False]
    assert len(bench.letters()) == 2


@pytest.mark.parametrize("back_ms", [600_000, 86_400_000])
def test_a_clock_set_back_keeps_no_alert_back_and_makes_none(bench: Bench, back_ms: int) -> None:
    bench.go(400, DOWN)
    bench.go(120, WELL)
    bench.now_ms -= back_ms
    bench.go(120, WELL)
    assert len(bench.all()) == 1
    bench.go(400, DOWN)
    assert [a.active for a in bench.all()].count(True) == 1, "told now, not when the clock has caught up"
    assert len(bench.all()) == 2


def test_people_take_and_shelve_it_as_any_other(bench: Bench) -> None:
    bench.go(400, DOWN)
    (alert,) = bench.all()
    bench.book.acknowledge(alert.id, by="a.karimi", note=None, now_ms=bench.now_ms)
    bench.book.shelve(alert.id, by="a.karimi", minutes=60, reason="moving InfluxDB", now_ms=bench.now_ms)
    bench.go(120, WELL)
    assert bench.all()[0].state is AlertState.SHLVD
    assert len(bench.letters()) == 1, "who shelved it need not be told that it is over"


def test_a_full_disk_loses_no_alert(bench: Bench) -> None:
    bench.database.rows("PRAGMA query_only = ON")
    bench.go(400, DOWN)
    bench.database.rows("PRAGMA query_only = OFF")
    assert bench.all() == []
    bench.go(5)
    assert len(bench.all()) == 1
