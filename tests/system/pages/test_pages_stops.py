"""Why the unit stands, in one tap: asked while it stands, corrected by another, undone for a while."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.system.pages.conftest import picture
from tests.system.pages.plant import Told
from tests.system.pages.stops_page import KEPT, emptied, named, tap

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

# What of the panel reaches beyond the page.
WIDE = """[...document.querySelectorAll("#stop, #stop *")].map((one) => [one.className, one.getBoundingClientRect()])
  .filter(([, box]) => box.right > innerWidth + 0.5 || box.left < -0.5).map(([name]) => name)"""


def test_one_tap_books_the_stop_from_its_onset(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    onset = fake.now_ms() - fake.told["mn-01"].for_ms
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    tap(page, "No water")
    emptied(page)
    expect(page.locator(".booked")).to_have_text(re.compile("^No water · by .A. Karimi., .* until it runs again$"))
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_text("No water")
    (path, body) = fake.inputs.posts[0]
    assert path == "/api/v1/units/mn-01/stops"
    assert (body["code"], body["to"], body["by"]) == ("water", None, "A. Karimi")
    assert abs(datetime.fromisoformat(body["from"]).timestamp() * 1000 - onset) < 10_000
    assert len(body["key"]) == 36
    assert page.evaluate(KEPT) == 0
    # The unit counts as stopped for a reason now; the panel stays, and shows which.
    expect(page.locator(".big-badge")).to_have_attribute("data-state", "CODED_STOP")
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_text("No water")


def test_the_name_is_asked_once_and_the_tap_is_not_lost(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    tap(page, "No power")
    expect(page.get_by_label("Your name").first).to_be_focused()
    assert fake.inputs.posts == []
    page.keyboard.press("Enter")  # no name: still asked
    page.keyboard.type("<script>alert(1)</script>")
    page.keyboard.press("Enter")
    emptied(page)
    expect(page.locator(".booked")).to_contain_text("No power · by \u2068<script>alert(1)</script>")
    assert fake.inputs.posts[0][1]["by"] == "<script>alert(1)</script>"
    tap(page, "No fuel")
    emptied(page)
    expect(page.locator(".booked")).to_contain_text("No fuel")
    assert len(fake.inputs.posts) == 2


def test_another_tap_corrects_and_undo_withdraws(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    tap(page, "No ore")
    emptied(page)
    expect(page.locator(".booked")).to_contain_text("No ore")
    first = fake.inputs.entries("mn-01", "stops")[0]
    tap(page, "Choke")
    emptied(page)
    expect(page.locator(".booked")).to_contain_text("Choke")
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert (entry.corrects, entry.own["code"], entry.from_ms) == (first.id, "choke", first.from_ms)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_count(0)
    emptied(page)
    assert fake.inputs.entries("mn-01", "stops") == []


def test_the_order_of_reasons_does_not_change_under_the_finger(visit: Visit) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    titles = page.locator(".stop-reason").all_inner_texts()
    tap(page, "Weather")
    expect(page.locator(".booked")).to_contain_text("Weather")
    assert page.locator(".stop-reason").all_inner_texts() == titles
    page.reload()
    expect(page.locator(".stop-reason").first).to_have_text("Weather")  # most used first, from then on


def test_while_it_runs_only_a_small_link_stands_there(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    expect(page.get_by_role("link", name="Stops, ore, plans, assays")).to_be_visible()
    assert page.locator(".stop-reason").count() == 0
    fake.told["pb-01"] = Told("STARVED", "hopper_empty", 60_000, 0.0, 31.9)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.told["pb-01"] = Told("RUNNING", "producing", 1_000, 5.4, 31.9)
    expect(page.locator(".stop-reason")).to_have_count(0)
    page.get_by_role("link", name="Plan a stop").click()
    expect(page).to_have_url(re.compile("/units/pb-01/inputs#stops$"))


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("fa", "dark")])
def test_buttons_are_big_and_fit_a_phone(visit: Visit, fake: FakeService, language: str, theme: str) -> None:
    fake.told["mn-01"] = Told("STARVED", "hopper_empty", 600_000, 0.0, 31.9)
    page = visit("/units/mn-01", size=(360, 740), language=language, theme=theme)
    named(page, "علی کریمی" if language == "fa" else "A. Karimi")
    expect(page.locator(".stop-reason").first).to_be_visible()
    expect(page.locator(".lamp")).to_have_attribute("data-link", "live")
    boxes = [box.bounding_box() for box in page.locator(".stop-reason").all()]
    assert all(box and box["height"] >= 48 and box["width"] >= 48 for box in boxes)
    assert page.evaluate(WIDE) == []
    page.context.set_offline(True)
    page.locator(".stop-reason").nth(1).click()
    expect(page.locator(".outbox")).to_be_visible()
    assert page.evaluate(WIDE) == []
    picture(page, f"stop-phone-{language}-{theme}")


def test_a_wrong_browser_clock_does_not_matter(visit: Visit, fake: FakeService) -> None:
    fake.skew_ms = 3_600_000
    page = visit("/units/mn-01")
    named(page)
    tap(page, "No ore")
    emptied(page)
    expect(page.locator(".booked")).to_contain_text("until it runs again")
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert abs(entry.from_ms - (fake.now_ms() - fake.told["mn-01"].for_ms)) < 10_000
