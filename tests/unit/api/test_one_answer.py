"""Frame, list, states and alert say the same of one unit; the first look of a day costs no day of decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from api import memory
from api.instants import iso
from api.service import Service
from api.settings import ApiSettings
from tests.unit.api.http_house import House
from tests.unit.api.made_plant import T0, MadeStore, made_unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.unit.api.made_plant import Phase

HOUR = 3600
UNIT = made_unit("zn-01", "zinc")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    await made.client.aclose()
    await made.service.stop()


async def lived(house: House, phases: list[Phase]) -> int:
    """Replay the phases, as a service does at its start; return when they end."""
    end_ms = house.store.make(UNIT, phases)
    house.now_ms = end_ms
    await house.service.replay_history(units=[UNIT], start_ms=T0, end_ms=end_ms)
    house.service.caught_up = True
    return end_ms


async def answers(house: House) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    frame = orjson.loads(house.service.frames.fleet(house.now_ms))["units"]["zn-01"]
    (unit,) = (await house.get("/api/v1/units"))["items"]
    states = (await house.get(f"/api/v1/units/zn-01/states?start={T0}&end={house.now_ms}"))["items"]
    return frame, unit, states


@pytest.mark.parametrize("slow_s", [2 * HOUR, 2 * HOUR + 301, 5 * HOUR])
async def test_underperforming_since_the_same_time_everywhere(house: House, slow_s: int) -> None:
    await lived(house, [("run", 3 * HOUR), ("slow", slow_s)])
    frame, unit, states = await answers(house)
    (alert,) = (await house.get("/api/v1/alerts"))["items"]
    assert (alert["kind"], alert["onset_at"]) == ("underperforming", iso(T0 + 3 * HOUR * 1000))
    assert frame["state"] == unit["state"] == states[-1]["state"] == "UNDERPERFORMING"
    assert iso(frame["since"]) == unit["state_since"] == states[-1]["from"] == alert["onset_at"]
    assert [one["state"] for one in states] == ["RUNNING", "UNDERPERFORMING"]


async def test_running_again_since_the_same_time_everywhere(house: House) -> None:
    await lived(house, [("run", 3 * HOUR), ("slow", 2 * HOUR), ("run", 2 * HOUR)])
    frame, unit, states = await answers(house)
    (alert,) = (await house.get("/api/v1/alerts"))["items"]
    assert [one["state"] for one in states] == ["RUNNING", "UNDERPERFORMING", "RUNNING"]
    assert iso(frame["since"]) == unit["state_since"] == states[-1]["from"] == alert["cleared_at"]


async def test_idle_since_the_same_time_everywhere(house: House) -> None:
    await lived(house, [("run", 3 * HOUR), ("nofeed", HOUR)])
    frame, unit, states = await answers(house)
    (alert,) = (await house.get("/api/v1/alerts"))["items"]
    assert iso(frame["since"]) == unit["state_since"] == states[-1]["from"] == alert["onset_at"]


async def test_the_first_look_at_a_replayed_day_reads_little(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    end_ms = await lived(house, [("run", 10 * HOUR), ("nofeed", HOUR), ("run", 3 * HOUR)])
    read: list[int] = []
    many = house.store.many

    def seen(unit: str, refs: Any, start_ms: int, stop_ms: int) -> Any:
        read.append(stop_ms - start_ms)
        return many(unit, refs, start_ms, stop_ms)

    monkeypatch.setattr(house.store, "many", seen)
    told = (await house.get(f"/api/v1/units/zn-01/states?start={T0}&end={end_ms}"))["items"]
    assert sum(read) < 3 * HOUR * 1000
    fresh = Service(
        settings=ApiSettings(data_dir=house.service.settings.data_dir / "fresh"),
        store=house.store,
        registry=None,
        now_ms=lambda: end_ms,
    )
    computed = await fresh.states_between(UNIT, T0, end_ms)
    assert [(one["state"], one["from"]) for one in told] == [(one.state, iso(one.start_ms)) for one in computed]
    await fresh.stop()


async def test_what_another_process_replayed_need_not_be_read_again(house: House) -> None:
    end_ms = await lived(house, [("run", 10 * HOUR)])
    service = house.service
    after = Service(settings=service.settings, store=house.store, registry=None, now_ms=lambda: end_ms)
    after.roster.describe(UNIT)
    after._remember()
    asked = house.store.asked
    after.states.intervals(UNIT, T0, T0 + 8 * HOUR * 1000, end_ms)
    assert house.store.asked == asked
    after.judge.look_away(end_ms + 60_000)
    memory.save(after.database, after.judge)
    later = Service(settings=service.settings, store=house.store, registry=None, now_ms=lambda: end_ms + 120_000)
    later.roster.describe(UNIT)
    later._remember()
    later.states.intervals(UNIT, T0, T0 + 8 * HOUR * 1000, end_ms)
    assert house.store.asked == asked + 1, "what was watched live is read from the store, which knows better"
    after.database.close()
    later.database.close()


async def test_late_data_voids_what_a_replay_kept(house: House) -> None:
    store: MadeStore = house.store
    end_ms = await lived(house, [("run", 10 * HOUR)])
    store.make(UNIT, [("run", 4 * HOUR), ("nofeed", HOUR), ("run", 5 * HOUR)])
    house.service._late("zn-01", T0 + 4 * HOUR * 1000, T0 + 5 * HOUR * 1000)
    told = (await house.get(f"/api/v1/units/zn-01/states?start={T0}&end={end_ms}"))["items"]
    assert "STARVED" in {one["state"] for one in told}
