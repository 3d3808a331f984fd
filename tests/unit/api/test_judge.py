"""The judge over a made plant: the same answers live and over history, across restarts and gaps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.book import AlertBook, AlertFilter, AlertRecord
from api.alerting.database import AlertDatabase
from api.alerting.engine import AlertEngine, Mode
from api.alerting.models import AlertKind, AlertState
from api.live.judge import Judge
from api.live.production_day import ProductionDay
from api.live.replay import replay
from api.notify.outbox import Outbox
from orewatch.plant.states import State
from tests.unit.api.made_plant import T0, MadeStore, made_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.plant.unit import Unit
    from tests.unit.api.made_plant import Phase

HOUR = 3600


class Bench:
    """A judge with its book, over a made store."""

    def __init__(self, folder: Path) -> None:
        self.database = AlertDatabase.open(folder / "alerts.db")
        self.book = AlertBook(database=self.database)
        self.outbox = Outbox(database=self.database, channels=["made"])
        self.store = MadeStore()
        self.below: dict[str, bool] = {}
        self.judge: Judge
        self.engine = AlertEngine(
            book=self.book,
            outbox=self.outbox,
            language="en",
            min_priority="low",
            base_url=None,
            lost_t=self.lost_t,
        )

    def lost_t(self, unit: str, onset_ms: int, until_ms: int) -> float | None:
        return self.judge.lost_t(unit, onset_ms, until_ms)

    def begin(self, units: list[Unit], start_ms: int = T0) -> None:
        day = ProductionDay(start_h=7, shifts=1)
        self.judge = Judge(
            units=units,
            start_ms=start_ms,
            engine=self.engine,
            idle_after_s=300,
            not_producing_after_h=8,
            day_start_ms=day.start_ms,
            shifts_ms=lambda _a, _b: [],
            on_below=self.below.__setitem__,
        )

    def go(self, end_ms: int, mode: Mode = Mode.LIVE) -> None:
        steps = replay(
            self.judge,
            self.store,
            end_ms,
            recorded_ms=end_ms,
            mode=mode,
            below=lambda unit: self.below.get(unit, False),
        )
        for _ in steps:
            pass

    def alerts(self, kind: AlertKind | None = None) -> list[AlertRecord]:
        records = self.book.select(AlertFilter(kinds=(kind,) if kind else ()), 100)
        return sorted(records, key=lambda record: record.onset_ms)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


def run(bench: Bench, phases: list[Phase], unit: Unit | None = None, mode: Mode = Mode.LIVE) -> int:
    unit = unit or made_unit()
    end_ms = bench.store.make(unit, phases)
    bench.begin([unit])
    bench.go(end_ms, mode)
    return end_ms


def test_idle_after_300_s_and_not_before(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 299)])
    assert bench.alerts() == []
    pending = bench.judge.pending(0)
    assert pending is not None
    assert (pending[0].state, pending[0].remaining_s, pending[0].total_s, pending[1]) == (State.IDLE, 1, 300, "idle")


def test_idle_is_raised_once_with_onset_reason_and_tonnes_lost(bench: Bench) -> None:
    end_ms = run(bench, [("run", HOUR), ("nofeed", 2400)])
    (alert,) = bench.alerts()
    assert (alert.kind, alert.onset_ms, alert.state) == (AlertKind.IDLE, T0 + HOUR * 1000, AlertState.UNACK)
    assert alert.raised_ms - alert.onset_ms == pytest.approx(300_000, abs=2000)
    assert alert.reason == "upstream_stopped"
    assert alert.machine == "feeder"
    assert bench.engine.lost_t(alert, end_ms) == pytest.approx(15 * 2400 / 3600, abs=0.1)
    assert bench.outbox.counts()["waiting"] == 1


def test_idle_clears_when_ore_flows_again_and_keeps_what_it_cost(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 1800), ("run", 600)])
    (alert,) = bench.alerts()
    assert alert.state is AlertState.RTNUN
    assert alert.cleared_ms == pytest.approx(T0 + (HOUR + 1800) * 1000, abs=5000)
    assert alert.tonnes_lost == pytest.approx(7.5, abs=0.2)
    assert bench.outbox.counts()["waiting"] == 2


def test_two_stops_are_two_episodes(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 600), ("run", 900), ("nofeed", 600), ("run", 900)])
    assert len(bench.alerts()) == 2


def test_underperforming_against_target_with_figures(bench: Bench) -> None:
    run(bench, [("run", 2 * HOUR), ("slow", 2 * HOUR)])
    (alert,) = bench.alerts()
    assert alert.kind is AlertKind.UNDERPERFORMING
    assert alert.onset_ms == T0 + 2 * HOUR * 1000
    assert alert.figures["share_pct"] == pytest.approx(60, abs=1)
    assert bench.judge.facts[0].state is State.UNDERPERFORMING
    assert bench.below == {"mn-01": True}


def test_underperforming_clears_at_the_old_pace(bench: Bench) -> None:
    run(bench, [("run", 2 * HOUR), ("slow", 2 * HOUR), ("run", 2 * HOUR)])
    (alert,) = bench.alerts()
    assert alert.cleared_ms is not None
    assert bench.judge.facts[0].state is State.RUNNING


def test_silence_is_one_alert_after_the_grace_and_hides_the_others(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("silent", 10 * HOUR)], made_unit(grace_s=900))
    (alert,) = bench.alerts()
    assert alert.kind is AlertKind.COMMS_LOSS
    assert alert.onset_ms == pytest.approx(T0 + HOUR * 1000, abs=2000)
    assert alert.raised_ms == alert.onset_ms + 900_000
    assert bench.engine.lost_t(alert, T0 + 11 * HOUR * 1000) is None, "silence is not lost production"


def test_a_short_silence_is_shown_but_told_to_nobody(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("silent", 500)])
    assert bench.judge.facts[0].state is State.COMMS_LOSS
    assert bench.alerts() == []


def test_a_gap_is_no_evidence_of_idleness(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 100), ("silent", 500), ("nofeed", 100)])
    assert bench.alerts(AlertKind.IDLE) == []


def test_a_standing_idle_goes_on_across_a_silence(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 900), ("silent", 500), ("nofeed", 900)])
    (alert,) = bench.alerts(AlertKind.IDLE)
    assert alert.active


def test_switched_off_for_a_shift_is_not_producing(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("off", 9 * HOUR)])
    (alert,) = bench.alerts(AlertKind.NOT_PRODUCING)
    assert alert.raised_ms == pytest.approx(T0 + 9 * HOUR * 1000, abs=20_000)
    assert alert.active


def test_history_pages_nobody(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 600), ("run", 900), ("nofeed", 900)], mode=Mode.HISTORY)
    past, standing = bench.alerts()
    assert (past.state, past.historical) == (AlertState.NORM, True)
    assert (standing.state, standing.historical) == (AlertState.UNACK, True)
    assert bench.outbox.counts()["waiting"] == 0


def test_what_still_stands_after_catching_up_is_told(bench: Bench) -> None:
    end_ms = run(bench, [("run", HOUR), ("nofeed", 600), ("run", 900), ("nofeed", 900)], mode=Mode.CATCH_UP)
    assert bench.engine.tell_of_standing(end_ms, end_ms) == 1
    assert bench.outbox.counts()["waiting"] == 1
    assert bench.alerts()[1].historical is False


STORY: list[Phase] = [("run", HOUR), ("nofeed", 1000), ("run", 3000), ("slow", 2 * HOUR), ("off", 600), ("run", 1200)]


def told(bench: Bench) -> list[tuple[Any, ...]]:
    return [
        (a.unit, a.kind, a.onset_ms, a.raised_ms, a.cleared_ms, a.reason, a.tonnes_lost, dict(a.figures))
        for a in bench.alerts()
    ]


@pytest.mark.parametrize("cut_s", [1, 1799, HOUR + 200, HOUR + 400, 3 * HOUR + 77])
def test_a_restart_anywhere_changes_nothing(tmp_path: Path, cut_s: int) -> None:
    answers = []
    for name, cuts in (("whole", []), ("cut", [cut_s])):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        unit = made_unit()
        end_ms = bench.store.make(unit, STORY)
        bench.begin([unit])
        for cut in cuts:
            bench.go(T0 + cut * 1000)
            kept = json.loads(json.dumps(bench.judge.to_dict()))
            bench.begin([unit])
            bench.judge.restore(kept)
        bench.go(end_ms)
        answers.append((told(bench), bench.judge.tallies[0].total_t))
        bench.database.close()
    assert len(answers[0][0]) == 2
    assert answers[0] == answers[1]


def test_second_by_second_is_the_same_as_all_at_once(tmp_path: Path) -> None:
    answers = []
    for name, step_ms in (("live", 1000), ("history", 10**9)):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        unit = made_unit()
        end_ms = bench.store.make(unit, [("run", 1200), ("nofeed", 400), ("run", 400)])
        bench.begin([unit])
        for at_ms in range(T0, end_ms, min(step_ms, end_ms - T0)):
            bench.go(min(end_ms, at_ms + step_ms))
        answers.append(told(bench))
        bench.database.close()
    assert answers[0] == answers[1]
    assert len(answers[0]) == 1


def test_memory_and_book_are_reconciled(bench: Bench) -> None:
    end_ms = run(bench, [("run", HOUR), ("nofeed", 900)])
    (alert,) = bench.alerts()
    unit = made_unit()
    bench.store.make(unit, [("run", HOUR), ("nofeed", 900), ("run", HOUR)])
    bench.begin([unit], end_ms)  # memory lost
    bench.judge.adopt(unit.id, alert.kind, alert.onset_ms, alert.raised_ms)
    bench.go(end_ms + HOUR * 1000)
    (alert,) = bench.alerts()
    assert alert.cleared_ms is not None, "the alert of a lost memory still ends"


def test_not_looking_freezes_everything(bench: Bench) -> None:
    run(bench, [("run", HOUR), ("nofeed", 200)])
    before = bench.judge.facts[0].state
    bench.judge.look_away(bench.judge.now_ms + 600_000)
    assert bench.judge.facts[0].state is before
    assert bench.alerts() == []


def test_tonnes_today_begin_anew_at_seven_in_tehran(bench: Bench) -> None:
    day = ProductionDay(start_h=7, shifts=2)
    boundary_ms = day.start_ms(T0 + 86_400_000)
    unit = made_unit()
    start_ms = boundary_ms - HOUR * 1000
    bench.store.make(unit, [("run", 2 * HOUR)], start_ms)
    bench.begin([unit], start_ms)
    bench.go(boundary_ms + 1800_000)
    assert bench.judge.tallies[0].today_t == pytest.approx(15 * 0.95 / 2, abs=0.3)
    assert bench.judge.tallies[0].total_t == pytest.approx(15 * 0.95 * 1.5, abs=0.3)
