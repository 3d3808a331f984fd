"""The HTTP contract: every answer fits its model, every error is a problem."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.models import Alert, AlertsPage
from api.units.demo_controls import DemoState
from api.units.models import FleetSummary, LatestPage, StatesPage, UnitDetail, UnitsPage
from api.units.views import streams
from tests.unit.api.http_house import END, MINE, House, house
from tests.unit.api.made_plant import T0, made_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["house"]


async def test_units(house: House) -> None:
    page = UnitsPage.model_validate(await house.get("/api/v1/units"))
    assert [(u.id, u.state, u.alerts_active) for u in page.items] == [("mn-01", "STARVED", 1), ("zn-01", "RUNNING", 0)]
    assert page.next is None
    assert page.items[0].tonnes_today == pytest.approx(4.75, abs=0.1)
    assert (await house.get("/api/v1/units?mineral=zinc"))["items"][0]["id"] == "zn-01"
    assert (await house.get("/api/v1/units?state=STARVED"))["items"][0]["id"] == "mn-01"
    assert (await house.get("/api/v1/units?province=Yazd"))["items"] == []


async def test_units_by_pages(house: House) -> None:
    first = await house.get("/api/v1/units?limit=1")
    assert first["next"] == "mn-01"
    second = await house.get("/api/v1/units?limit=1&after=mn-01")
    assert ([u["id"] for u in second["items"]], second["next"]) == (["zn-01"], None)


async def test_one_unit(house: House) -> None:
    unit = UnitDetail.model_validate(await house.get("/api/v1/units/mn-01"))
    assert [m.id for m in unit.machines] == list(MINE.machines)
    assert unit.roles.flow == "scale.mass_flow"
    assert [(one.from_, one.to) for one in unit.streams][-2:] == [("scale", "jig"), ("jig", "magnet")]


def test_streams_of_what_the_catalogue_does_not_know_are_a_chain() -> None:
    lead = made_unit("pb-01", "lead")
    assert {"from": "cyclone", "to": "mill", "title": {"en": "Underflow", "fa": "ته‌ریز"}} in streams(lead)
    without = {name: one for name, one in lead.machines.items() if name not in {"cone", "filter"}}
    for stranger in (replace(lead, machines=without), replace(lead, circuit="chromite", machines=without)):
        ends = [(one["from"], one["to"]) for one in streams(stranger)]
        assert ends == list(pairwise(name for name in without if name != "genset"))
    assert streams(replace(lead, machines={"jaw": lead.machines["jaw"]})) == []


async def test_latest(house: House) -> None:
    page = LatestPage.model_validate(await house.get("/api/v1/units/mn-01/latest"))
    assert len(page.items) == len(list(MINE.signals()))
    by_name = {f"{i.machine}.{i.signal}": i for i in page.items}
    assert (by_name["feeder.level"].value, by_name["feeder.level"].quality) == (50.0, 192)
    assert (by_name["jaw.vibration"].value, by_name["jaw.vibration"].quality) == (None, 500)


async def test_states_are_whole_and_without_holes(house: House) -> None:
    answer = await house.get(f"/api/v1/units/mn-01/states?start={T0}&end={END}")
    items = StatesPage.model_validate(answer).items
    assert [i.state for i in items] == ["RUNNING", "STARVED"]
    assert all(a["to"] == b["from"] for a, b in zip(answer["items"], answer["items"][1:], strict=False))
    assert answer["items"][-1]["provisional"] is True


async def test_settled_hours_are_remembered_until_late_data_comes(house: House) -> None:
    house.now_ms += 3 * 3_600_000
    path = f"/api/v1/units/mn-01/states?start={T0}&end={T0 + 3_600_000}"
    first = await house.get(path)
    asked = house.store.asked
    assert await house.get(path) == first
    assert house.store.asked == asked
    house.service.states.late("mn-01", T0 + 60_000, T0 + 120_000)
    await house.get(path)
    assert house.store.asked == asked + 1


async def test_alerts_and_what_people_do_to_them(house: House) -> None:
    page = AlertsPage.model_validate(await house.get("/api/v1/alerts?state=active&kind=idle&unit=mn-01"))
    (alert,) = page.items
    assert alert.reason == "upstream_stopped"
    assert set(alert.text) == {"en", "fa"}
    path = f"/api/v1/alerts/{alert.id}"
    changed_ms = house.service.engine.standing.changed_ms
    done = Alert.model_validate(await house.post(f"{path}/acknowledge", {"by": "a.karimi"}))
    assert (done.state, done.acknowledged_by) == ("ACKED", "a.karimi")
    assert house.service.engine.standing.changed_ms > changed_ms
    noted = Alert.model_validate(await house.post(f"{path}/comment", {"by": "x", "text": "<script>"}))
    assert noted.notes[0].text == "<script>"
    shelved = await house.post(f"{path}/shelve", {"by": "x", "minutes": 5, "reason": "mending"})
    assert shelved["state"] == "SHLVD"
    assert (await house.post(f"{path}/unshelve", {"by": "x"}))["state"] == "UNACK"
    assert (await house.get(path))["state"] == "UNACK"


async def test_fleet_summary(house: House) -> None:
    summary = FleetSummary.model_validate(await house.get("/api/v1/fleet/summary"))
    assert (summary.units, summary.by_state) == (2, {"RUNNING": 1, "STARVED": 1})
    assert summary.by_mineral["manganese"].by_state == {"STARVED": 1}
    assert summary.silent == []
    house.now_ms += 120_000
    assert len((await house.get("/api/v1/fleet/summary"))["silent"]) == 2


async def test_demo_controls(house: House) -> None:
    state = await house.post("/api/v1/demo/units/mn-01/scenarios", {"name": "stop_feeder", "on": True})
    assert DemoState.model_validate(state).units["mn-01"].scenarios[0].on
    await house.post("/api/v1/demo/units/mn-01/scenarios", {"name": "explode", "on": True}, 404)
    await house.post("/api/v1/demo/units/xx/scenarios", {"name": "stop_feeder", "on": True}, 404)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/units/xx-99", 404, "never seen"),
        ("/api/v1/units/xx-99/latest", 404, "never seen"),
        ("/api/v1/live?unit=xx-99", 404, "never seen"),
        ("/api/v1/units/mn-01/history?machine=jaw&signal=colour", 404, "no signal"),
        ("/api/v1/units/mn-01/history?machine=jaw", 422, "signal"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start=yesterday", 422, "start"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start=2026-11-23T10:00:00", 422, "offset"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&step=banana", 422, "step"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&step=1m&aggregate=raw", 422, "step"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&aggregate=sum", 422, "aggregate"),
        ("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&step=0.001", 422, "step"),
        ("/api/v1/units/mn-01/states?start=2026-11-23T10:00:00Z&end=2026-11-22T10:00:00Z", 422, "end"),
        ("/api/v1/units/mn-01/states?start=2020-01-01T00:00:00Z&end=2026-11-22T10:00:00Z", 422, "start"),
        ("/api/v1/units/mn-01/states?start=1970-01-01T00:00:00Z", 422, "start"),
        ("/api/v1/alerts?state=PANIC", 422, "PANIC" and "state"),
        ("/api/v1/alerts?kind=hunger", 422, "kind"),
        ("/api/v1/alerts?after=here", 422, "after"),
        ("/api/v1/alerts?limit=0", 422, "limit"),
        ("/api/v1/alerts?after=99999999999999999999-1", 422, "after"),
        ("/api/v1/alerts?after=%C2%B2-%C2%B2", 422, "after"),
        ("/api/v1/alerts?since=%C2%B2", 422, "since"),
        ("/api/v1/alerts?since=--5", 422, "since"),
        ("/api/v1/alerts?since=" + "9" * 5000, 422, "since"),
        ("/api/v1/alerts/99999999999999999999", 422, "alert_id"),
        ("/api/v1/alerts/999", 404, "no alert"),
        ("/api/v1/nothing", 404, "Not Found"),
        ("/static/../settings.py", 404, ""),
        ("/static/nothing.js", 404, "nothing.js"),
    ],
)
async def test_errors_are_problems_that_name_the_field(house: House, path: str, status: int, said: str) -> None:
    assert said in (await house.get(path, status))["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("acknowledge", {}, 422),
        ("acknowledge", {"by": ""}, 422),
        ("acknowledge", {"by": "x", "extra": 1}, 422),
        ("comment", {"by": "x", "text": ""}, 422),
        ("shelve", {"by": "x", "minutes": 0, "reason": "r"}, 422),
        ("shelve", {"by": "x", "minutes": 5}, 422),
        ("unshelve", {"by": "x"}, 409),
    ],
)
async def test_wrong_bodies(house: House, path: str, body: Mapping[str, Any], status: int) -> None:
    answer = await house.client.post(f"/api/v1/alerts/1/{path}", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_store_down_stops_history_only(house: House) -> None:
    house.store.down = True
    problem = await house.get("/api/v1/units/mn-01/history?machine=scale&signal=mass_flow", 503)
    assert "live values" in problem["detail"]
    await house.get("/api/v1/units")
    await house.get("/api/v1/alerts")
    await house.get("/api/v1/units/mn-01/latest")


async def test_openapi_is_complete(house: House) -> None:
    paths = (await house.get("/openapi.json"))["paths"]
    wanted = ["/units", "/units/{unit_id}", "/units/{unit_id}/latest", "/units/{unit_id}/history", "/live", "/alerts"]
    assert {f"/api/v1{p}" for p in wanted} <= set(paths)
    assert all(op.get("summary") for path in paths.values() for op in path.values())


async def test_metrics_are_prometheus_text(house: House) -> None:
    text = (await house.client.get("/metrics")).text
    assert 'orewatch_units{state="STARVED"} 1\n' in text
    assert 'orewatch_alerts_standing{kind="idle"} 1\n' in text
    assert all(line.startswith("#") or line.rpartition(" ")[2] for line in text.splitlines())


async def test_pages_and_their_headers(house: House) -> None:
    for path in ("/", "/units/mn-01", "/alerts", "/alerts/1"):
        page = await house.client.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        again = await house.client.get(path, headers={"If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    worker = await house.client.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
