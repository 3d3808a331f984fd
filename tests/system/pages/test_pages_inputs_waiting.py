"""What is being typed or waits to be sent on the page of inputs stays as it is while the page reads anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.inputs_page import at_noon, done, opened, save

if TYPE_CHECKING:
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
