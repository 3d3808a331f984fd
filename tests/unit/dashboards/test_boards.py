"""The boards are dashboards that Grafana can read: places, numbers, names, links, limits and colours."""

from __future__ import annotations

import json
import re

import pytest

from dashboards.boards import BOARDS
from dashboards.build import as_json, dashboards, read_back
from dashboards.frame import uid_of
from dashboards.influxql import DATASOURCE_UID
from dashboards.language import Language, words
from dashboards.limits import in_words, steps_of
from dashboards.states import COLOURS, ORANGE, RED, UNSEEN
from orewatch.plant.catalogue import SignalKind, catalogue
from orewatch.plant.states import STATE_CODES, STATES
from tests.unit.dashboards.asked import boards, panels

every_board = pytest.mark.parametrize("name", boards())


def test_there_are_five_in_each_language() -> None:
    names = ("fleet", "unit", "machines", "production", "service")
    assert list(boards()) == [f"{name}-{language}" for name in names for language in ("en", "fa")]
    assert {board["uid"] for board in boards().values()} == {f"orewatch-{name}" for name in boards()}
    assert len({board["title"] for board in boards().values()}) == len(boards())


@every_board
def test_the_kit_reads_back_what_was_built(name: str) -> None:
    text = as_json(dashboards()[name])
    assert as_json(read_back(text)) == text


@every_board
def test_panels_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(boards()[name]):
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert cells
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@every_board
def test_numbers_and_letters_are_unique(name: str) -> None:
    numbers = [panel["id"] for panel in panels(boards()[name])]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    for panel in panels(boards()[name]):
        refs = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(refs)) == len(refs)


@every_board
def test_arithmetic_refers_to_questions_of_its_panel(name: str) -> None:
    for panel in panels(boards()[name]):
        hidden = {t["refId"] for t in panel.get("targets", []) if t.get("hide")}
        for target in panel.get("targets", []):
            if "expression" in target:
                assert set(re.findall(r"\$([A-Z])", target["expression"])) == hidden


@every_board
def test_only_our_data_source_and_nothing_from_afar(name: str) -> None:
    text = json.dumps(boards()[name])
    assert "http://" not in text
    assert "https://" not in text
    assert set(re.findall(r'"datasource": \{"type": "\w+", "uid": "([^"]+)"', text)) <= {DATASOURCE_UID, "__expr__"}


@every_board
def test_time_is_that_of_tehran(name: str) -> None:
    board = boards()[name]
    assert (board["timezone"], board["weekStart"], board["time"]["to"]) == ("Asia/Tehran", "saturday", "now")
    assert board["refresh"] in {"30s", "1m", "15m"}


@every_board
def test_links_lead_to_the_other_language_and_to_the_other_boards(name: str) -> None:
    board = boards()[name]
    title, _, language = name.rpartition("-")
    other = Language(language).other
    to_language, to_boards = board["links"]
    assert to_language["url"] == f"/d/{uid_of(title, other)}"
    assert f"{title}-{other}" in boards()
    assert to_boards["tags"] == [f"orewatch-{language}"]
    assert set(to_boards["tags"]) < set(board["tags"])
    assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


def test_a_units_name_leads_to_its_board_in_the_same_language() -> None:
    for language in Language:
        text = json.dumps(boards()[f"fleet-{language}"])
        found = set(re.findall(r'"url": "(/d/orewatch-unit[^"]*)"', text))
        assert found == {
            f"/d/orewatch-unit-{language}?var-unit=${{{name}:percentencode}}&${{__url_time_range}}"
            for name in ("__value.raw", "__field.labels.unit")
        }
    assert {v["name"] for v in boards()["unit-en"]["templating"]["list"]} >= {"unit"}


@every_board
def test_every_panel_says_what_to_do_about_nothing(name: str) -> None:
    for panel in panels(boards()[name]):
        if panel["type"] not in {"row", "text"}:
            assert panel["fieldConfig"]["defaults"]["noValue"]


