"""The fleet's table and the frames of what changed: together they say everything, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from api.fleet.models import FleetTable
from api.fleet.rows import COLUMNS, LAZY_S, Row, differs, row_of
from api.live.follower import Told
from api.live.stream import CHANGES, PAST_FRAMES
from api.service import Service
from api.settings import ApiSettings
from orewatch.plant.unit import unit_from_circuit
from tests.unit.api.http_house import MINE, House
from tests.unit.api.made_plant import T0, made_unit, values_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from orewatch.plant.unit import Unit

ROW = Row("RUNNING", "producing", None, 100, 0, 5.0, 6.0, 40.0, 900.0, 1000, 1000, 0.0, 0)


class Site:
    """A service without broker and store, whose units speak second by second."""

    def __init__(self, folder: Path, units: list[Unit]) -> None:
        self.now_ms = T0
        self.units = units
        self.service = Service(
            settings=ApiSettings(data_dir=folder), store=None, registry=None, now_ms=lambda: self.now_ms
        )
        for unit in units:
            self.service.roster.describe(unit)
        self.service.judge = self.service.new_judge(T0)
        self.service.build_live()
        self.service.caught_up = True

    def second(self, rate: float | None = 10.0) -> None:
        self.now_ms += 1000
        for unit in self.units if rate is not None else ():
            readings = self.service.readings.of(unit.id)
            readings.last_seen_ms = self.now_ms
            self.service.watch.take_heard(unit.id, self.now_ms, False)
            for ref, value in (values_of(unit, "run") | {unit.roles.flow: rate or 0.0}).items():
                self.service.watch.take_reading(Told(unit.id, ref, self.now_ms, value))
            readings.put(str(unit.roles.flow), rate, self.now_ms, 192)
        self.service.watch.tick()

    def table(self) -> Any:
        return json.loads(self.service.fleet.changes.table(self.now_ms))

    def frames(self, since: int) -> list[Any]:
        return [
            json.loads(frame.partition(b"data: ")[2]) for frame in self.service.stream.missed(CHANGES, since) if frame
        ]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, [made_unit("mn-01"), made_unit("mn-02")])
    yield made
    made.service.database.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    await made.service.replay_history(units=[MINE], start_ms=T0, end_ms=made.now_ms)
    made.service.caught_up = True
    yield made
    await made.client.aclose()
    made.service.database.close()


async def test_the_table_fits_its_model_and_says_what_the_list_says(house: House) -> None:
    body = await house.get("/api/v1/fleet")
    table = FleetTable.model_validate(body, strict=False)
    assert table.live_columns == list(COLUMNS)
    listed = (await house.get("/api/v1/units"))["items"][0]
    live = body["live"]
    assert body["fixed"]["id"] == [listed["id"]]
    assert body["words"]["state"][live["state"][0]] == listed["state"]
    assert body["words"]["reason"][live["reason"][0]] == listed["reason"]
    assert live["tonnes_today"][0] == pytest.approx(listed["tonnes_today"], abs=0.05)
    assert ("live", "stale", "lost")[live["connection"][0]] == listed["connection"]
    assert listed["unknown_h"] is not None
    assert body["month"] == [1405, 8]


def test_an_empty_fleet_is_a_table_too(tmp_path: Path) -> None:
    made = Site(tmp_path, [])
    FleetTable.model_validate(made.table())
    made.service.database.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, False),
        ({"last_seen_s": 1000 + LAZY_S - 1}, False),
        ({"last_seen_s": 1000 + LAZY_S}, True),
        ({"last_tonne_s": 1000 + LAZY_S - 1, "last_seen_s": 1010}, False),
        ({"last_tonne_s": None}, True),
        ({"connection": 1}, True),
        ({"throughput_tph": 5.1}, True),
        ({"state": "IDLE"}, True),
        ({"code": "no_ore"}, True),
        ({"alerts": 1, "last_seen_s": 1001}, True),
    ],
)
def test_what_a_viewer_has_to_hear_of(change: dict[str, Any], told: bool) -> None:
    assert differs(ROW, ROW._replace(**change)) is told


def test_frames_go_on_from_the_table_and_say_only_what_changed(site: Site) -> None:
    for _ in range(3):
        site.second(10.0)
    table = site.table()
    assert table["t"] == site.now_ms
    site.second(10.0)
    site.second(10.04)
    site.second(12.0)
    frames = site.frames(table["t"])
    assert [frame["t"] - table["t"] for frame in frames] == [1000, 2000, 3000]
    assert [frame["from"] - table["t"] for frame in frames] == [0, 1000, 2000]
    assert [sorted(frame["units"]) for frame in frames] == [[], [], ["mn-01", "mn-02"]]
    row = dict(zip(COLUMNS, frames[2]["units"]["mn-01"], strict=True))
    assert (row["throughput_tph"], row["connection"]) == (12.0, 0)
    assert isinstance(row["state"], str)


def read(site: Site) -> tuple[int, dict[str, list[Any]]]:
    """Read the table as the page does: when it was, and each unit's row with words."""
    table = site.table()
    rows = {}
    for number, unit in enumerate(table["fixed"]["id"]):
        row = [table["live"][name][number] for name in COLUMNS]
        for place, name in enumerate(COLUMNS):
            if name in table["words"] and row[place] is not None:
                row[place] = table["words"][name][row[place]]
        rows[unit] = row
    return table["t"], rows


