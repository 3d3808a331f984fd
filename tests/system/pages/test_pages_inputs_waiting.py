"""What is being typed or waits to be sent on the page of inputs stays as it is while the page reads anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.inputs_page import at_noon, done, field, opened, put, rows, save
from tests.system.pages.plant import HOUR_MS

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def test_a_plan_that_waits_stands_in_its_field_and_can_be_changed(visit: Visit, fake: FakeService) -> None:
    at_noon(fake)
    page = opened(visit, "plans")
    cell = page.locator(".plan-day input").first
    page.context.set_offline(True)
    cell.fill("60")
    save(page)
    expect(done(page)).to_contain_text("Kept in this browser.")
    page.wait_for_timeout(2_500)  # the page refreshes its forms every second
    expect(cell).to_have_value("60")
    cell.fill("70")
    save(page)
    expect(done(page)).to_contain_text("Kept in this browser.")
    page.context.set_offline(False)
    expect(page.locator(".outbox")).to_be_hidden(timeout=30_000)
    expect(page.locator("#tab-plans")).to_contain_text("70 t")
    expect(cell).to_have_value("70")
    assert [entry.own["tonnes"] for entry in fake.inputs.entries("mn-01", "plans")] == [70]


def test_a_reading_leaves_what_is_typed_and_open_in_the_list(visit: Visit, fake: FakeService) -> None:
    at = fake.now_ms() - 3 * HOUR_MS
    fake.inputs.say("mn-01", "ore", ore="VN-old", moisture_pct=5.0, from_ms=at)
    fake.inputs.say("mn-01", "ore", ore="VN-new", moisture_pct=5.0, from_ms=at, corrects=1)
    page = opened(visit, "ore")
    rows(page).get_by_text("History").click()
    rows(page).get_by_role("button", name="Withdraw").click()
    why = page.locator("#why-2")
    why.press_sequentially("wrong")
    fake.inputs.say("mn-01", "ore", ore="VN-later", moisture_pct=6.0, from_ms=at + HOUR_MS)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("VN-later")
    expect(why).to_have_value("wrong")
    expect(why).to_be_focused()
    expect(rows(page).last.locator(".trail li")).to_have_count(2)
    expect(rows(page).last.locator(".trail")).to_be_visible()


def test_what_is_typed_while_the_last_one_goes_stays(visit: Visit, fake: FakeService) -> None:
    page = opened(visit, "ore")

    def slowly(route: Route) -> None:
        page.wait_for_timeout(1_500)
        route.continue_()

    page.route("**/ore", slowly)
    put(page, ore="VN-one", moisture_pct="5")
    save(page)
    expect(field(page, "ore").locator("input")).to_have_value("")
    put(page, ore="VN-two")
    expect(done(page)).to_contain_text("Saved.")
    expect(field(page, "ore").locator("input")).to_have_value("VN-two")
    assert len(fake.inputs.posts) == 1


def test_a_correction_of_what_was_replaced_goes_to_what_took_its_place(visit: Visit, fake: FakeService) -> None:
    at = fake.now_ms() - HOUR_MS
    fake.inputs.say("mn-01", "targets", tph=12.0, ore=None, from_ms=at)
    page = opened(visit, "targets")
    rows(page).get_by_role("button", name="Correct").click()
    fake.inputs.say("mn-01", "targets", tph=11.0, ore=None, from_ms=at, corrects=1)
    put(page, tph="10")
    save(page)
    expect(page.locator("[role=tabpanel]:visible form .fault").first).to_contain_text("meanwhile")
    save(page)
    expect(done(page)).to_contain_text("Saved.")
    [entry] = fake.inputs.entries("mn-01", "targets")
    assert (entry.own["tph"], entry.corrects) == (10, 2)
