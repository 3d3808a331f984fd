"""The stream cut, stalled and healed; the token; a browser whose clock is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

HOUR_MS = 3_600_000


def test_a_stalled_stream_is_said_and_heals(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    expect(page.locator(".lamp")).to_have_text("Live")
    fake.stalled = True  # the connection stays open, and never says anything again
    expect(page.locator("#outage")).to_be_visible()
    expect(page.locator("#outage")).to_contain_text("No news for")
    expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=15_000)
    expect(page.locator(".tile .bar[data-trust=lost]").first).to_be_visible()
    fake.stalled = False
    expect(page.locator(".lamp")).to_have_text("Live", timeout=25_000)
    expect(page.locator("#outage")).to_be_hidden()
    expect(page.locator(".tile .bar[data-trust=good]")).to_have_count(21)


def test_a_service_that_restarts_is_found_again(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    expect(page.locator("tbody tr")).to_have_count(4)
    fake.refusing = True
    expect(page.locator("#outage")).to_be_visible(timeout=15_000)
    fake.refusing = False
    expect(page.locator(".lamp")).to_have_text("Live", timeout=15_000)


def test_a_page_opened_while_the_service_starts_fills_itself(visit: Visit, fake: FakeService) -> None:
    fake.refusing = True
    page = visit("/units/pb-01")
    expect(page.get_by_text("The service does not answer yet.")).to_be_visible()
    fake.refusing = False
    expect(page.locator(".tile")).to_have_count(12, timeout=15_000)


def test_parts_that_come_later_come_over_a_link_that_fails(visit: Visit) -> None:
    page = visit("/units/pb-01")
    expect(page.locator(".tile .bar[data-trust=good]").first).to_be_visible()
    page.route("**/chart.js", lambda route: route.abort())
    page.locator("#trends").scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    assert page.locator(".trend").count() == 0
    page.unroute("**/chart.js")
    expect(page.locator(".trend")).to_have_count(3)


def test_a_token_is_asked_for_once(visit: Visit, fake: FakeService) -> None:
    fake.token = "correct horse battery"
    page = visit("/")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_count(1)
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Enter").click()
    expect(dialog).to_contain_text("not accepted")
    dialog.get_by_label("Token").fill("correct horse battery")
    dialog.get_by_role("button", name="Enter").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator(".lamp")).to_have_text("Live", timeout=15_000)
    assert page.evaluate("Object.values(localStorage).join().includes('horse')") is False


def test_the_servers_clock_counts_not_the_browsers(visit: Visit, fake: FakeService) -> None:
    fake.skew_ms = 3 * HOUR_MS  # as if the browser's clock were three hours late
    page = visit("/units/mn-01")
    # Since when it stands is measured against the server's time: 41 minutes, not minus two hours.
    expect(page.locator(".head .since")).to_contain_text(re.compile("^41 min"))
    expect(page.locator(".tile .age").first).to_have_text("now")
    shown = page.locator(".masthead time").get_attribute("datetime") or ""
    assert page.evaluate("text => Math.abs(Date.parse(text) - Date.now())", shown) > 2 * HOUR_MS
    expect(page.locator(".segment").last).to_have_attribute("data-state", "IDLE")


def test_an_outage_sticks_below_the_masthead_and_is_told_once(visit: Visit, fake: FakeService) -> None:
    page = visit("/", size=(360, 640))
    expect(page.locator("tbody tr")).to_have_count(4)
    fake.stalled = True
    expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=20_000)
    page.evaluate("scrollTo(0, 500)")
    bar, above = page.locator("#outage").bounding_box(), page.locator("#masthead").bounding_box()
    assert bar
    assert above
    assert abs(bar["y"] - above["height"]) <= 1
    # A landmark, to be found; no live region, which would count the seconds aloud.
    expect(page.locator("#outage")).to_have_attribute("role", "region")
    assert page.locator("#outage[aria-live]").count() == 0
    said, counted = page.locator("#masthead + [role=status]"), page.locator("#outage span").first
    told, shown = said.text_content(), counted.text_content()
    expect(counted).not_to_have_text(shown or "")
    assert said.text_content() == told
    assert "now" not in (page.locator("tbody td.seen").first.text_content() or "")
