"""The configuration page says of every setting what the code says."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, Field

from tests.configuration_reference import PAGE, TABLE, Place, places, table, written

PLACES = {place.name: place for place in places()}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_table_of_settings_is_on_the_page(page: str) -> None:
    shown = [found["name"] for found in TABLE.finditer(page)]
    assert sorted(shown) == sorted(PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_keys_defaults_and_limits_are_those_of_the_code(page: str, name: str) -> None:
    found = next(f for f in TABLE.finditer(page) if f["name"] == name)
    # Out of date? make reference
    assert found[0] == f"<!-- table: {name} -->\n{table(PLACES[name])}<!-- end -->"


def test_writing_the_page_again_changes_nothing(page: str) -> None:
    assert written(page) == page


def test_no_variable_is_named_that_does_not_exist(page: str) -> None:
    known = set(re.findall(r"`(OREWATCH_[A-Z_]+)` \|", page))
    prefixes = {place.variable for place in PLACES.values() if place.variable}
    named = set(re.findall(r"OREWATCH_(?:AGENT|COLLECTOR|API|DASHBOARDS)_[A-Z_]+", page))
    assert {n for n in named - known - prefixes if n.removesuffix("_FILE") not in known} == set()


def test_a_setting_without_meaning_is_an_error() -> None:
    class Mute(BaseModel):
        port: int = 1

    with pytest.raises(ValueError, match=r"Mute\.port: no description"):
        table(Place("mute", Mute, None))


def test_default_limits_and_variable_stand_in_the_row() -> None:
    class Tell(BaseModel):
        port: int = Field(default=1883, ge=1, lt=65_536, description="where a | stands")

    row = table(Place("tell", Tell, "OREWATCH_TELL_")).splitlines()[-1]
    assert row == r"| `port` | whole number | 1883 | ≥ 1, < 65536 | where a \| stands | `OREWATCH_TELL_PORT` |"


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="table 'agent spol'; allowed: agent, agent unit"):
        written("<!-- table: agent spol -->\n<!-- end -->")