@pytest.mark.parametrize("every", [1, 7, 59, 61, 200])
def test_a_viewer_that_looks_now_and_then_knows_everything(site: Site, every: int) -> None:
    site.second(10.0)
    at, known = read(site)
    read_again = 0
    for second in range(1, 601):
        site.second(None if 240 < second < 380 else 10 + second % 7 / 10)
        if second % every:
            continue
        # The page holds its stream open; what it does not get by it, the past has.
        for frame in site.frames(at):
            if frame["from"] > at:
                at, known = read(site)
                read_again += 1
                break
            known |= frame["units"]
            at = frame["t"]
        else:
            if not site.service.stream.filters():
                at, known = read(site)
                read_again += 1
        frames = site.service.frames
        for unit in site.units:
            now = row_of(frames.entry(unit, site.now_ms))
            assert at <= site.now_ms
            assert not differs(Row(*known[unit.id]), now), second
        assert json.dumps(read(site)[1]) == json.dumps(known)
    assert (read_again > 0) == (every > PAST_FRAMES)


def test_a_description_that_changes_makes_everybody_read_again(site: Site) -> None:
    site.second()
    table = site.table()
    site.service.roster.describe(
        unit_from_circuit(unit_id="mn-01", circuit="manganese", site="Elsewhere", province="Qom", model="MPU-15")
    )
    site.second()
    (frame,) = site.frames(table["t"])
    assert frame["from"] == frame["t"]
    assert "Elsewhere" in site.table()["words"]["site"]


def test_nobody_who_asks_leaves_nothing_that_ticks(site: Site) -> None:
    assert site.service.stream.filters() == []
    site.table()
    assert site.service.stream.filters() == [CHANGES]
    assert site.service.stream.watched_units() == set()
    for _ in range(PAST_FRAMES):
        site.second()
    assert site.service.stream.filters() == []
    old = site.table()["t"]
    assert old == site.now_ms


def test_what_was_told_is_bridged_after_a_pause_that_nobody_watched(site: Site) -> None:
    site.second(10.0)
    told = site.table()["t"]
    for _ in range(PAST_FRAMES):
        site.second(10.0)
    known = site.service.fleet.changes.at_ms
    for _ in range(100):
        site.second(10.0)
    viewer = site.service.stream.join(CHANGES)
    assert viewer is not None
    site.second(13.0)
    (frame,) = site.frames(known)
    assert told < frame["from"] == known
    assert set(frame["units"]) == {"mn-01", "mn-02"}


async def test_the_stream_begins_with_what_was_missed(site: Site) -> None:
    from api.live.routes import _frames

    site.second()
    since = site.table()["t"]
    site.second(11.0)
    viewer = site.service.stream.join(CHANGES)
    assert viewer is not None
    frames = _frames(site.service, viewer, since)
    assert (await anext(frames)).startswith(b"retry: ")
    first = json.loads((await anext(frames)).partition(b"data: ")[2])
    assert (first["from"], first["t"]) == (since, site.now_ms)
    mark = json.loads((await anext(frames)).partition(b"data: ")[2])
    assert (mark["units"], mark["t"]) == ({}, site.now_ms)
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    site.second(12.0)
    assert json.loads((await waiting).partition(b"data: ")[2])["from"] == mark["t"]
    await frames.aclose()  # type: ignore[attr-defined]
    assert len(site.service.stream) == 0


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("changes=true&unit=mn-01", 422, "unit"),
        ("changes=maybe", 422, "changes"),
        ("changes=true&since=-1", 422, "since"),
        ("changes=true&since=yesterday", 422, "since"),
        ("unit=%2B", 404, None),
    ],
)
async def test_bad_questions_to_the_stream(house: House, query: str, status: int, field: str | None) -> None:
    problem = await house.get(f"/api/v1/live?{query}", status)
    assert field is None or problem["errors"][0]["field"] == field


def test_five_thousand_units_are_told_of_in_good_time(tmp_path: Path) -> None:
    units = [
        unit_from_circuit(unit_id=f"u{n:04}", circuit="lead", site=f"s{n % 510}", province=f"p{n % 31}", model="m")
        for n in range(5000)
    ]
    made = Site(tmp_path, units)
    made.table()
    made.now_ms += 1000
    for unit in units:
        made.service.readings.of(unit.id).last_seen_ms = made.now_ms
    began = time.process_time()
    frame = made.service.fleet.changes.frame(made.now_ms)
    took_s = time.process_time() - began
    assert len(json.loads(frame)["units"]) == 5000
    assert took_s < 0.8  # a second has room for it, also on a machine that others use
    made.service.database.close()
