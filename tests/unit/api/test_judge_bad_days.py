"""The judge on bad days: links cut over a change of day, restarts with silent units, drift, long alerts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.alerting.engine import Mode
from api.alerting.models import AlertKind, AlertState
from api.live.production_day import ProductionDay
from api.live.tally import Tally
from orewatch.plant.evidence import silence
from orewatch.plant.states import State
from tests.unit.api.made_plant import T0, made_unit
from tests.unit.api.test_judge import HOUR, Bench, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_MS = 86_400_000


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


def test_a_silent_unit_stays_one_alert_over_restarts(bench: Bench) -> None:
    end_ms = run(bench, [("run", HOUR), ("silent", 2 * HOUR)])
    for _ in range(3):  # each restart passes over some minutes in which nobody looked
        kept = json.loads(json.dumps(bench.judge.to_dict()))
        bench.begin([made_unit()], end_ms)
        bench.judge.restore(kept)
        bench.judge.look_away(end_ms + 150_000)
        end_ms += 1_200_000
        bench.go(end_ms)
        assert bench.judge.facts[0].state is State.COMMS_LOSS
    (alert,) = bench.alerts()
    assert (alert.kind, alert.active) == (AlertKind.COMMS_LOSS, True)
    assert alert.onset_ms == pytest.approx(T0 + HOUR * 1000, abs=2000)
    assert bench.outbox.counts()["waiting"] == 1


def test_an_alert_told_of_and_over_while_catching_up_is_told_as_over(bench: Bench) -> None:
    end_ms = run(bench, [("run", HOUR), ("nofeed", 900)])
    bench.store.make(made_unit(), [("run", HOUR), ("nofeed", 900), ("run", 900)])
    bench.go(end_ms + 900_000, Mode.CATCH_UP)
    (alert,) = bench.alerts()
    assert (alert.active, alert.state) == (False, AlertState.RTNUN), "whoever was paged still acknowledges"
    events = [row["event"] for row in bench.database.rows("SELECT event FROM outbox ORDER BY id")]
    assert events == ["raised", "cleared"]


def test_tonnes_made_in_silence_over_seven_in_tehran_are_shared_between_the_days(bench: Bench) -> None:
    boundary_ms = ProductionDay(start_h=7, shifts=2).start_ms(T0 + DAY_MS)
    unit, start_ms = made_unit(), boundary_ms - 3 * HOUR * 1000
    tph = values_tph(bench, start_ms)
    # Heard for an hour; then the link is down for four hours, two of them of the new day, while the plant runs on.
    rows = bench.store.series_of[unit.id]
    for ref, (times, values) in rows.items():
        heard = (times < start_ms + HOUR * 1000) | (times >= start_ms + 5 * HOUR * 1000)
        rows[ref] = (times[heard], values[heard])
    bench.begin([unit], start_ms)
    bench.go(start_ms + 6 * HOUR * 1000)
    assert bench.judge.tallies[0].total_t == pytest.approx(6 * tph, rel=0.01)
    assert bench.judge.tallies[0].today_t == pytest.approx(3 * tph, rel=0.01)


def values_tph(bench: Bench, start_ms: int) -> float:
    unit = made_unit()
    bench.store.make(unit, [("run", 6 * HOUR)], start_ms)
    return float(bench.store.series_of[unit.id][unit.roles.flow][1][0])


def test_tonnes_lost_of_an_alert_that_stands_for_days_count_what_was_produced_since() -> None:
    unit = made_unit()
    tally = Tally(unit=unit, day_start_ms=T0)
    onset_ms = T0 + 3_600_000
    for hour in range(24 * 5):
        if hour == 2:
            tally.pin(onset_ms)
        times = T0 + hour * 3_600_000 + np.arange(0, 3_600_000, 60_000)
        tally.count(times, 100 + (times - T0) / 3_600_000 * 9.0)
        if hour == 3:
            tally = Tally.from_dict(unit, json.loads(json.dumps(tally.to_dict())))
    end_ms = T0 + 5 * DAY_MS - 60_000
    assert tally.at(end_ms) - tally.at(onset_ms) == pytest.approx(9.0 * (end_ms - onset_ms) / 3_600_000, rel=0.001)
    tally.unpin(onset_ms)
    assert tally.at(onset_ms) != pytest.approx(9.0), "forgotten once it is over"


def test_the_judge_pins_what_stood_at_the_onset(bench: Bench) -> None:
    run(bench, [("run", 2 * HOUR), ("slow", 30 * HOUR)])
    (alert,) = bench.alerts(AlertKind.UNDERPERFORMING)
    lost = bench.judge.lost_t("mn-01", alert.onset_ms, bench.judge.now_ms)
    assert lost == pytest.approx(0.4 * 13.5 * 30, rel=0.2)
    assert lost == pytest.approx(0.4 * made_unit().target_tph * 30, rel=0.02)


@pytest.mark.parametrize("drift_tph", [0.06, 0.15])
def test_a_drifting_scale_is_no_production(bench: Bench, drift_tph: float) -> None:
    unit = made_unit("pb-01", "lead")
    end_ms = bench.store.make(unit, [("run", HOUR), ("off", 9 * HOUR)])
    times, values = bench.store.series_of[unit.id][unit.roles.total]
    off = times >= T0 + HOUR * 1000
    values = values + np.where(off, np.floor((times - T0 - HOUR * 1000) / 3_600_000 * drift_tph * 1000) / 1000, 0)
    bench.store.series_of[unit.id][unit.roles.total] = (times[::10], values[::10])
    bench.begin([unit])
    bench.go(end_ms)
    (alert,) = bench.alerts(AlertKind.NOT_PRODUCING)
    assert alert.onset_ms == pytest.approx(T0 + HOUR * 1000, abs=120_000)
    assert bench.judge.tallies[0].total_t == pytest.approx(0.95 * unit.target_tph, rel=0.02)


def test_a_slow_belt_is_counted_to_the_kilogram() -> None:
    unit = made_unit()
    tally = Tally(unit=unit, day_start_ms=T0)
    times = T0 + np.arange(0, 7_200_000, 1000)
    tally.count(times, np.floor((times - T0) / 3_600_000 * 1.1 * 1000) / 1000)
    assert tally.total_t == pytest.approx(2.2, abs=0.02)
    assert tally.last_tonne_ms is not None
    assert tally.last_tonne_ms > T0 + 7_100_000


def test_the_onset_of_underperformance_is_the_alerts_own(bench: Bench) -> None:
    run(bench, [("run", 2 * HOUR), ("slow", 2 * HOUR), ("off", 900), ("slow", 2 * HOUR)])
    (alert,) = bench.alerts(AlertKind.UNDERPERFORMING)
    bench.begin([made_unit()])
    bench.go(T0 + 4 * HOUR * 1000)
    facts = bench.judge.facts[0]
    assert (facts.state, bench.judge.shown_since(0)) == (State.UNDERPERFORMING, alert.onset_ms)


def test_onset_after_a_stop_is_where_it_runs_again(bench: Bench) -> None:
    run(bench, [("run", 2 * HOUR), ("slow", 2 * HOUR), ("off", 900), ("slow", HOUR)])
    assert bench.judge.facts[0].state is State.UNDERPERFORMING
    assert bench.judge.shown_since(0) >= T0 + (4 * HOUR + 900) * 1000


def test_a_unit_never_heard_is_not_known_to_have_fallen_silent(bench: Bench) -> None:
    """A service that starts before a new unit's first word must not page anyone about the hours before it."""
    bench.begin([made_unit()])
    bench.judge.look_away(T0 + 4 * HOUR * 1000)
    bench.judge.advance(silence(bench.judge.now_ms, 3600, 1), {}, recorded_ms=T0, mode=Mode.LIVE)
    assert bench.judge.facts[0].state is State.COMMS_LOSS
    assert not bench.alerts(AlertKind.COMMS_LOSS)


