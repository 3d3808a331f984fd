"""Inputs over HTTP: kept with who and when, once, correctable, and refused where they are impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.inputs.answers import (
    AssayAnswer,
    InputsInForceAnswer,
    InputsPage,
    OreAnswer,
    PlanAnswer,
    ScaleEpochAnswer,
    StopAnswer,
    TargetAnswer,
)
from api.instants import iso
from tests.unit.api.http_house import END, House, house

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["house"]

AT = "/api/v1/units/mn-01"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BODIES: dict[str, tuple[dict[str, Any], type[Any]]] = {
    "stops": ({"code": "no_ore", "from": iso(END - 20 * MINUTE)}, StopAnswer),
    "ore": ({"ore": "VN-north", "moisture_pct": "۶٫۵", "from": iso(END - HOUR)}, OreAnswer),  # noqa: RUF001
    "targets": ({"tph": 12.5, "from": iso(END - HOUR)}, TargetAnswer),
    "plans": ({"day": "2026-11-19", "shift": 1, "tonnes": 120}, PlanAnswer),
    "assays": (
        {
            "from": iso(END - 8 * HOUR),
            "to": iso(END - HOUR),
            "element": "Mn",
            "feed": 20,
            "concentrate": 44,
            "tailings": 6,
            "laboratory": "<script>alert(1)</script>",
        },
        AssayAnswer,
    ),
    "scale-epochs": ({"from": iso(END - HOUR), "zero_drift_pct": -0.3}, ScaleEpochAnswer),
}


def body(kind: str, **more: object) -> dict[str, Any]:
    return {"by": "a.karimi", **BODIES[kind][0], **more}


@pytest.mark.parametrize("kind", BODIES)
async def test_each_kind_is_kept_with_who_and_when(house: House, kind: str) -> None:
    made = await house.post(f"{AT}/{kind}", body(kind, note="said by radio"), 201)
    BODIES[kind][1].model_validate(made)
    assert (made["by"], made["note"], made["recorded_at"]) == ("a.karimi", "said by radio", iso(END))
    page = await house.get(f"{AT}/{kind}")
    InputsPage.model_validate(page)
    assert page == {"items": [made], "next": None}


@pytest.mark.parametrize("kind", BODIES)
async def test_the_same_key_again_changes_nothing(house: House, kind: str) -> None:
    first = await house.post(f"{AT}/{kind}", body(kind, key="5f0c9f0e-8d3b"), 201)
    house.now_ms += 9_000
    assert await house.post(f"{AT}/{kind}", body(kind, key="5f0c9f0e-8d3b"), 200) == first
    assert len((await house.get(f"{AT}/{kind}"))["items"]) == 1
    other = await house.post(f"{AT}/{kind}", body(kind, key="5f0c9f0e-8d3b", by="somebody else"), 409)
    assert "key" in other["detail"]


@pytest.mark.parametrize("kind", BODIES)
async def test_a_correction_keeps_what_was_there(house: House, kind: str) -> None:
    first = await house.post(f"{AT}/{kind}", body(kind), 201)
    second = await house.post(f"{AT}/{kind}", body(kind, corrects=first["id"], note="better"), 201)
    assert [one["id"] for one in (await house.get(f"{AT}/{kind}"))["items"]] == [second["id"]]
    everything = (await house.get(f"{AT}/{kind}?replaced=true"))["items"]
    assert {one["id"]: one["replaced_by"] for one in everything} == {first["id"]: second["id"], second["id"]: None}
    again = await house.post(f"{AT}/{kind}", body(kind, corrects=first["id"]), 409)
    assert f"replaced by {second['id']}" in again["detail"]
    gone = await house.post(f"{AT}/{kind}/{second['id']}/withdraw", {"by": "b.rad"}, 201)
    assert (gone["withdrawn"], gone["corrects"]) == (True, second["id"])
    assert (await house.get(f"{AT}/{kind}"))["items"] == []
    assert len((await house.get(f"{AT}/{kind}?replaced=true"))["items"]) == 3
    await house.post(f"{AT}/{kind}/{second['id']}/withdraw", {"by": "b.rad"}, 409)
    await house.post(f"{AT}/{kind}/{gone['id']}/withdraw", {"by": "b.rad"}, 409)


WRONG: list[tuple[str, Mapping[str, object], str]] = [
    ("stops", {"code": "tea"}, "code"),
    ("stops", {"code": "reagents"}, "code"),  # of flotation, not of manganese
    ("stops", {"by": ""}, "by"),
    ("stops", {"by": "\x00"}, "by"),
    ("stops", {"by": "   "}, "by"),
    ("stops", {"from": "yesterday"}, "from"),
    ("stops", {"from": True}, "from"),
    ("stops", {"from": iso(END + 10 * MINUTE)}, "from"),
    ("stops", {"from": iso(END - 500 * DAY)}, "from"),
    ("stops", {"to": iso(END + 10 * MINUTE)}, "to"),
    ("stops", {"to": iso(END - 30 * MINUTE)}, "to"),
    ("stops", {"code": "maintenance", "from": iso(END + DAY)}, "to"),
    ("stops", {"code": "maintenance", "from": iso(END + 500 * DAY), "to": iso(END + 501 * DAY)}, "from"),
    ("stops", {"code": "maintenance", "from": iso(END - DAY), "to": iso(END + 370 * DAY)}, "to"),
    ("stops", {"corrects": 999}, "corrects"),
    ("stops", {"key": "short"}, "key"),
    ("stops", {"tonnes": 1}, "tonnes"),
    ("ore", {"moisture_pct": 100}, "moisture_pct"),
    ("ore", {"moisture_pct": -1}, "moisture_pct"),
    ("ore", {"moisture_pct": "6,5"}, "moisture_pct"),
    ("ore", {"moisture_pct": "NaN"}, "moisture_pct"),
    ("ore", {"ore": "x" * 41}, "ore"),
    ("ore", {"from": iso(END + DAY)}, "from"),
    ("targets", {"tph": 0}, "tph"),
    ("targets", {"tph": 31}, "tph"),  # a belt of 15 t/h nameplate carries 30
    ("plans", {"shift": 3}, "shift"),
    ("plans", {"day": "1405-09-04x"}, "day"),
    ("plans", {"day": "2031-01-01"}, "day"),
    ("plans", {"tonnes": 361}, "tonnes"),
    ("assays", {"element": "Au"}, "element"),
    ("assays", {"feed": 50}, "concentrate"),
    ("assays", {"tailings": 21}, "feed"),
    ("assays", {"tailings": -1}, "tailings"),
    ("assays", {"concentrate": 101}, "concentrate"),
    ("assays", {"to": iso(END + DAY)}, "to"),
    ("assays", {"to": iso(END - 9 * HOUR)}, "to"),
    ("assays", {"concentrate": None, "tailings": 30}, "feed"),
    ("scale-epochs", {"zero_drift_pct": 101}, "zero_drift_pct"),
    ("scale-epochs", {"from": iso(END + DAY)}, "from"),
]


@pytest.mark.parametrize(("kind", "wrong", "field"), WRONG)
async def test_what_is_impossible_names_the_field_and_changes_nothing(
    house: House, kind: str, wrong: Mapping[str, object], field: str
) -> None:
    problem = await house.post(f"{AT}/{kind}", body(kind, **wrong), 422)
    assert field in {error["field"] for error in problem["errors"]}, problem
    assert (await house.get(f"{AT}/{kind}"))["items"] == []


async def test_stops_do_not_overlap(house: House) -> None:
    first = await house.post(f"{AT}/stops", body("stops"), 201)
    problem = await house.post(f"{AT}/stops", body("stops", code="power"), 422)
    assert f"overlaps stop {first['id']} (no_ore" in problem["detail"]
    assert f"corrects: {first['id']}" in problem["detail"]
    # What lies before it, and what is planned for later, is no overlap.
    before = {"from": iso(END - 50 * MINUTE), "to": iso(END - 20 * MINUTE)}
    await house.post(f"{AT}/stops", body("stops", **before), 201)
    to_come = {"code": "maintenance", "from": iso(END + DAY), "to": iso(END + DAY + HOUR)}
    await house.post(f"{AT}/stops", body("stops", **to_come), 201)
    await house.post(f"{AT}/stops", body("stops", code="power", corrects=first["id"]), 201)


async def test_what_begins_at_one_time_is_said_once(house: House) -> None:
    first = await house.post(f"{AT}/ore", body("ore"), 201)
    assert f"entry {first['id']}" in (await house.post(f"{AT}/ore", body("ore", ore="other"), 422))["detail"]
    await house.post(f"{AT}/targets", body("targets"), 201)
    await house.post(f"{AT}/targets", body("targets", ore="VN-north"), 201)
    await house.post(f"{AT}/targets", body("targets", ore="VN-north", tph=9), 422)
    await house.post(f"{AT}/plans", body("plans"), 201)
    await house.post(f"{AT}/plans", body("plans", tonnes=80), 422)


async def test_a_unit_never_seen_and_a_kind_that_is_none(house: House) -> None:
    await house.post("/api/v1/units/xx-99/stops", body("stops"), 404)
    await house.get("/api/v1/units/xx-99/inputs", 404)
    await house.get(f"{AT}/dreams", 422)
    await house.post(f"{AT}/stops/1/withdraw", {"by": "x"}, 404)
    await house.get(f"{AT}/stops?after=here", 422)


async def test_entries_by_pages(house: House) -> None:
    for hours in (30, 20, 10):
        span = {"from": iso(END - hours * HOUR), "to": iso(END - (hours - 1) * HOUR)}
        await house.post(f"{AT}/stops", body("stops", **span), 201)
    first = await house.get(f"{AT}/stops?limit=2")
    assert [one["from"] for one in first["items"]] == [iso(END - 10 * HOUR), iso(END - 20 * HOUR)]
    rest = await house.get(f"{AT}/stops?limit=2&after={first['next']}")
    assert ([one["from"] for one in rest["items"]], rest["next"]) == ([iso(END - 30 * HOUR)], None)


async def test_what_is_in_force(house: House) -> None:
    empty = InputsInForceAnswer.model_validate(await house.get(f"{AT}/inputs"))
    assert (empty.stop, empty.ore, empty.target, empty.assay, empty.planned) == (None, None, None, None, [])
    assert empty.target_tph == 15.0
    assert empty.reasons[0].code == "no_ore"
    for kind in BODIES:
        await house.post(f"{AT}/{kind}", body(kind), 201)
    await house.post(
        f"{AT}/stops", body("stops", code="holiday", **{"from": iso(END + DAY), "to": iso(END + 2 * DAY)}), 201
    )
    told = InputsInForceAnswer.model_validate(await house.get(f"{AT}/inputs"))
    assert told.stop is not None
    assert told.stop.code == "no_ore"
    assert told.ore is not None
    assert told.ore.moisture_pct == 6.5
    assert told.target_tph == 12.5
    assert [one.code for one in told.planned] == ["holiday"]
    assert told.scale_epoch is not None
    assert told.scale_epoch.epoch == 1
    assert told.elements[0] == "Mn"
    assert told.ores == ["VN-north"]
    assert len(told.plans) == 14


async def test_recovery_with_its_error_or_the_reason_why_not(house: House) -> None:
    made = await house.post(f"{AT}/assays", body("assays"), 201)
    assert made["recovery_pct"] == pytest.approx(100 * (14 / 38) * 44 / 20, abs=0.01)
    assert 0 < made["sigma_pct"] < 5
    part = await house.post(f"{AT}/assays", body("assays", concentrate=None, tailings=None), 201)
    assert (part["recovery_pct"], part["no_figure"]) == (None, "incomplete")
    near = await house.post(f"{AT}/assays", body("assays", feed=25, concentrate=35, tailings=20), 201)
    assert (near["recovery_pct"], near["no_figure"]) == (None, "sigma")
    zinc = body("assays", element="Zn", feed=8, concentrate=50, tailings=1)
    two = await house.post("/api/v1/units/zn-01/assays", zinc, 201)
    assert (two["recovery_pct"], two["no_figure"]) == (None, "two_concentrates")
