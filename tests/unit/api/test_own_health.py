"""orewatch's own health: what is a trouble, when an alert comes of it, and what readiness says."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.book import AlertBook, AlertFilter, AlertRecord
from api.alerting.database import AlertDatabase
from api.alerting.engine import AlertEngine
from api.alerting.models import OWN_KINDS, AlertKind, AlertState
from api.health.alerts import SelfAlerts
from api.health.conditions import CONDITIONS, DAY_MS, Else, Trouble
from api.health.look import clock_sign
from api.health.readiness import answer_of, checks_of
from api.health.signs import ClockSign, MirrorSign, OutboxSign, Signs, StoreSign
from api.notify import own_texts
from api.notify.outbox import Outbox
from api.notify.texts import message, sentences
from orewatch.plant.unit import OREWATCH, UnitError
from orewatch.storage.disk import Room
from orewatch.storage.durations import Durations
from orewatch.storage.vitals import CertificateSigns, ProjectionSigns, Vitals
from tests.unit.api.made_plant import T0, made_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 2**30
INFLUX = ProjectionSigns(name="influxdb", position=10, lag_blocks=0, lag_s=0.0)


def vitals(**more: Any) -> Vitals:
    well: dict[str, Any] = {
        "at_ms": T0,
        "started_ms": T0,
        "broker_connected": True,
        "broker_since_ms": T0,
        "queue_bytes": 0,
        "queue_bound_bytes": 1000,
        "commits": Durations().histogram(),
        "journal_bytes": GIB,
        "journal_position": 10,
        "disk_free_bytes": 100 * GIB,
        "disk_total_bytes": 200 * GIB,
        "projections": (INFLUX,),
    }
    return Vitals(**(well | more))


WELL = Signs(
    now_ms=T0,
    watching=True,
    caught_up=True,
    broker_connected=True,
    collector=vitals(),
    collector_age_s=2.0,
    store=StoreSign(up=True),
    disk=Room(100 * GIB, 200 * GIB, None),
    clock=ClockSign(units_ahead_s=0.0, units=20),
)
NOTHING_KNOWN = Signs(now_ms=T0, watching=False, caught_up=False, broker_connected=False)
WAITING = INFLUX.model_copy(
    update={"waiting_since_ms": T0, "why": "503: http://10.1.2.3", "lag_blocks": 7, "lag_s": 9e5}
)
BEHIND = INFLUX.model_copy(update={"lag_blocks": 7, "lag_s": 900.0})


def with_collector(**more: Any) -> Signs:
    return replace(WELL, collector=vitals(**more))


def ending_in(days: float) -> Signs:
    return with_collector(certificates=(CertificateSigns(name="ca", not_after_ms=T0 + round(days * DAY_MS)),))


TROUBLES = [
    (AlertKind.COLLECTOR_SILENT, "no_record", replace(WELL, collector_age_s=120.0)),
    (AlertKind.COLLECTOR_BEHIND, "no_broker", with_collector(broker_connected=False)),
    (AlertKind.COLLECTOR_BEHIND, "queue", with_collector(queue_bytes=800)),
    (AlertKind.COLLECTOR_BEHIND, "projection", with_collector(projections=(INFLUX, BEHIND))),
    (AlertKind.STORE_DOWN, "unreadable", replace(WELL, store=StoreSign(up=False, why="refused by 10.1.2.3"))),
    (AlertKind.STORE_DOWN, "unwritable", with_collector(projections=(INFLUX, WAITING))),
    (AlertKind.DISK_FILLING, "scarce", replace(WELL, disk=Room(9 * GIB, 200 * GIB, None))),
    (AlertKind.DISK_FILLING, "scarce", with_collector(disk_free_bytes=GIB - 1, disk_total_bytes=2 * GIB)),
    (AlertKind.DISK_FILLING, "soon", with_collector(disk_hours_left=47.0)),
    (AlertKind.OUTBOX_STUCK, "not_taken", replace(WELL, outbox=OutboxSign(waiting=2, oldest_s=900.0))),
    (AlertKind.CERTIFICATE_AGEING, "ends", ending_in(20.9)),
    (AlertKind.CERTIFICATE_AGEING, "ended", ending_in(-1)),
    (AlertKind.SERVER_CLOCK, "behind", replace(WELL, clock=ClockSign(units_ahead_s=3600.0, units=20))),
    (AlertKind.SERVER_CLOCK, "ahead", replace(WELL, clock=ClockSign(units_ahead_s=-3600.0, units=20))),
]


def found_in(signs: Signs) -> dict[AlertKind, str]:
    results = {c.kind: c.of(signs) for c in CONDITIONS}
    return {kind: result.reason for kind, result in results.items() if isinstance(result, Trouble)}


def test_where_all_is_well_or_nothing_is_known_there_is_no_trouble() -> None:
    assert found_in(WELL) == {}
    assert found_in(NOTHING_KNOWN) == {}, "a first start, without a collector, without a store asked yet"


@pytest.mark.parametrize(("kind", "reason", "signs"), TROUBLES)
def test_each_trouble_is_found_and_has_words(kind: AlertKind, reason: str, signs: Signs) -> None:
    assert found_in(signs) == {kind: reason}
    trouble = next(c for c in CONDITIONS if c.kind is kind).of(signs)
    assert isinstance(trouble, Trouble)
    said = sentences(record_of(kind, trouble), None)
    assert "?" not in said["en"] + said["fa"], "every figure that the words want is there"
    assert not set(said["fa"].replace("influxdb", "")) & set(string.ascii_letters + string.digits)


def test_every_reason_is_tried_above() -> None:
    assert {(kind, reason) for kind, reason, _ in TROUBLES} == own_texts.reasons()
    assert {c.kind for c in CONDITIONS} == set(OWN_KINDS)


def test_a_silent_collector_is_told_once_not_three_times() -> None:
    """What it last wrote is no news: neither its queue nor its stores count any more."""
    stale = replace(
        with_collector(broker_connected=False, projections=(WAITING,), queue_bytes=999), collector_age_s=500.0
    )
    assert found_in(stale) == {AlertKind.COLLECTOR_SILENT: "no_record"}


def test_a_store_that_is_down_is_not_also_behind() -> None:
    assert found_in(with_collector(projections=(WAITING,))) == {AlertKind.STORE_DOWN: "unwritable"}


def test_a_small_share_of_a_large_disk_is_plenty() -> None:
    assert found_in(replace(WELL, disk=Room(40 * GIB, 2000 * GIB, None))) == {}


@pytest.mark.parametrize(
    ("lags", "ahead"),
    [
        ([100, 200, -300, 50], 0.0),
        ([3_600_000, 3_600_100, 3_600_200, 100], -3600.1),
        ([-90_000] * 3, 90.0),
        ([3_600_000, 100, 200, 300], 0.0),
        ([3_600_000, 3_600_000, -3_600_000, -3_600_000], 0.0),
        ([3_600_000, 3_600_000], None),
    ],
)
def test_the_clock_that_is_wrong_is_ours_only_where_most_units_say_so(lags: list[int], ahead: float | None) -> None:
    told = clock_sign([(T0, lag) for lag in lags] + [(None, 9_000_000), (T0 - 600_000, 9_000_000), (T0, None)], T0)
    assert told.units_ahead_s == (None if ahead is None else pytest.approx(ahead, abs=0.2))


def record_of(kind: AlertKind, trouble: Trouble) -> AlertRecord:
    return AlertRecord(
        id=7,
        unit=OREWATCH,
        kind=kind,
        priority="high",
        reason=trouble.reason,
        figures=trouble.figures,
        onset_ms=T0,
        raised_ms=T0 + 1,
        recorded_ms=T0 + 1,
        changed_ms=T0 + 1,
    )


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


def test_letters_link_to_the_alert_for_there_is_no_unit() -> None:
    record = record_of(AlertKind.STORE_DOWN, Trouble("unreadable"))
    letter = message(record, "raised", "en", "https://mine.example/")
    assert letter.body.endswith("https://mine.example/alerts/7")
    over = message(replace(record, cleared_ms=T0 + 5_400_000), "cleared", "en", None)
    assert over.title == "orewatch: store down - over"
    assert "after 1.5 h" in over.body


def test_a_reason_of_another_version_still_has_a_name() -> None:
    assert sentences(record_of(AlertKind.STORE_DOWN, Trouble("melted")), None)["en"] == "store down."


def test_no_unit_can_be_called_so() -> None:
    with pytest.raises(UnitError, match="stands for orewatch itself"):
        made_unit(OREWATCH)


def shown(signs: Signs, *, full: bool = True) -> dict[str, Any]:
    return answer_of(checks_of(signs), full=full)


def test_readiness_of_a_service_that_is_well() -> None:
    told = shown(WELL)
    assert (told["status"], told["degraded"]) == ("ready", [])
    assert all(check["ok"] for check in told["checks"].values())
    assert "influxdb 0 blocks (0 s)" in told["checks"]["collector"]["detail"]


@pytest.mark.parametrize(("kind", "reason", "signs"), TROUBLES)
def test_readiness_names_what_is_missing_and_goes_on(kind: AlertKind, reason: str, signs: Signs) -> None:
    told = shown(signs)
    assert told["status"] == "ready", (kind, reason)
    (name,) = told["degraded"]
    assert told["checks"][name]["detail"]
    assert told["checks"][name]["remedy"]


def test_readiness_without_a_token_names_no_hosts_and_no_figures() -> None:
    for _, _, signs in TROUBLES:
        for check in shown(signs, full=False)["checks"].values():
            assert set(check) == {"ok", "detail"}
            assert not set(check["detail"]) & set(string.digits), check
    assert "10.1.2.3" in shown(TROUBLES[4][2])["checks"]["store"]["detail"]


def test_boards_that_are_served_late_are_named_where_there_are_any() -> None:
    assert "mirror" not in shown(WELL)["checks"]
    for behind_s, fine in ((None, None), (30.0, True), (900.0, False)):
        told = shown(replace(WELL, mirror=MirrorSign(behind_s=behind_s, owed=4)))
        assert told["checks"]["mirror"]["ok"] is fine
        assert told["degraded"] == (["mirror"] if fine is False else [])


def test_without_the_broker_or_the_watch_it_is_not_ready() -> None:
    told = shown(replace(WELL, broker_connected=False))
    assert (told["status"], told["checks"]["broker"]["ok"], told["degraded"]) == ("not ready", False, [])
    assert shown(replace(WELL, watching=False))["status"] == "not ready"


def test_what_is_not_known_yet_is_neither_well_nor_missing() -> None:
    told = shown(replace(NOTHING_KNOWN, watching=True, broker_connected=True, caught_up=True))
    assert (told["status"], told["degraded"]) == ("ready", [])
    assert {name for name, check in told["checks"].items() if check["ok"] is None} == {
        "collector",
        "store",
        "disk",
        "clock",
    }


def test_unknown_is_a_word_of_its_own() -> None:
    assert {c.kind for c in CONDITIONS if c.of(NOTHING_KNOWN) is Else.UNKNOWN} == {
        AlertKind.STORE_DOWN,
        AlertKind.DISK_FILLING,
        AlertKind.CERTIFICATE_AGEING,
        AlertKind.SERVER_CLOCK,
    }
