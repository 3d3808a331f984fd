"""What people say changes what it should: states, alerts, dry tonnes, targets, baselines; and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.rules import Raised
from api.instants import iso
from api.live.follower import Told
from api.live.tally import Tally
from api.live.usual import Usual, UsualWindow
from api.live.usual_book import UsualBook
from api.rounds import end_open_stops
from orewatch.plant.baseline import LEAST_WINDOWS, OreClass
from orewatch.plant.inputs import Ore, UnitInputs
from orewatch.plant.performance import WINDOW_MS, Window
from orewatch.plant.states import State
from tests.unit.api.http_house import END, MINE, House, house
from tests.unit.api.made_plant import T0, MadeStore, made_unit, values_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["house"]

AT = "/api/v1/units/mn-01"
MINUTE, HOUR = 60_000, 3_600_000
STANDS_SINCE = T0 + 1_200_000


async def say(house: House, kind: str, **more: object) -> Any:
    return await house.post(f"{AT}/{kind}", {"by": "a.karimi", **more}, 201)


def live(house: House, doing: str, seconds: int) -> None:
    """Let seconds pass in which the unit says what it does."""
    number = house.service.roster.number(MINE.id) or 0
    wet = house.service.judge.tallies[number]
    total = 900.0 + wet.total_t
    for _ in range(seconds):
        house.now_ms += 1000
        shown = values_of(MINE, doing)
        total += shown[MINE.roles.flow] / 3600
        for ref, value in (shown | {MINE.roles.total: total}).items():
            house.service.watch.take_reading(Told(MINE.id, ref, house.now_ms - 500, value))
            house.service.readings.of(MINE.id).put(str(ref), value, house.now_ms - 500, 192)
        house.service.readings.of(MINE.id).last_seen_ms = house.now_ms
        house.service.watch.take_heard(MINE.id, house.now_ms - 500, False)
        house.service.watch.tick()


async def unit(house: House) -> Any:
    return await house.get(AT)


async def test_a_reason_explains_the_stop_and_ends_the_idle_alert(house: House) -> None:
    assert (await unit(house))["state"] == "STARVED"
    await say(house, "stops", code="no_ore", **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 90)
    told = await unit(house)
    assert (told["state"], told["reason"], told["code"]) == ("PLANNED_STOP", "coded", "no_ore")
    assert told["state_since"] == pytest.approx(iso(STANDS_SINCE))
    (alert,) = (await house.get("/api/v1/alerts?kind=idle"))["items"]
    assert alert["active"] is False
    # History says so from where the stop began.
    states = (await house.get(f"{AT}/states?start={T0}&end={END}"))["items"]
    assert [(one["state"], one["reason"], one["code"]) for one in states[-1:]] == [("PLANNED_STOP", "coded", "no_ore")]
    assert states[-1]["from"] <= iso(STANDS_SINCE + 5000)


async def test_a_failure_code_makes_a_breakdown(house: House) -> None:
    await say(house, "stops", code="mechanical", **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 15)
    told = await unit(house)
    assert (told["state"], told["reason"], told["code"]) == ("BREAKDOWN", "failure_code", "mechanical")


async def test_a_delay_keeps_its_hours_scheduled_and_a_plan_does_not(house: House) -> None:
    number = house.service.roster.number(MINE.id) or 0
    first = await say(house, "stops", code="no_ore", **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 5)
    assert house.service.judge.facts[number].coded
    await say(house, "stops", code="maintenance", corrects=first["id"], **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 5)
    assert not house.service.judge.facts[number].coded
    assert (await unit(house))["reason"] == "planned"


async def test_weeks_without_ore_are_told_although_explained(house: House) -> None:
    await say(house, "stops", code="no_ore", **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 10)
    number = house.service.roster.number(MINE.id) or 0
    rule = house.service.judge._episodes[number]
    transitions, _ = rule.advance(house.service.judge.facts[number], house.now_ms + 9 * HOUR)
    assert [t.kind.value for t in transitions if isinstance(t, Raised)] == ["not_producing"]


async def test_an_open_stop_ends_where_the_unit_runs_again(house: House) -> None:
    made = await say(house, "stops", code="no_ore", **{"from": iso(STANDS_SINCE)})
    live(house, "nofeed", 10)
    assert end_open_stops(house.service) == 0
    live(house, "run", 120)
    assert end_open_stops(house.service) == 1
    assert end_open_stops(house.service) == 0
    (ended,) = (await house.get(f"{AT}/stops"))["items"]
    assert (ended["corrects"], ended["by"], ended["code"]) == (made["id"], "orewatch", "no_ore")
    assert iso(END) <= ended["to"] <= iso(house.now_ms)
    told = await unit(house)
    assert told["code"] is None
    assert told["state"] in {"RUNNING", "STARTUP"}


async def test_a_planned_stop_masks_nothing_while_the_unit_runs(house: House) -> None:
    span = {"from": iso(END + 20_000), "to": iso(END + HOUR)}
    await say(house, "stops", code="maintenance", **span)
    live(house, "run", 120)
    assert (await unit(house))["state"] in {"RUNNING", "STARTUP"}
    live(house, "nofeed", 30)
    told = await unit(house)
    assert (told["state"], told["reason"]) == ("PLANNED_STOP", "planned")


async def test_a_shift_that_is_not_worked_is_not_scheduled(house: House) -> None:
    now = (await house.get(f"{AT}/inputs"))["plans"]
    shift = next(one for one in now if one["start"] <= iso(END) < one["end"])
    await say(house, "plans", day=shift["day"], shift=shift["shift"], tonnes=0)
    live(house, "nofeed", 5)
    told = await unit(house)
    assert (told["state"], told["reason"]) == ("PLANNED_STOP", "not_scheduled")
    assert told["shift"]["plan_t"] == 0


async def test_moisture_makes_rates_and_tonnes_dry(house: House) -> None:
    before = (await unit(house))["tonnes_today"]
    await say(house, "ore", ore="VN", moisture_pct=10, **{"from": iso(T0 - HOUR)})
    await house.service.recounts.some(house.service.judge)
    assert (await unit(house))["tonnes_today"] == pytest.approx(0.9 * before, rel=0.01)
    live(house, "run", 60)
    told = await unit(house)
    assert told["throughput_tph"] == pytest.approx(0.9 * 0.95 * MINE.target_tph, abs=0.01)
    assert (told["ore"], told["moisture_pct"]) == ("VN", 10)


async def test_the_target_of_the_ore_is_the_one_in_force(house: House) -> None:
    await say(house, "ore", ore="hard", moisture_pct=3, **{"from": iso(T0)})
    await say(house, "targets", tph=6, ore="hard", **{"from": iso(T0)})
    assert (await unit(house))["target_tph"] == 6
    assert (await house.get("/api/v1/units"))["items"][0]["target_tph"] == 6
    assert house.service.judge.lost_t(MINE.id, STANDS_SINCE, END) == pytest.approx(6 * 20 / 60, abs=0.02)


async def test_the_shift_is_counted_against_its_plan(house: House) -> None:
    told = (await unit(house))["shift"]
    assert told["plan_t"] is None
    assert told["tonnes"] == pytest.approx(4.75, abs=0.1)
    assert told["start"] <= iso(END) < told["end"]


async def test_inputs_survive_a_restart_and_nothing_said_costs_nothing(house: House) -> None:
    await say(house, "stops", code="no_ore", **{"from": iso(STANDS_SINCE)})
    in_force = type(house.service.inputs.in_force)(book=house.service.inputs.book, now_ms=lambda: house.now_ms)
    assert in_force.units() == {MINE.id}
    stop = in_force.of(MINE.id).stop_at(END)
    assert stop is not None
    assert stop.code == "no_ore"
    assert in_force.of("zn-01") == UnitInputs()
    assert in_force.since(MINE.id, END - 100 * 24 * HOUR).stop_at(END) == stop


def counted(inputs: UnitInputs, readings: list[tuple[int, float]]) -> float:
    tally = Tally(unit=made_unit(), day_start_ms=T0, inputs=lambda: inputs)
    times, values = _arrays(readings)
    tally.count(times, values)
    return tally.total_t


def _arrays(readings: list[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    import numpy as np

    return np.array([t for t, _ in readings], np.int64), np.array([v for _, v in readings])


def test_no_difference_is_taken_across_a_scale_epoch() -> None:
    minutes = [(T0 + n * MINUTE, 100 + n * 0.2) for n in range(11)]
    # Calibrated in the eleventh minute: from here on the totaliser shows 3 t more, which nobody produced.
    after = [(T0 + n * MINUTE, 105 + n * 0.2) for n in range(11, 21)]
    plain, epoch = UnitInputs(), UnitInputs(epochs_ms=(T0 + 10 * MINUTE + 30_000,))
    assert counted(epoch, minutes + after) == pytest.approx(10 * 0.2 + 9 * 0.2)
    assert counted(plain, minutes) == pytest.approx(counted(epoch, minutes))
    # Cutting the readings elsewhere changes nothing.
    tally = Tally(unit=made_unit(), day_start_ms=T0, inputs=lambda: epoch)
    for reading in minutes + after:
        tally.count(*_arrays([reading]))
    assert tally.total_t == pytest.approx(10 * 0.2 + 9 * 0.2)


def test_moisture_counts_from_its_own_time() -> None:
    readings = [(T0 + n * MINUTE, 100 + n * 0.2) for n in range(21)]
    inputs = UnitInputs(ores=(Ore(T0 + 10 * MINUTE, "A", 50.0),))
    assert counted(inputs, readings) == pytest.approx(10 * 0.2 + 10 * 0.1, abs=0.11)


def windows(tph: float, count: int, start: int = 0) -> list[Window]:
    return [Window(start_ms=T0 + (start + n) * WINDOW_MS, tph=tph + (n % 3) * 0.1, running=1.0) for n in range(count)]


def test_each_ore_has_its_own_usual() -> None:
    usual, soft, hard = Usual(), OreClass("soft", "dry"), OreClass("hard", "dry")
    for window in windows(14, LEAST_WINDOWS):
        assert usual.judge(window, soft, target_tph=15, alarmed=False) is None  # still learning
    # Ten t/h would be a slump for the soft ore; for the hard one nobody knows yet.
    slump = windows(10, 40, LEAST_WINDOWS)
    assert all(usual.judge(window, hard, target_tph=15, alarmed=False) is None for window in slump)
    later = windows(10, 8, LEAST_WINDOWS + 50)
    assert [usual.judge(window, soft, target_tph=15, alarmed=False) for window in later][-1] is True


def test_what_alarms_does_not_become_usual_and_windows_are_kept(tmp_path: Path) -> None:
    from api.alerting.database import AlertDatabase

    usual = Usual()
    for window in windows(14, 30):
        usual.judge(window, None, target_tph=15, alarmed=False)
    for window in windows(9, 10, 30):
        usual.judge(window, None, target_tph=15, alarmed=True)
    fresh = list(usual.fresh)
    assert len(fresh) == 30
    database = AlertDatabase.open(tmp_path / "alerts.db")
    book = UsualBook(database=database)
    book.keep([("mn-01", window) for window in fresh])
    assert book.of("mn-01") == fresh
    again = Usual()
    again.remember(book.of("mn-01"))
    assert again.judge(windows(14, 1)[0], None, target_tph=15, alarmed=False) is None
    assert again.fresh == [], "taken before"
    # Of a baseline's age nothing is left once the unit goes on.
    book.keep([("mn-01", UsualWindow("", "", T0 + 2 * DAY_14, 12.0))])
    assert [window.start_ms for window in book.of("mn-01")] == [T0 + 2 * DAY_14]
    database.close()


DAY_14 = 14 * 86_400_000


async def test_the_store_over_a_stop_gives_the_same_states_live_and_later(tmp_path: Path) -> None:
    """Replay lays the same words before the judge as the live watch does."""
    made = House(tmp_path)
    await made.service.replay_history(units=[MINE], start_ms=T0, end_ms=T0 + 1_000_000)
    stop = {"by": "x", "code": "power", "from": iso(STANDS_SINCE), "to": iso(T0 + 1_800_000)}
    made.service.roster.describe(MINE)
    await made.post(f"{AT}/stops", stop, 201)
    await made.service.replay_history(units=[MINE], start_ms=T0, end_ms=END)
    made.service.caught_up = True
    number = made.service.roster.number(MINE.id) or 0
    states = [one.state for one in made.service.judge.classifier.intervals(number, T0, END)]
    assert State.PLANNED_STOP in states
    shown = (await made.get(f"{AT}/states?start={T0}&end={END}"))["items"]
    assert [one["state"] for one in shown] == [state.value for state in states]
    await made.client.aclose()
    made.service.database.close()


def test_the_store_made_for_tests_is_a_store() -> None:
    assert MadeStore().latest("x") == {}


async def test_what_is_said_of_a_settled_hour_changes_it(house: House) -> None:
    house.now_ms += 3 * HOUR
    path = f"{AT}/states?start={T0}&end={T0 + HOUR}"
    assert "PLANNED_STOP" not in {one["state"] for one in (await house.get(path))["items"]}
    made = await say(house, "stops", code="power", **{"from": iso(STANDS_SINCE), "to": iso(STANDS_SINCE + 10 * MINUTE)})
    assert "PLANNED_STOP" in {one["state"] for one in (await house.get(path))["items"]}
    await house.post(f"{AT}/stops/{made['id']}/withdraw", {"by": "x"}, 201)
    assert "PLANNED_STOP" not in {one["state"] for one in (await house.get(path))["items"]}


async def test_an_ending_is_not_refused_by_what_is_planned_for_later(house: House) -> None:
    made = await say(house, "stops", code="no_ore", key=f"ended-{99}-x", **{"from": iso(STANDS_SINCE)})
    to_come = {"from": iso(END + 24 * HOUR), "to": iso(END + 25 * HOUR)}
    await say(house, "stops", code="maintenance", **to_come)
    live(house, "nofeed", 10)
    live(house, "run", 120)
    assert end_open_stops(house.service) == 1
    stops = {one["code"]: one for one in (await house.get(f"{AT}/stops"))["items"]}
    assert stops["no_ore"]["corrects"] == made["id"]
    assert stops["maintenance"]["to"] == to_come["to"]


async def test_a_stop_that_was_no_stop_ends_by_itself_and_idling_is_told_again(house: House) -> None:
    live(house, "run", 120)
    made = await say(house, "stops", code="no_ore", note="slip of a finger", **{"from": iso(house.now_ms - 30_000)})
    live(house, "run", 60)
    assert end_open_stops(house.service) == 0
    live(house, "run", 600)
    assert end_open_stops(house.service) == 1
    (ended,) = (await house.get(f"{AT}/stops"))["items"]
    assert (ended["corrects"], ended["note"]) == (made["id"], "slip of a finger")


async def test_an_ore_said_while_the_day_is_counted_is_not_forgotten(house: House) -> None:
    recounts = house.service.recounts
    await say(house, "ore", ore="A", moisture_pct=10, **{"from": iso(T0 - HOUR)})
    counting = house.store.many

    def slow(*arguments: Any) -> Any:
        recounts.ask([MINE.id])  # as an input does that comes meanwhile
        house.store.many = counting  # type: ignore[method-assign]
        return counting(*arguments)

    house.store.many = slow  # type: ignore[assignment,method-assign]
    assert await recounts.some(house.service.judge) == 1
    assert await recounts.some(house.service.judge) == 1


def test_a_corrected_day_moves_its_marks_and_keeps_its_own_ears() -> None:
    said = [UnitInputs()]
    tally = Tally(unit=made_unit(), day_start_ms=T0, inputs=lambda: said[0])
    readings = [(T0 + n * MINUTE, 100 + n * 0.2) for n in range(61)]
    tally.count(*_arrays(readings))
    day = Tally(unit=made_unit(), day_start_ms=T0, inputs=lambda: UnitInputs(ores=(Ore(0, "A", 50.0),)))
    day.count(*_arrays(readings))
    tally.correct(day)
    assert tally.today_t == pytest.approx(6.0, abs=0.2)
    assert tally.since_t(T0 + 30 * MINUTE) == pytest.approx(3.0, abs=0.2)
    empty = Tally(unit=made_unit(), day_start_ms=T0, inputs=lambda: said[0])
    empty.correct(day)
    said[0] = UnitInputs(ores=(Ore(0, "B", 90.0),))
    before = empty.total_t
    empty.count(*_arrays([(T0 + n * MINUTE, 100 + n * 0.2) for n in range(61, 90)]))
    assert empty.total_t - before == pytest.approx(29 * 0.2 * 0.1, abs=0.05)
