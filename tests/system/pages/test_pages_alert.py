"""The page of one alert: what it says, what the plant did around the onset, what people did and may do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.alerts_fake import clear
from tests.system.pages.plant import HOUR_MS, iso

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

NAMED = "localStorage.setItem('orewatch.name', 'a.karimi')"


def test_it_says_what_where_why_and_how_much(visit: Visit, fake: FakeService) -> None:
    fake.alerts[1]["figures"] = {"mean_tph": 5.21, "target_tph": 7.5, "window_min": 60.0, "votes": "target, own"}
    page = visit("/alerts/2")
    head = page.locator(".one-head")
    for part in ("Underperforming", "zn-01", "Angouran", "below target", "5.2 t/h, 69 % of target 7.5", "9.2 t"):
        expect(head).to_contain_text(part)
    expect(head).to_contain_text("Judged by: below its target · below its own usual")
    expect(head.locator("[data-fact=taken]")).to_contain_text("by nobody yet")
    expect(head.locator("[data-fact=cleared]")).to_contain_text("still stands")
    assert page.title() == "Underperforming, zn-01 · orewatch"


def test_the_signals_around_the_onset_are_on_one_scale(visit: Visit) -> None:
    page = visit("/alerts/1")
    charts = page.locator(".one-around .trend")
    expect(charts).to_have_count(3)
    for number in range(3):
        expect(charts.nth(number).locator(".line")).to_have_attribute("d", re.compile("^M.*L"))
        expect(charts.nth(number).locator(".marks .onset, .marks .raised")).to_have_count(2)
    expect(page.locator(".span-strip .segment")).to_have_count(2)
    expect(page.locator(".span-strip")).to_have_attribute("aria-label", re.compile("Idle 4. min"))
    x = [charts.nth(n).locator(".marks .onset path").get_attribute("d") for n in range(3)]
    assert len({re.findall(r"M([\d.]+) ", d or "")[0] for d in x}) == 1
    drop = page.locator(".span-strip .marks .onset path").get_attribute("d") or ""
    assert re.findall(r"M([\d.]+) ", drop)[0] == re.findall(r"M([\d.]+) ", x[0] or "")[0]
    assert page.locator(".mark-key li:visible").all_inner_texts() == ["began", "raised"]


def test_its_own_signal_comes_first(visit: Visit, fake: FakeService) -> None:
    fake.alerts[0] |= {"kind": "limit", "machine": "jaw", "signal": "bearing_temperature"}
    page = visit("/alerts/1")
    expect(page.locator(".one-around .trend")).to_have_count(4)
    expect(page.locator(".one-around .trend").first).to_contain_text("Bearing temperature")
    expect(page.locator(".one-head .where")).to_contain_text("Bearing temperature")


def test_a_long_alert_shows_its_onset_and_on_demand_all_of_it(visit: Visit, fake: FakeService) -> None:
    fake.alerts[0] |= {"onset_at": iso(fake.now_ms() - 20 * HOUR_MS), "raised_at": iso(fake.now_ms() - 19 * HOUR_MS)}
    page = visit("/alerts/1")
    near = page.get_by_role("button", name="Around the onset")
    expect(near).to_have_attribute("aria-pressed", "true")
    strip = page.locator(".span-strip")
    expect(strip).to_have_attribute("aria-label", re.compile("States from"))
    before = strip.get_attribute("aria-label")
    page.get_by_role("button", name="The whole span").click()
    expect(near).to_have_attribute("aria-pressed", "false")
    expect(strip).not_to_have_attribute("aria-label", before or "")


def test_people_take_it_speak_and_silence_it(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts/1")
    page.evaluate(NAMED)
    page.locator("#deeds").get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".one-head .pill")).to_have_text("acknowledged")
    expect(page.locator(".timeline")).to_contain_text("Acknowledged")
    page.get_by_label("Comment").fill("<b>feeder</b> belt torn")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".timeline .said")).to_have_text("<b>feeder</b> belt torn")
    expect(page.get_by_label("Comment")).to_have_value("")
    page.get_by_text("Shelve this alert").click()
    page.get_by_role("button", name="Shelve", exact=True).click()
    assert fake.alerts[0]["state"] == "ACKED"  # not without a reason
    page.get_by_label("For how long").select_option("60")
    page.get_by_label("Why").fill("waiting for the belt")
    page.get_by_role("button", name="Shelve", exact=True).click()
    expect(page.locator(".one-head .pill")).to_have_text("shelved")
    expect(page.locator(".timeline")).to_contain_text("Shelved for 1 h: waiting for the belt")
    page.get_by_role("button", name="End the shelving").click()
    expect(page.locator(".one-head .pill")).to_have_text("new")
    expect(page.locator(".timeline")).to_contain_text("Shelving ended")
    expect(page.locator(".timeline li").first).to_contain_text("It began")
    assert {note["by"] for note in fake.alerts[0]["notes"]} == {"a.karimi"}


def test_it_ends_in_sight(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts/1")
    expect(page.locator(".one-head [data-fact=lasts] dt")).to_have_text("Lasts")
    clear(fake, 1)
    expect(page.locator(".one-head .pill")).to_have_text("over, not acknowledged")
    expect(page.locator(".one-head [data-fact=lasts] dt")).to_have_text("Lasted")
    expect(page.locator(".timeline [data-kind=cleared]")).to_be_visible()


def test_a_comment_that_was_not_sent_is_kept_and_said(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts/1")
    page.evaluate(NAMED)
    page.get_by_label("Comment").fill("belt torn")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#deeds .fault")).to_contain_text("Not sent")
    expect(page.get_by_label("Comment")).to_have_value("belt torn")
    assert fake.alerts[0]["notes"] == []


def test_on_a_phone_the_button_is_at_the_foot(visit: Visit, fake: FakeService) -> None:
    page = visit("/alerts/1", size=(360, 740), language="fa")
    page.evaluate(NAMED)
    page.locator("#bar button").click()
    expect(page.locator("#bar")).to_be_hidden()
    assert fake.alerts[0]["acknowledged_by"] == "a.karimi"
    text = page.locator(".one-head").inner_text()
    assert re.findall("[0-9]", text.replace("mn-01", "")) == []


def test_an_unknown_number_is_said_to_be_unknown(visit: Visit) -> None:
    for number in ("77", "nonsense"):
        page = visit(f"/alerts/{number}")
        expect(page.get_by_text("There is no alert of this number.")).to_be_visible()
    page.get_by_role("link", name="Back to the alerts").click()
    expect(page.locator("h1")).to_contain_text("wait for somebody")


def test_without_history_the_rest_stands(visit: Visit, fake: FakeService) -> None:
    fake.alerts[0]["unit"] = "xx-99"
    page = visit("/alerts/1")
    expect(page.get_by_text("History is not available now.")).to_be_visible()
    expect(page.locator(".one-head")).to_contain_text("Standing idle")
