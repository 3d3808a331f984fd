"""The pages as people meet them: real Chromium on the whole demo, from the plant to the gauge."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.servers import program
from tests.system.pages.conftest import ARGUMENTS
from tests.system.test_demo import house, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

HOURS = 4
DAY_COVERED = 0.99
# Names of things, and units of measurement that are written in Latin letters everywhere.
AS_THEY_COME = re.compile(r"\b[a-z]{2}-\d\d\b|MPU-\d+|m³/h|m/s²|mm/s|kg/m|g/L|m/s|°C|kPa|kWh|kW|Hz|mm|pH|English|A\b")
# The share of the last 24 hours that the strip covers, of the part for which there can be history.
COVERED = """(hours) => {
  const wide = document.querySelector(".strip").clientWidth;
  const parts = [...document.querySelectorAll(".segment > rect:first-child")];
  return parts.reduce((all, part) => all + Number(part.getAttribute("width")), 0) / (wide * hours / 24);
}"""

pytestmark = [
    # amqtt and its helpers leave sockets to the collector of garbage when connections are cut.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Visitor:
    """Opens pages, and keeps what they complain about and whom they call."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.complaints: list[str] = []
        self.called: set[str | None] = set()

    async def open(self, path: str, language: str = "en") -> Page:
        context = await self.browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("request", lambda request: self.called.add(urlsplit(request.url).hostname))
        await page.goto(f"{self.address}{path}?lang={language}&theme=light")
        return page


@asynccontextmanager
async def visiting(address: str) -> AsyncIterator[Visitor]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        visitor = Visitor(browser, address)
        yield visitor
        await browser.close()


@pytest.mark.timeout(150)
async def test_three_people_find_what_they_need(tmp_path: Path) -> None:
    demo = house(tmp_path)
    await demo.seed(seconds=HOURS * 3600)
    async with running(demo) as client, visiting(str(client.base_url).rstrip("/")) as visitor:
        await the_officer_sees_trouble_first(visitor)
        await the_operator_stops_the_feeder(visitor)
        await the_fitter_acknowledges(visitor)
        await the_operator_says_why(visitor)
        await everything_is_persian(visitor)
        assert visitor.complaints == []
        assert visitor.called == {"127.0.0.1"}


async def the_officer_sees_trouble_first(visitor: Visitor) -> None:
    page = await visitor.open("/")
    await expect(page.locator("h1")).to_have_text("2 of 4 units need attention", timeout=15_000)
    rows = page.locator("tbody tr")
    await expect(rows.nth(0)).to_have_attribute("data-unit", "mn-01")
    await expect(rows.nth(0)).to_contain_text("Idle")
    await expect(rows.nth(1)).to_have_attribute("data-unit", "zn-01")
    await expect(rows.nth(1)).to_contain_text("Underperforming")
    for row in (rows.nth(0), rows.nth(1)):
        await expect(row.locator(".alert-count")).to_have_text("1")
    await expect(rows.nth(2).locator(".narrow-strip rect").first).to_be_attached(timeout=15_000)
    await page.context.close()


async def the_operator_stops_the_feeder(visitor: Visitor) -> None:
    # How soon they are drawn is measured in benchmarks/bench_live_page.py.
    page = await visitor.open("/units/pb-01")
    await every_gauge(page)
    await expect(page.locator(".segment").last).to_have_attribute("data-state", "RUNNING", timeout=10_000)
    assert float(await page.evaluate(COVERED, HOURS)) > DAY_COVERED
    # The strip ends in the state that the head shows.
    await expect(page.locator(".big-badge")).to_have_text("Running")

    flow = page.locator(".tile[data-machine=scale] .value")
    before = float(await flow.text_content() or "nan")
    assert before > 1.0
    await page.locator(".scenario[data-scenario=stop_feeder]").click()
    await expect(page.locator(".scenario[data-scenario=stop_feeder]")).to_have_attribute("aria-pressed", "true")
    # The machine itself is seen within the second or two, the flow as the belt empties, then the rule counts.
    feeder = page.locator(".tile[data-machine=feeder] .tile-lamp")
    await expect(feeder).to_have_text("Stopped", timeout=5_000)
    for _ in range(100):
        if float(await flow.text_content() or "nan") < before / 2:
            break
        await page.wait_for_timeout(200)
    else:
        pytest.fail(f"the flow did not fall below half of {before}")
    await expect(page.locator(".pending .time")).to_have_text(re.compile(r"^[45]:\d\d$"), timeout=20_000)
    await page.locator(".scenario[data-scenario=stop_feeder]").click()
    await page.context.close()


async def every_gauge(page: Page) -> None:
    # Not wait_for_function: it evaluates its text in the page, which the pages' own policy forbids.
    # A screen's acceleration is sampled once a minute: it may have none yet.
    try:
        good = page.locator(".tile:not([data-class=screen]) .bar[data-trust=good]")
        await expect(good).to_have_count(20, timeout=10_000)
    except AssertionError:
        shown = await page.evaluate(
            "[...document.querySelectorAll('.tile .bar')].map((d) => d.innerText + d.dataset.trust)"
        )
        pytest.fail(f"gauges: {shown}")


async def the_fitter_acknowledges(visitor: Visitor) -> None:
    page = await visitor.open("/units/mn-01")
    alert = page.locator(".alert").filter(has_text="Standing idle").first
    await expect(alert).to_have_attribute("data-state", "UNACK", timeout=10_000)
    await page.locator("#who").fill("Sara Ahmadi")
    await alert.get_by_role("button", name="Acknowledge").click()
    await expect(alert).to_have_attribute("data-state", "ACKED")
    await expect(alert).to_contain_text("Sara Ahmadi")
    await alert.get_by_role("button", name="Comment").click()
    await alert.get_by_label("Your comment").fill("The loader is broken")
    await alert.get_by_role("button", name="Send").click()
    await expect(alert).to_contain_text("The loader is broken")
    await page.context.close()


async def the_operator_says_why(visitor: Visitor) -> None:
    """One tap, against the real service: the state is explained, the alert ends, and the book has it."""
    page = await visitor.open("/units/mn-01")
    await page.evaluate("localStorage.setItem('orewatch.name', 'Reza Karimi')")
    await page.reload()
    await page.locator(".stop-reason[data-code=no_ore]").click(timeout=15_000)
    await expect(page.locator(".big-badge")).to_have_text("No ore", timeout=15_000)
    await expect(page.locator(".booked")).to_contain_text("Reza Karimi")
    stops = await page.evaluate("fetch('/api/v1/units/mn-01/stops').then((answer) => answer.json())")
    assert [(one["code"], one["by"], one["to"]) for one in stops["items"]] == [("no_ore", "Reza Karimi", None)]
    await page.context.close()


async def everything_is_persian(visitor: Visitor) -> None:
    for path, mark in (("/", "tbody tr .badge"), ("/units/zn-01", ".trend .line[d^=M]")):
        page = await visitor.open(path, language="fa")
        if path != "/":
            await page.locator("#trends").scroll_into_view_if_needed()
        await expect(page.locator(mark).first).to_be_attached(timeout=15_000)
        await expect(page.locator("html")).to_have_attribute("dir", "rtl")
        text = AS_THEY_COME.sub("", await page.locator("body").inner_text())
        assert re.findall(r"[0-9]", text) == [], path
        assert re.findall(r"[A-Za-z]+", text) == [], path
        await page.context.close()
