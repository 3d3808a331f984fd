"""How the tests act on the page of inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.system.pages.plant import HOUR_MS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

DAY_MS = 24 * HOUR_MS
NOON = 1_795_433_400_000  # 2026-11-23T11:30Z: 15:00 in Tehran, Monday 2 Azar 1405


def at_noon(fake: FakeService) -> None:
    fake.skew_ms = NOON - (fake.now_ms() - fake.skew_ms)


def opened(visit: Visit, kind: str, *, unit: str = "mn-01", name: str = "A. Karimi", **options: Any) -> Page:
    page = visit(f"/units/{unit}/inputs", **options)
    page.locator(f"#tab-{kind}").click()
    expect(page.locator(f"#panel-{kind}")).to_be_visible()
    if name:
        page.locator("#who input").fill(name)
    return page


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[role=tabpanel]:visible [data-field='{name}']")


def put(page: Page, **values: str) -> None:
    for name, value in values.items():
        field(page, name).locator("input:not([type=checkbox]), textarea").first.fill(value)


def clock(page: Page, name: str, time: str, day: str | None = None) -> None:
    box = field(page, name)
    tick = box.locator("[type=checkbox]")
    if tick.count() and tick.is_checked():
        tick.uncheck()
    if day is not None:
        box.locator("select").select_option(day)
    box.locator(".time-field").fill(time)


def save(page: Page) -> None:
    page.locator("[role=tabpanel]:visible form.entry-form .actions .primary").click()


def done(page: Page) -> Locator:
    return page.locator("[role=tabpanel]:visible .done")


def rows(page: Page) -> Locator:
    return page.locator("[role=tabpanel]:visible .entry")
