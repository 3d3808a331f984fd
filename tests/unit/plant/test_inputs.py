"""What people say, as the deciding code asks for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.plant.inputs import ALWAYS_MS, HOUR_MS, Flags, Ore, Plan, Stop, Target, UnitInputs, spans_of
from orewatch.plant.stop_codes import StopCodeError, StopEffect, codes_for, read_stop_codes, stop_codes

PLANNED = Stop(100, 200, "maintenance", StopEffect.PLANNED)
OPEN = Stop(300, None, "no_ore", StopEffect.DELAY)


def test_flags_of_an_instant_and_until_when_they_hold() -> None:
    said = UnitInputs(stops=(PLANNED, OPEN), plans=(Plan(150, 250, 0), Plan(250, 300, 80)))
    assert said.flags(99) == Flags()
    assert said.flags(100) == Flags(planned=True)
    assert said.flags(150) == Flags(planned=True, scheduled=False)
    assert said.flags(200) == Flags(scheduled=False)
    assert said.flags(250) == Flags()
    assert said.flags(300) == said.flags(ALWAYS_MS - 1) == Flags(coded=True)
    assert said.flags_until(300) == ALWAYS_MS


@given(st.integers(0, 400), st.integers(0, 400))
def test_flags_do_not_change_before_they_say_so(at: int, later: int) -> None:
    said = UnitInputs(stops=(PLANNED, OPEN), plans=(Plan(150, 250, 0),))
    if at <= later < said.flags_until(at):
        assert said.flags(later) == said.flags(at)


def test_spans_for_history() -> None:
    spans = spans_of(UnitInputs(stops=(PLANNED, OPEN), plans=(Plan(150, 250, 0),)))
    assert spans == {"planned": [(100, 200)], "coded": [(300, ALWAYS_MS)], "failed": [], "unscheduled": [(150, 250)]}


def test_the_stop_of_an_instant_and_of_an_interval() -> None:
    said = UnitInputs(stops=(PLANNED, OPEN))
    assert said.stop_at(199) == PLANNED
    assert said.stop_at(250) is None
    assert said.stop_over(150, 290) == PLANNED
    assert said.stop_over(190, 400) == OPEN  # it covers more of it
    assert said.stop_over(200, 300) is None


def test_moisture_takes_the_water_out() -> None:
    said = UnitInputs(ores=(Ore(100, "A", 0.0), Ore(200, "B", 8.0)))
    assert said.ore_at(99) is None
    assert said.dry_share(99) == 1.0
    assert said.dry_share(200) == pytest.approx(0.92)
    assert [ore.kind.moisture for ore in (Ore(0, "A", 4.9), Ore(0, "A", 5.0), Ore(0, "A", 10.0))] == [
        "dry",
        "damp",
        "wet",
    ]


def test_the_target_of_the_ore_goes_before_the_target_of_any() -> None:
    said = UnitInputs(
        ores=(Ore(0, "hard", 3.0), Ore(2 * HOUR_MS, "soft", 3.0)),
        targets=(Target(0, 10.0, None), Target(0, 8.0, "hard"), Target(3 * HOUR_MS, 12.0, None)),
    )
    assert said.target_tph(HOUR_MS, 99.0) == 8.0
    assert said.target_tph(2 * HOUR_MS, 99.0) == 10.0
    assert said.target_tph(3 * HOUR_MS, 99.0) == 12.0
    assert said.target_tph(-1, 99.0) == 99.0
    assert said.expected_t(0, 4 * HOUR_MS, 99.0) == pytest.approx(8 + 8 + 10 + 12)


def test_every_mineral_has_its_reasons_in_both_languages() -> None:
    for mineral in ("lead", "zinc", "manganese", "bauxite", "gold"):
        codes = codes_for(mineral)
        assert {code.effect for code in codes} == set(StopEffect)
        assert {"no_ore", "choke", "power", "water", "maintenance", "weather"} <= {code.code for code in codes}
    assert "reagents" in {code.code for code in codes_for("lead")} - {code.code for code in codes_for("bauxite")}
    assert all(code.title["en"] and code.title["fa"] for code in stop_codes().values())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('[code.x]\ntitle = { en = "X", fa = "X" }\neffect = "tea"', "code.x: effect 'tea'; allowed: planned"),
        ('[code.x]\ntitle = { en = "X" }\neffect = "delay"', "code.x: title"),
    ],
)
def test_a_wrong_code_is_named(entry: str, said: str) -> None:
    with pytest.raises(StopCodeError, match=said):
        read_stop_codes(entry)
