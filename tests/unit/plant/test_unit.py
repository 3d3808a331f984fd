"""Units: made from circuits, sent as JSON and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orewatch.plant.catalogue import SignalRef, catalogue
from orewatch.plant.unit import Unit, UnitError, unit_from_circuit, unit_from_json
from tests.unit.plant.evidence_made import a_unit


@pytest.mark.parametrize("circuit", catalogue().circuits)
def test_a_description_reads_back_as_it_was(circuit: str) -> None:
    unit = replace(a_unit("xx-01", circuit), latitude=33.57, longitude=53.85, site="نخلک")
    assert unit_from_json(unit.to_json()) == unit


def test_a_description_is_small_enough_for_a_thin_link() -> None:
    assert len(a_unit().to_json().encode()) < 12_000


def test_limits_are_resolved_by_the_circuits_references() -> None:
    unit = a_unit()
    assert unit.signal(SignalRef("mill", "power")).warn_low == pytest.approx(76)
    with pytest.raises(KeyError):
        unit.signal(SignalRef("mill", "colour"))
    assert dict(unit.signals())[SignalRef("jaw", "plugged")].kind == "digital"


def test_target_is_the_nameplate_until_people_say_otherwise() -> None:
    assert (a_unit().nameplate_tph, a_unit().target_tph) == (6.0, 6.0)
    unit = make(nameplate_tph=8.0, target_tph=7.0, mineral="chromite")
    assert (unit.nameplate_tph, unit.target_tph, unit.mineral) == (8.0, 7.0, "chromite")


def make(**changes: Any) -> Unit:
    given = {"unit_id": "a", "circuit": "lead", "site": "s", "province": "p", "model": "m"}
    return unit_from_circuit(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"circuit": "gold"}, "circuit: 'gold' is unknown; allowed: lead, zinc, manganese, bauxite"),
        ({"nameplate_tph": 0.0}, "nameplate_tph: 0.0 is not a rate"),
        ({"target_tph": -1.0}, "target_tph: -1.0 is not a rate"),
        ({"target_tph": float("nan")}, "target_tph: nan is not a rate"),
        ({"nameplate_tph": 10_000.0}, "nameplate_tph: 10000.0 is not a rate"),
    ],
)
def test_what_is_impossible_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnitError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    "field", ["id", "roles", "machines", "nameplate_tph", "reference", "comms_grace_s", "latitude"]
)
def test_a_missing_field_is_named(field: str) -> None:
    table = json.loads(a_unit().to_json())
    del table[field]
    with pytest.raises(UnitError, match=field):
        unit_from_json(json.dumps(table))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "null", '{"roles": 1}', '{"roles": {}, "id": "a"}', a_unit().to_json().replace("digital", "?")],
)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="unit description"):
        unit_from_json(text)
