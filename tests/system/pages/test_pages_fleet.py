"""The fleet page: trouble first, counts, filter, the link to each unit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.plant import UNITS, Told

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def order(page: Page) -> list[str | None]:
    return [row.get_attribute("data-unit") for row in page.locator("tbody tr").all()]


def test_trouble_comes_first_and_says_so(visit: Visit) -> None:
    page = visit("/")
    expect(page.locator("h1")).to_have_text("2 of 4 units need attention")
    assert order(page) == ["mn-01", "zn-01", "bx-01", "pb-01"]
    row = page.locator("tr[data-unit=mn-01]")
    expect(row.locator(".badge")).to_have_text("Idle")
    expect(row.locator(".badge path")).to_have_attribute("d", re.compile("M5.5 3"))
    expect(row).to_contain_text("feeder stopped")
    expect(row).to_contain_text("41 min")
    expect(row).to_contain_text("58.3")
    expect(row.locator(".alert-count")).to_have_text("1")


def test_a_unit_that_falls_moves_to_the_top_by_itself(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    expect(page.locator("tbody tr")).to_have_count(4)
    fake.told["bx-01"] = Told("BREAKDOWN", "tripped", 30_000, 0.0, 171.4, alerts=1)
    expect(page.locator("tbody tr").first).to_have_attribute("data-unit", "bx-01")
    expect(page.locator("h1")).to_have_text("3 of 4 units need attention")
    fake.told = {name: replace(told, state="RUNNING", reason="producing") for name, told in fake.told.items()}
    expect(page.locator("h1")).to_have_text("All units are well")


def test_the_counts_filter_and_the_filter_is_in_the_address(visit: Visit) -> None:
    page = visit("/")
    page.locator(".chip", has_text="Running").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert "state=RUNNING" in page.url
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("#filter").fill("jajarm")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("#filter").fill("gold")
    expect(page.get_by_text("No unit matches this filter.")).to_be_visible()
    page.get_by_role("button", name="Clear filter").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    assert "state=" not in page.url


def test_persian_names_can_be_typed_too(visit: Visit) -> None:
    page = visit("/", language="fa")
    page.locator("#filter").fill("منگنز")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert order(page) == ["mn-01"]


def test_the_row_leads_to_the_unit_by_keyboard(visit: Visit) -> None:
    page = visit("/")
    page.locator("tr[data-unit=zn-01] a.name").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/units/zn-01$"))
    expect(page.locator("h1")).to_have_text("zn-01")


def test_a_lost_unit_is_unmistakable(visit: Visit, fake: FakeService) -> None:
    fake.told["pb-01"] = Told("COMMS_LOSS", "silent", 700_000, 5.4, 31.9, connection="lost", silent_ms=700_000)
    page = visit("/")
    row = page.locator("tr[data-unit=pb-01]")
    expect(row.locator(".badge")).to_have_text("No contact")
    expect(row).to_contain_text("Unit not connected")
    expect(row).to_contain_text("11 min ago")


def test_a_unit_that_appears_later_gets_its_row(visit: Visit, fake: FakeService) -> None:
    fake.units = {name: unit for name, unit in UNITS.items() if name != "zn-01"}
    page = visit("/")
    expect(page.locator("tbody tr")).to_have_count(3)
    fake.units = dict(UNITS)
    expect(page.locator("tbody tr")).to_have_count(4)


def test_an_empty_fleet_says_what_it_waits_for(visit: Visit, fake: FakeService) -> None:
    fake.units = {}
    page = visit("/")
    expect(page.locator("h1")).to_have_text("No unit has reported yet")


def test_names_from_outside_stay_text(visit: Visit, fake: FakeService) -> None:
    fake.units["pb-01"] = replace(fake.units["pb-01"], site="<img src=x onerror=alert(1)>", model="<script>1</script>")
    page = visit("/")
    expect(page.locator("tr[data-unit=pb-01]")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("tbody img").count() == 0
    page.locator("tr[data-unit=pb-01] a.name").click()
    expect(page.locator(".who-where")).to_contain_text("<script>1</script>")
