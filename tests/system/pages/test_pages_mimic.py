"""The circuit on the unit page: tiles in the order of the flow, lines between them, lamps, directions; the shift."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from orewatch.plant.catalogue import catalogue
from tests.system.pages.conftest import picture
from tests.system.pages.plant import UNITS, Told

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

# Where each stream's line begins and ends against the tiles it joins, in pixels beyond their edges (0: it touches).
TOUCHES = """() => {
  const mimic = document.querySelector(".mimic").getBoundingClientRect();
  const box = (id) => document.querySelector(`.tile[data-machine="${id}"]`).getBoundingClientRect();
  const off = ([x, y], b) => Math.max(b.left - mimic.left - x, x - b.right + mimic.left,
    b.top - mimic.top - y, y - b.bottom + mimic.top);
  return [...document.querySelectorAll(".stream:not([hidden])")].map((one) => {
    const numbers = (path) => one.querySelector(path).getAttribute("d").match(/-?[\\d.]+/g).map(Number);
    return [one.dataset.from, one.dataset.to, off(numbers(".line").slice(0, 2), box(one.dataset.from)),
      off(numbers(".tip").slice(0, 2), box(one.dataset.to))];
  });
}"""


def lines_of(page: Page) -> list[list[Any]]:
    expect(page.locator(".stream .line").first).to_have_attribute("d", re.compile("^M"))
    lines: list[list[Any]] = page.evaluate(TOUCHES)
    return lines


def edge(tile: Locator, side: Literal["x", "y"]) -> float:
    box = tile.bounding_box()
    assert box is not None
    return box[side]


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("unit", sorted(UNITS))
def test_the_circuit_is_drawn_as_the_ore_flows(visit: Visit, unit: str, language: str) -> None:
    page = visit(f"/units/{unit}", language=language)
    circuit = catalogue().circuits[UNITS[unit].circuit]
    expect(page.locator(".tile")).to_have_count(len(circuit.machines))
    shown = page.locator(".tile").evaluate_all("tiles => tiles.map((tile) => tile.dataset.machine)")
    assert shown == list(circuit.machines)
    lines = lines_of(page)
    assert {(one[0], one[1]) for one in lines} == {(s.source, s.target) for s in circuit.streams}
    assert [one for one in lines if max(abs(one[2]), abs(one[3])) > 1.5] == []
    order = list(circuit.machines)
    for stream in circuit.streams:
        line = page.locator(f".stream[data-from={stream.source}][data-to={stream.target}]")
        back = order.index(stream.target) < order.index(stream.source)
        expect(line).to_have_attribute("data-back", str(back).lower())
        if stream.title:
            expect(line.locator("text")).to_have_text(stream.title[language])
    # From the left in English, from the right in Persian.
    first, second = (edge(page.locator(".tile").nth(n), "x") for n in (0, 1))
    assert (first < second) == (language == "en")
    # The genset is power, not flow: it stands below, across the whole width.
    tops = {name: edge(page.locator(f".tile[data-machine={name}]"), "y") for name in order}
    assert tops.pop("genset") > max(tops.values())


@pytest.mark.parametrize("language", ["en", "fa"])
def test_on_a_phone_the_flow_runs_downwards(visit: Visit, language: str) -> None:
    page = visit("/units/zn-01", size=(360, 740), language=language)
    expect(page.locator(".mimic")).to_have_attribute("data-upright", "true")
    lines = lines_of(page)
    assert [one for one in lines if max(abs(one[2]), abs(one[3])) > 1.5] == []
    tops = [edge(tile, "y") for tile in page.locator(".tile").all()]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(tops)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_lines_are_drawn_again_when_the_page_is_resized(visit: Visit) -> None:
    page = visit("/units/pb-01")
    before = lines_of(page)
    page.set_viewport_size({"width": 820, "height": 900})
    page.wait_for_function(
        "Number(getComputedStyle(document.querySelector('.mimic')).getPropertyValue('--columns')) < 5"
    )
    page.wait_for_timeout(100)
    after = lines_of(page)
    assert len(after) == len(before)
    assert [one for one in after if max(abs(one[2]), abs(one[3])) > 1.5] == []


def test_a_circuit_that_nobody_knows_is_a_chain(visit: Visit, fake: FakeService) -> None:
    lead = UNITS["pb-01"]
    machines = {name: one for name, one in lead.machines.items() if name not in {"cone", "thickener"}}
    machines["jaw"] = replace(machines["jaw"], cls="roll_crusher")
    fake.units["pb-01"] = replace(lead, circuit="chromite", machines=machines)
    page = visit("/units/pb-01")
    expect(page.locator(".tile")).to_have_count(10)
    ends = [(one[0], one[1]) for one in lines_of(page)]
    flow = [name for name in machines if name != "genset"]
    assert ends == list(itertools.pairwise(flow))
    # A class of which nothing is known shows its first two values.
    expect(page.locator(".tile[data-machine=jaw] .bar")).to_have_count(2)


def test_lines_are_grey_when_nothing_flows(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/bx-01")
    expect(page.locator(".stream[data-flows=true]")).to_have_count(5)
    fake.told["bx-01"].forced["crusher.running"] = (0.0, 192)
    expect(page.locator(".stream[data-from=crusher]")).to_have_attribute("data-flows", "false")
    expect(page.locator(".stream[data-from=feeder]")).to_have_attribute("data-flows", "true")
    fake.told["bx-01"].rate = 0.2
    expect(page.locator(".stream[data-flows=true]")).to_have_count(0)


def test_the_lamp_tells_running_stopped_and_what_is_wrong(visit: Visit, fake: FakeService) -> None:
    fake.told["pb-01"].forced |= {"jaw.plugged": (1.0, 192), "cone.running": (0.0, 192), "mill.running": (None, 0)}
    page = visit("/units/pb-01")
    for machine, run, word in (
        ("feeder", "run", "Running"),
        ("jaw", "fault", "Plugged"),
        ("cone", "stop", "Stopped"),
        ("mill", "unknown", "not known"),
    ):
        tile = page.locator(f".tile[data-machine={machine}]")
        expect(tile).to_have_attribute("data-run", run)
        expect(tile.locator(".tile-lamp")).to_have_text(word)
    expect(page.locator(".tile[data-machine=scale]")).to_have_attribute("data-run", "none")


def test_a_coded_stop_is_shown_by_its_reason_and_calls_for_somebody(visit: Visit, fake: FakeService) -> None:
    fake.told["mn-01"] = Told("PLANNED_STOP", "coded", 1_500_000, 0.0, 58.3, code="no_ore")
    page = visit("/units/mn-01")
    expect(page.locator(".big-badge")).to_have_attribute("data-tone", "attention")
    expect(page.locator(".big-badge")).to_have_text(re.compile("^no ore$", re.IGNORECASE))
    expect(page.locator(".segment").last).to_have_attribute("data-state", "CODED_STOP")
    expect(page.locator(".legend")).to_contain_text(re.compile("no ore *25 min", re.IGNORECASE))
    fake.told["mn-01"] = Told("PLANNED_STOP", "planned", 1_500_000, 0.0, 58.3, code="liner_change")
    expect(page.locator(".big-badge")).to_have_text("Planned stop")
    expect(page.locator(".big-badge")).to_have_attribute("data-tone", "calm")
    expect(page.locator(".head .reason")).to_have_text(re.compile("^liner change$", re.IGNORECASE))


def test_the_shift_against_its_plan(visit: Visit, fake: FakeService) -> None:
    told = fake.told["pb-01"]
    page = visit("/units/pb-01")
    shift = page.locator(".figure.shift")
    expect(shift).to_contain_text("26.4 of 44.0 t")
    # 5.2 of 8 hours: 28.6 t were due.
    expect(shift).to_contain_text("2.2 t behind plan")
    expect(shift).to_contain_text(re.compile(r"2 h 4[78] min left"))
    told.shift = (2, 5.2, 2.8, 20.0, 44.0)
    expect(shift).to_have_attribute("data-tone", "attention")
    told.shift = (2, 5.2, 2.8, 28.0, 44.0)
    expect(shift).to_contain_text("as planned")
    told.shift = (2, 5.2, 2.8, 28.0, None)
    expect(shift).to_contain_text("no plan")
    expect(shift.locator(".shift-track")).to_be_hidden()
    told.shift = (3, 5.2, 2.8, None, 0.0)
    expect(shift).to_contain_text("not worked")
    told.shift = None
    expect(shift).to_be_hidden()
    told.month, told.unknown_h, told.ore, told.moisture = None, 1.5, None, None
    expect(page.locator(".figure .unknown")).to_have_text("1 h 30 min of it unknown")
    expect(page.locator(".head")).not_to_contain_text("this month")
    expect(page.locator(".head")).not_to_contain_text("moisture")


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_pictures_of_every_circuit(visit: Visit, unit: str) -> None:
    for language, theme in (("en", "light"), ("fa", "dark")):
        page = visit(f"/units/{unit}", language=language, theme=theme)
        lines_of(page)
        picture(page.locator(".area-mimic"), f"mimic-{unit}-{language}-{theme}")
