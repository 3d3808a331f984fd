"""The list of alerts: urgent first, filters, two taps, what is closed, what was not sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.alerts_fake import clear, closed, raise_alert

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

PHONE = (360, 740)
NAMED = "localStorage.setItem('orewatch.name', 'a.karimi')"


def rows(page: Page) -> list[str | None]:
    expect(page.locator("#open .alert-row").first).to_be_visible()
    return [row.get_attribute("data-id") for row in page.locator("#open .alert-row").all()]


def test_what_waits_comes_first_and_says_what_it_cost(visit: Visit, fake: FakeService) -> None:
    raise_alert(fake, "bx-01", "comms_loss", "high", reason="silent", tonnes_lost=None)
    fake.alerts[0] |= {"state": "ACKED", "acknowledged_by": "r.ahmadi", "acknowledged_at": fake.alerts[0]["raised_at"]}
    page = visit("/alerts")
    assert rows(page) == ["4", "2", "1"]
    expect(page.locator("h1")).to_have_text("2 alerts wait for somebody")
    taken = page.locator(".alert-row[data-id='1']")
    for part in ("Standing idle", "mn-01", "feeder stopped", "41 min", "9.2 t lost", "acknowledged by r.ahmadi"):
        expect(taken).to_contain_text(part)
    expect(taken.get_by_role("button", name="Acknowledge")).to_be_hidden()
    expect(page.locator(".alert-row[data-id='4'] .lost")).to_have_text("")
    assert page.title() == "(3) Alerts · orewatch"


def test_a_new_alert_appears_and_a_cleared_one_goes(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts")
    assert rows(page) == ["1", "2"]
    raise_alert(fake, "pb-01", "not_producing", "high")
    expect(page.locator("#open .alert-row").first).to_contain_text("pb-01")
    expect(page.locator(".sections .count")).to_have_text("3")
    clear(fake, 1)
    expect(page.locator(".alert-row[data-id='1'] .pill")).to_have_text("over, not acknowledged")
    fake.alerts[0]["state"] = "NORM"
    fake.alerts_changed += 1
    expect(page.locator("#open .alert-row")).to_have_count(2)


def test_two_taps_on_a_phone_and_the_name_is_asked_once(visit: Visit, fake: FakeService) -> None:
    raise_alert(fake, "bx-01", "comms_loss", "high")
    page = visit("/alerts", size=PHONE, has_touch=True, is_mobile=True)
    bar = page.locator("#bar")
    expect(bar).to_contain_text("bx-01")
    button = bar.get_by_role("button")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["y"] + box["height"] <= PHONE[1]  # in reach of the thumb without scrolling
    button.tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("a.karimi")
    dialog.get_by_role("button", name="Go on").tap()
    expect(bar).to_contain_text("mn-01")
    assert fake.alerts[-1]["acknowledged_by"] == "a.karimi"
    # From now on one tap does; but not one that was meant for the alert before.
    expect(button).to_be_enabled()
    button.tap()
    expect(bar).to_contain_text("zn-01")
    assert fake.alerts[0]["acknowledged_by"] == "a.karimi"
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_bar_does_not_take_a_tap_meant_for_another(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts", size=PHONE)
    expect(page.locator("#bar")).to_contain_text("mn-01")
    raise_alert(fake, "bx-01", "comms_loss", "high")
    expect(page.locator("#bar")).to_contain_text("bx-01")
    expect(page.locator("#bar button")).to_be_disabled(timeout=700)
    expect(page.locator("#bar button")).to_be_enabled()


def test_nobody_is_named_without_saying_so(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts")
    page.locator(".alert-row[data-id='1']").get_by_role("button").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert fake.alerts[0]["state"] == "UNACK"
    page.get_by_role("button", name=re.compile("Change name")).click()
    page.get_by_role("dialog").get_by_label("Your name").fill("<b>a</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You act as <b>a</b>")).to_be_visible()


def test_the_filters_are_in_the_address(visit: Visit, fake: FakeService) -> None:
    raise_alert(fake, "bx-01", "comms_loss", "high")
    page = visit("/alerts")
    page.get_by_label("Kind").select_option("idle")
    expect(page.locator("#open .alert-row")).to_have_count(1)
    assert "kind=idle" in page.url
    page.reload()
    assert rows(page) == ["1"]
    page.get_by_label("Priority").select_option("high")
    expect(page.get_by_text("No open alert matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#open .alert-row")).to_have_count(3)
    page.get_by_label("Unit", exact=True).select_option("zn-01")
    assert rows(page) == ["2"]
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Search the alerts").fill("below zn")
    assert rows(page) == ["2"]
    assert page.title().startswith("(3)")


def test_persian_words_are_found_however_they_are_typed(visit: Visit) -> None:
    page = visit("/alerts", language="fa")
    expect(page.locator("#open .alert-row")).to_have_count(2)
    page.locator("#search").fill("بي كار")  # an Arabic keyboard, and a space for the joiner
    expect(page.locator("#open .alert-row")).to_have_count(1)
    expect(page.locator("#open .alert-row")).to_contain_text("بی‌کار ایستاده")


def test_closed_ones_come_when_asked_for_a_page_at_a_time(visit: Visit, fake: FakeService) -> None:
    closed(fake, 70)
    page = visit("/alerts")
    expect(page.locator("#open .alert-row")).to_have_count(2)
    assert not any("NORM" in question for question in fake.questions)
    page.get_by_role("button", name="Show closed alerts").click()
    expect(page.locator("#closed .alert-row")).to_have_count(50)
    page.get_by_role("button", name="Show older ones").click()
    expect(page.locator("#closed .alert-row")).to_have_count(71)
    expect(page.get_by_role("button", name="Show older ones")).to_be_hidden()
    page.get_by_label("Unit", exact=True).select_option("mn-01")
    expect(page.locator("#closed .alert-row")).to_have_count(1)
    expect(page.locator("#closed .alert-row")).to_contain_text("lasted 1 h")


def test_what_was_not_sent_is_said(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts")
    page.evaluate(NAMED)
    row = page.locator(".alert-row[data-id='1']")
    expect(row).to_be_visible()
    page.context.set_offline(True)
    row.get_by_role("button").click()
    expect(page.locator("#fault")).to_contain_text("Not sent")
    expect(page.locator("#fault")).to_contain_text("mn-01")
    assert fake.alerts[0]["state"] == "UNACK"
    page.context.set_offline(False)
    row.get_by_role("button").click()
    expect(row.locator(".pill")).to_have_text("acknowledged")
    expect(page.locator("#fault")).to_be_hidden()


def test_somebody_was_faster(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts")
    page.evaluate(NAMED)
    expect(page.locator("#open .alert-row")).to_have_count(2)
    fake.period_s = 30  # the stream has not said it yet
    fake.alerts[0] |= {"state": "SHLVD", "shelved_until": fake.alerts[0]["raised_at"]}
    page.locator(".alert-row[data-id='1']").get_by_role("button").click()
    expect(page.locator("#fault")).to_contain_text("Somebody was faster")


def test_a_lost_link_is_said_and_heals(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts")
    expect(page.locator("#open .alert-row")).to_have_count(2)
    fake.stalled = True
    expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=15_000)
    expect(page.locator("#outage")).to_contain_text("Connection lost")
    raise_alert(fake, "bx-01", "comms_loss", "high")
    fake.stalled = False
    expect(page.locator("#open .alert-row")).to_have_count(3, timeout=25_000)
    expect(page.locator("#outage")).to_be_hidden()


def test_from_the_list_to_the_alert_to_the_unit(visit: Visit) -> None:
    page = visit("/alerts")
    page.get_by_role("link", name="Standing idle").click()
    expect(page.locator("h1")).to_have_text("Standing idle")
    page.locator(".one-head").get_by_role("link", name="mn-01").click()
    expect(page.locator("h1")).to_have_text("mn-01")
    page.locator(".alert").get_by_role("link", name="Standing idle").click()
    expect(page).to_have_url(re.compile("/alerts/1$"))
