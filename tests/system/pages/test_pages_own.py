"""Alerts on orewatch itself: in the list, on their own page, and in a line above the fleet; no unit is to blame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from api.alerting.book import AlertRecord
from api.alerting.models import OWN_KINDS, AlertKind
from api.notify.texts import sentences
from tests.system.pages.alerts_fake import clear, raise_alert

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def raise_own(
    fake: FakeService, kind: AlertKind = AlertKind.STORE_DOWN, reason: str = "unwritable", **figures: Any
) -> dict[str, Any]:
    now = fake.now_ms()
    record = AlertRecord(
        unit="orewatch",
        kind=kind,
        priority="medium",
        reason=reason,
        figures=figures or {"store": "influxdb", "blocks": 1840},
        onset_ms=now - 1_500_000,
        raised_ms=now - 1_200_000,
        recorded_ms=now,
        changed_ms=now,
    )
    more = {"text": sentences(record, None), "reason": reason, "figures": dict(record.figures), "tonnes_lost": None}
    return raise_alert(fake, "orewatch", kind.value, record.priority, **more)


def test_it_stands_in_the_list_and_leads_to_no_unit(visit: Visit, fake: FakeService) -> None:
    raise_own(fake)
    page = visit("/alerts")
    row = page.locator(".alert-row", has_text="Store down")
    expect(row).to_contain_text("influxdb has taken nothing since")
    expect(row.locator(".unit")).to_have_text("orewatch")
    assert row.locator(".unit").get_attribute("href") is None
    page.get_by_label("Kind").select_option("store_down")
    expect(page.locator(".alert-row")).to_have_count(1)
    assert page.locator("optgroup").get_attribute("label") == "orewatch itself"
    assert page.locator("optgroup option").count() == len(OWN_KINDS)


def test_its_page_says_what_to_do_and_asks_for_no_plant(visit: Visit, fake: FakeService) -> None:
    number = raise_own(fake)["id"]
    asked: list[str] = []
    page = visit(f"/alerts/{number}")
    page.on("request", lambda request: asked.append(request.url))
    head = page.locator(".one-head")
    expect(head).to_contain_text("1840 blocks wait in the journal. Nothing is lost.")
    expect(head).to_contain_text("Start the store again")
    expect(head.locator("[data-fact=lost]")).to_be_hidden()
    expect(page.locator(".one-around")).to_be_hidden()
    expect(page).to_have_title("Store down · orewatch")
    page.evaluate("localStorage.setItem('orewatch.name', 'a.karimi')")
    page.locator("#deeds").get_by_role("button", name="Acknowledge").click()
    expect(head.locator(".pill")).to_have_text("acknowledged")
    assert not any("/units/orewatch" in url for url in asked)


def test_the_fleet_page_says_it_in_a_line_that_comes_and_goes(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    expect(page.locator("#headline")).to_contain_text("need attention")
    told = page.locator("#headline").inner_text()
    expect(page.locator("#own")).to_be_hidden()
    number = raise_own(fake)["id"]
    expect(page.locator("#own")).to_have_text("orewatch itself needs attention: 1 alert")
    assert page.locator("#headline").inner_text() == told, "no unit needs attention for it"
    raise_own(fake, AlertKind.DISK_FILLING, "soon", disk="service", hours=20.5, free_gib=3.2)
    expect(page.locator("#own")).to_have_text("orewatch itself needs attention: 2 alerts")
    page.locator("#own").click()
    expect(page.locator(".alert-row")).to_have_count(2)
    page.go_back()
    clear(fake, number)
    clear(fake, number + 1)
    expect(page.locator("#own")).to_be_hidden()


@pytest.mark.parametrize("size", [(1440, 900), (360, 740)])
@pytest.mark.parametrize("path", ["/", "/alerts", "alert"])
def test_it_fits_in_persian(visit: Visit, fake: FakeService, size: tuple[int, int], path: str) -> None:
    number = raise_own(fake, AlertKind.COLLECTOR_SILENT, "no_record", silent_s=130)["id"]
    page = visit(f"/alerts/{number}" if path == "alert" else path, size=size, language="fa")
    where = "#own" if path == "/" else ".alert-row .why" if path == "/alerts" else ".one-head .why"
    expect(page.locator(where).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    if path != "/":
        told = page.locator(".why", has_text="گردآورنده").first.inner_text()
        assert re.findall("[0-9A-Za-z]", told) == []
