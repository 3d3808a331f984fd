"""Both languages say everything, in the words of the pages; a Persian board is Persian throughout."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.models import AlertKind, AlertState
from dashboards.language import Language, words
from orewatch.plant.catalogue import catalogue
from orewatch.plant.states import REASONS, STATES
from orewatch.plant.stop_codes import stop_codes
from tests.unit.dashboards.asked import boards

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
TEXTS = ROOT / "dashboards" / "texts"
STRINGS = ROOT / "api" / "pages" / "static" / "strings"
ENGLISH, PERSIAN = words(Language.ENGLISH), words(Language.PERSIAN)
PERSIAN_LETTER = re.compile(r"[\u0600-\u06ff]")
# What people read in a board's JSON.
READ = frozenset({"title", "description", "label", "noValue", "displayName", "text", "content", "tooltip", "alias"})
# Names that are written alike in every language.
ALIKE = frozenset({"–", "pH", "All", "$tag_unit", "$tag_unit $tag_machine", "$col", "${__field.labels.unit}"})  # noqa: RUF001


def test_both_have_the_same_keys_but_for_places() -> None:
    assert {k for k in PERSIAN.table if not k.startswith("place.")} == set(ENGLISH.table)
    assert any(k.startswith("place.") for k in PERSIAN.table)


def test_both_say_the_same_thing() -> None:
    places = re.compile(r"\{\w+\}")
    for key, english in ENGLISH.table.items():
        persian = PERSIAN(key)
        assert bool(english) == bool(persian), key
        assert sorted(places.findall(english)) == sorted(places.findall(persian)), key


def test_a_missing_word_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"fleet\.nonsense"):
        ENGLISH("fleet.nonsense")


@pytest.mark.parametrize("language", Language)
def test_the_words_of_the_plant_are_those_of_the_pages(language: Language) -> None:
    pairs = re.compile(r'^\s*"([^"]+)": "((?:[^"\\]|\\.)*)",', re.MULTILINE)
    pages: dict[str, str] = {}
    for part in ("", "alerts.", "unit.", "maintenance."):
        pages |= dict(pairs.findall((STRINGS / f"{part}{language}.js").read_text(encoding="utf-8")))
    kept = tomllib.loads((TEXTS / f"words.{language}.toml").read_text(encoding="utf-8"))
    assert kept == {key: pages.get(key) for key in kept}


@pytest.mark.parametrize("say", [ENGLISH, PERSIAN])
def test_everything_the_store_names_has_its_word(say: Any) -> None:
    wanted = [f"state.{state}" for state in STATES] + [f"reason.{reason}" for reason in REASONS]
    for cls in catalogue().classes.values():
        wanted += [f"signal.{name}" for name in cls.signals]
        wanted += [f"ucum.{signal.unit}" for signal in cls.signals.values() if signal.unit != "1"]
    wanted += [f"kind.{kind}" for kind in AlertKind] + [f"alert.state.{state}" for state in AlertState]
    wanted += [f"code.{code}" for code in stop_codes()]
    wanted += [f"mineral.{circuit.mineral}" for circuit in catalogue().circuits.values()]
    assert [key for key in wanted if key not in say] == []


def said(value: Any, key: str = "", where: str = "") -> Iterator[tuple[str, str]]:
    """Yield (place, text) of everything that people read."""
    if isinstance(value, dict):
        # An override's property says which of ours it is beside its value.
        if value.get("id") in READ and isinstance(value.get("value"), str):
            yield f"{where}.{value['id']}", value["value"]
        for name, inner in value.items():
            yield from said(inner, name, f"{where}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from said(inner, key, where)
    elif isinstance(value, str) and key in READ and value:
        yield where, value


@pytest.mark.parametrize("name", [name for name in boards() if name.endswith("-fa")])
def test_a_persian_board_is_persian(name: str) -> None:
    units = set(PERSIAN.group("ucum").values())
    strange = [
        (where, text)
        for where, text in said(boards()[name])
        if not PERSIAN_LETTER.search(text)
        and text not in ALIKE | units
        and not where.endswith(("links.title", "transformations.options.alias"))
    ]
    assert strange == []


@pytest.mark.parametrize("name", [name for name in boards() if name.endswith("-en")])
def test_an_english_board_is_english(name: str) -> None:
    persian = [text for _, text in said(boards()[name]) if PERSIAN_LETTER.search(text)]
    assert persian == [ENGLISH("link.language")]


def test_nothing_is_said_that_no_board_says() -> None:
    kept = tomllib.loads((TEXTS / "boards.en.toml").read_text(encoding="utf-8"))
    everything = "\n".join(text for board in boards().values() for _, text in said(board))
    unused = []
    for key, text in kept.items():
        if key.startswith(("limit.", "list", "ucum.")):
            continue
        parts = [part for part in re.split(r"\{\w+\}", text) if part.strip(" :")]
        if not all(part in everything for part in parts):
            unused.append(key)
    assert unused == []