def test_boards_of_scans_open_with_one_unit() -> None:
    for name in ("fleet-en", "unit-en", "machines-fa", "production-fa"):
        *places, unit = boards()[name]["templating"]["list"]
        assert all(variable["current"]["value"] == "$__all" for variable in places)
        assert all(v["multi"] and v["includeAll"] and v["allValue"] == ".*" for v in (*places, unit))
        opens_with_one = name.startswith(("unit", "machines"))
        assert unit.get("current", {}).get("value") == (None if opens_with_one else "$__all")


def test_states_have_a_word_and_a_colour_by_name_and_by_number() -> None:
    assert len(set(COLOURS.values())) == len(STATES)
    for language in Language:
        (timeline,) = [
            p for p in panels(boards()[f"fleet-{language}"]) if p["title"] == words(language)("fleet.timeline")
        ]
        (mapping,) = timeline["fieldConfig"]["defaults"]["mappings"]
        for state in STATES:
            shown = {"text": words(language)(f"state.{state}"), "color": COLOURS[state]}
            for key in (str(state), str(STATE_CODES[state])):
                assert {k: mapping["options"][key][k] for k in shown} == shown


def test_health_shows_everything_that_is_measured_with_its_limits() -> None:
    shown = {panel["title"]: panel for panel in panels(boards()["machines-en"])}
    say = words(Language.ENGLISH)
    for cls in catalogue().classes.values():
        for signal in cls.signals.values():
            if signal.kind is not SignalKind.ANALOG:
                continue
            panel = shown[f"{cls.title['en']}: {say(f'signal.{signal.name}')}"]
            shows = panel["fieldConfig"]["defaults"]
            limits = {signal.warn, signal.trip, signal.warn_low, signal.trip_low} - {None}
            drawn = {step["value"] for step in shows.get("thresholds", {}).get("steps", [])} - {None}
            assert drawn == limits
            style = {"mode": "dashed+area"} if limits else None
            assert shows["custom"].get("thresholdsStyle") == style
            assert panel["description"] == in_words(say, signal)


def test_limits_colour_what_lies_beyond_them() -> None:
    genset = catalogue().classes["genset"].signals
    assert steps_of(genset["frequency"]) == [
        (None, RED), (47.5, ORANGE), (49.0, UNSEEN), (51.0, ORANGE), (52.5, RED),
    ]  # fmt: skip
    assert steps_of(genset["coolant_temperature"]) == [(None, UNSEEN), (98, ORANGE), (105, RED)]
    assert steps_of(genset["engine_speed"]) == []


@pytest.mark.parametrize(
    ("language", "signal", "text"),
    [
        ("en", ("cone_crusher", "lube_pressure"), "Default limits: warning below 80 kPa, trip below 60 kPa. "),
        ("fa", ("cone_crusher", "lube_pressure"), "حدهای پیش‌فرض: هشدار زیر ۸۰ kPa، قطع زیر ۶۰ kPa. "),
        ("en", ("jaw_crusher", "vibration"), "usual value: warning above 2 times, trip above 3 times it."),
        ("fa", ("ball_mill", "power"), "مقدار تنظیم هر واحدند: هشدار بالای ۱٫۰۵ برابر، هشدار زیر ۰٫۸ برابر آن."),  # noqa: RUF001
        ("en", ("flotation_bank", "ph"), "No default limits."),
    ],
)
def test_limits_in_words(language: str, signal: tuple[str, str], text: str) -> None:
    cls, name = signal
    assert text in in_words(words(Language(language)), catalogue().classes[cls].signals[name])


def test_every_board_is_one_of_the_list() -> None:
    assert len(boards()) == 2 * len(BOARDS)


@every_board
def test_both_languages_show_the_same(name: str) -> None:
    title = name.rpartition("-")[0]
    english, persian = (list(panels(boards()[f"{title}-{language}"])) for language in ("en", "fa"))
    assert [(p["type"], p["gridPos"]) for p in english] == [(p["type"], p["gridPos"]) for p in persian]