def test_a_unit_heard_long_ago_is_silent_since_its_last_word(bench: Bench) -> None:
    """With its memory lost, the service still knows from the store whom it heard last, and when."""
    bench.begin([made_unit()])
    bench.judge.meet(0, T0 - 3 * DAY_MS)
    bench.judge.restore(json.loads(json.dumps(bench.judge.to_dict())))
    bench.judge.advance(silence(bench.judge.now_ms, 60, 1), {}, recorded_ms=T0, mode=Mode.LIVE)
    (alert,) = bench.alerts(AlertKind.COMMS_LOSS)
    assert alert.onset_ms == T0 - 3 * DAY_MS


def test_once_heard_a_units_silence_counts_from_its_last_word(bench: Bench) -> None:
    unit = made_unit()
    end_ms = bench.store.make(unit, [("run", HOUR)])
    bench.begin([unit])
    bench.judge.meet(0, T0 - 3 * DAY_MS)
    bench.go(end_ms)
    bench.judge.advance(silence(bench.judge.now_ms, HOUR, 1), {}, recorded_ms=T0, mode=Mode.LIVE)
    (alert,) = (a for a in bench.alerts(AlertKind.COMMS_LOSS) if a.active)
    assert alert.onset_ms == pytest.approx(end_ms, abs=120_000)
