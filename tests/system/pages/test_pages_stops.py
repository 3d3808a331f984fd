"""Why the unit stands, in one tap: asked while it stands, kept and sent once whatever the link does."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.system.pages.conftest import ARTEFACTS
from tests.system.pages.plant import Told

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('orewatch.outbox.')).length"

# What of the panel reaches beyond the page.
WIDE = """[...document.querySelectorAll("#stop, #stop *")].map((one) => [one.className, one.getBoundingClientRect()])
  .filter(([, box]) => box.right > innerWidth + 0.5 || box.left < -0.5).map(([name]) => name)"""


def named(page: Page, name: str = "A. Karimi") -> None:
    page.evaluate("name => localStorage.setItem('orewatch.name', name)", name)


def emptied(page: Page) -> None:
    end = time.monotonic() + 30
    while page.evaluate(KEPT):
        assert time.monotonic() < end, page.evaluate("JSON.stringify(localStorage)")
        time.sleep(0.1)


def tap(page: Page, title: str) -> None:
    page.locator(".stop-reason", has_text=title).click()


def test_one_tap_books_the_stop_from_its_onset(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    onset = fake.now_ms() - fake.told["mn-01"].for_ms
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    tap(page, "No water")
    expect(page.locator(".booked")).to_have_text(re.compile("^No water · by .A. Karimi., .* until it runs again$"))
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_text("No water")
    (path, body) = fake.inputs.posts[0]
    assert path == "/api/v1/units/mn-01/stops"
    assert (body["code"], body["to"], body["by"]) == ("water", None, "A. Karimi")
    assert abs(datetime.fromisoformat(body["from"]).timestamp() * 1000 - onset) < 10_000
    assert len(body["key"]) == 36
    assert page.evaluate(KEPT) == 0
    # The unit counts as stopped for a reason now; the panel stays, and shows which.
    expect(page.locator(".big-badge")).to_have_attribute("data-state", "PLANNED_STOP")
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_text("No water")


def test_the_name_is_asked_once_and_the_tap_is_not_lost(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    tap(page, "No power")
    expect(page.get_by_label("Your name").first).to_be_focused()
    assert fake.inputs.posts == []
    page.keyboard.press("Enter")  # no name: still asked
    page.keyboard.type("<script>alert(1)</script>")
    page.keyboard.press("Enter")
    expect(page.locator(".booked")).to_contain_text("No power · by \u2068<script>alert(1)</script>")
    assert fake.inputs.posts[0][1]["by"] == "<script>alert(1)</script>"
    tap(page, "No fuel")
    expect(page.locator(".booked")).to_contain_text("No fuel")
    assert len(fake.inputs.posts) == 2


def test_another_tap_corrects_and_undo_withdraws(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("No ore")
    first = fake.inputs.entries("mn-01", "stops")[0]
    tap(page, "Choke")
    expect(page.locator(".booked")).to_contain_text("Choke")
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert (entry.corrects, entry.own["code"], entry.from_ms) == (first.id, "choke", first.from_ms)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    expect(page.locator(".stop-reason[aria-pressed=true]")).to_have_count(0)
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
    expect(page.get_by_role("link", name="Plan a stop")).to_be_visible()
    assert page.locator(".stop-reason").count() == 0
    fake.told["pb-01"] = Told("STARVED", "hopper_empty", 60_000, 0.0, 31.9)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.told["pb-01"] = Told("RUNNING", "producing", 1_000, 5.4, 31.9)
    expect(page.locator(".stop-reason")).to_have_count(0)
    page.get_by_role("link", name="Plan a stop").click()
    expect(page).to_have_url(re.compile("/units/pb-01/inputs#stops$"))


def test_offline_then_reloaded_then_online_it_is_sent_once(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("waiting to be sent")
    expect(page.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    expect(page.locator(".outbox")).to_contain_text("No ore")
    assert fake.inputs.posts == []
    # The link is back for the page, but the service refuses; then the page is loaded anew.
    fake.refusing = True
    page.context.set_offline(False)
    page.goto(page.url)
    assert page.evaluate(KEPT) == 1
    fake.refusing = False
    expect(page.locator(".booked")).to_contain_text("A. Karimi", timeout=20_000)
    expect(page.locator(".outbox")).to_be_hidden(timeout=20_000)
    assert page.evaluate(KEPT) == 0
    assert [entry.own["code"] for entry in fake.inputs.entries("mn-01", "stops")] == ["no_ore"]
    assert len({body["key"] for _, body in fake.inputs.posts}) == 1


def test_the_fleet_page_sends_what_waits(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(page.locator(".outbox")).to_be_visible()
    page.context.route("**/stops", lambda route: route.abort())
    page.context.set_offline(False)
    page.goto(page.url.split("/units")[0])
    expect(page.locator("tbody tr")).to_have_count(4)
    assert fake.inputs.entries("mn-01", "stops") == []
    page.context.unroute("**/stops")
    emptied(page)
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_an_answer_that_was_lost_makes_no_second_entry(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    lost: list[int] = []

    def lose(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
        else:
            lost.append(route.fetch().status)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

    page.route("**/stops", lose)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("until it runs again", timeout=20_000)
    assert lost == [201]
    assert len(fake.inputs.posts) == 2
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_changed_and_undone_while_it_may_have_arrived(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503] * 3
    tap(page, "No ore")
    expect(page.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    tap(page, "Choke")  # the first was tried already: it is corrected, not forgotten
    expect(page.locator(".outbox")).to_be_hidden(timeout=30_000)
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert entry.own["code"] == "choke"
    assert entry.corrects is not None
    fake.inputs.fail = [503] * 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    emptied(page)
    assert fake.inputs.entries("mn-01", "stops") == []


def test_two_pages_send_it_once(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(other.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    page.context.set_offline(False)
    expect(other.locator(".outbox")).to_be_hidden(timeout=20_000)
    expect(page.locator(".outbox")).to_be_hidden(timeout=20_000)
    assert [path for path, _ in fake.inputs.posts] == ["/api/v1/units/mn-01/stops"]


def test_a_session_that_ended_asks_for_the_token_and_goes_on(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [401]
    fake.token = "correct horse"
    # Tapped in the moment in which the session ends, before any question of the page has found it out.
    page.evaluate("document.querySelector('.stop-reason').click()")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Token").fill("correct horse")
    assert page.evaluate(KEPT) == 1
    dialog.get_by_role("button", name="Enter").click()
    expect(page.locator(".booked")).to_contain_text("until it runs again")
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_what_overlaps_is_refused_and_discarded_in_sight(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    since = fake.now_ms() - fake.told["mn-01"].for_ms
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.say("mn-01", "stops", code="road", effect="delay", from_ms=since - 60_000, to_ms=since + 60_000)
    tap(page, "No ore")
    refused = page.locator(".outbox-list [data-state=refused]")
    expect(refused).to_contain_text("Another stop is booked for part of this time.")
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    page.reload()
    expect(refused).to_be_visible()
    expect(refused.get_by_role("link", name="Correct")).to_have_attribute("href", "/units/mn-01/inputs#stops")
    refused.get_by_role("button", name="Discard").click()
    expect(page.locator(".outbox")).to_be_hidden()


def test_without_storage_it_is_kept_in_memory_and_said(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    page.add_init_script(
        "const refuse = () => { throw new DOMException('no', 'SecurityError'); };"
        "Object.defineProperty(window, 'localStorage', { get: refuse });"
    )
    page.goto(page.url.split("?")[0] + "units/mn-01?lang=en")
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503]
    tap(page, "No ore")
    page.keyboard.type("A. Karimi")
    page.keyboard.press("Enter")
    expect(page.locator(".outbox")).to_contain_text("This browser keeps nothing")
    expect(page.locator(".booked")).to_contain_text("until it runs again", timeout=20_000)


def test_a_full_outbox_refuses_loudly(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503] * 100
    page.evaluate(
        """() => {
          const one = { unit: "mn-01", kind: "ore", action: "add", id: null, after: null, at: null, tries: 0 };
          const body = { by: "A", ore: "X", moisture_pct: 1, from: "2026-01-01T00:00:00Z" };
          for (let order = 0; order < 500; order += 1) {
            const entry = { ...one, key: `k${order}`, order, state: "waiting", problem: null, body };
            localStorage.setItem(`orewatch.outbox.k${order}`, JSON.stringify(entry));
          }
        }"""
    )
    tap(page, "No ore")
    expect(page.locator("#stop .fault").first).to_contain_text("500 entries wait already")
    assert page.evaluate(KEPT) == 500


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
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"stop-phone-{language}-{theme}.png")


def test_a_wrong_browser_clock_does_not_matter(visit: Visit, fake: FakeService) -> None:
    fake.skew_ms = 3_600_000
    page = visit("/units/mn-01")
    named(page)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("until it runs again")
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert abs(entry.from_ms - (fake.now_ms() - fake.told["mn-01"].for_ms)) < 10_000
