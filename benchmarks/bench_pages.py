"""What the pages cost: bytes over the wire, time to the first gauges, the browser's processor at a frame a second.

Against the tests' small service, so that the pages alone are measured; with a real browser, from an empty cache.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from benchmarks.result import Result, at_most, stated

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

RUNS = 3
FRAMES_S = 10.0
KILOBYTE = 1000
# After the first gauges: until strip, alerts and controls have come, too.
STANDS_MS = 2500
FIRST_GAUGES = ".tile .bar[data-trust=good]"
FIRST_ROWS = "tbody tr .badge"
# Notes, inside the page, when a selector first matches: what the test tool takes to ask does not count.
WATCH = """
addEventListener("DOMContentLoaded", () => {
  const look = () => { if (!window.firstAt && document.querySelector("%s")) window.firstAt = performance.now(); };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
});
"""


def measure() -> list[Result]:
    """Return the figures; none where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return []
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

    from tests.system.pages.conftest import ARGUMENTS  # noqa: PLC0415
    from tests.system.pages.server import FakeService, serving  # noqa: PLC0415

    with sync_playwright() as playwright, serving(FakeService()) as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        visits = [_visit(browser, f"{address}/units/pb-01", FIRST_GAUGES) for _ in range(RUNS)]
        fleet = [_visit(browser, address, FIRST_ROWS) for _ in range(RUNS)]
        thread, process = _processor(browser, f"{address}/units/bx-01")
        browser.close()
    return [
        at_most("unit page, transfer", max(size for size, _ in visits) / KILOBYTE, "kB", 60),
        at_most("unit page, first gauges after navigation", sorted(s for _, s in visits)[RUNS // 2], "s", 0.5),
        at_most("fleet page, transfer", max(size for size, _ in fleet) / KILOBYTE, "kB", 100),
        stated("fleet page, first rows after navigation", sorted(s for _, s in fleet)[RUNS // 2], "s"),
        at_most("unit page, 12 gauges at one frame a second: its process", 100 * process, "% of a core", 5),
        stated("the same: its main thread alone", 100 * thread, "% of a core"),
    ]


def _visit(browser: Browser, url: str, ready: str) -> tuple[int, float]:
    """Return bytes received until the page has shown itself, and seconds from navigation to ``ready``."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    received = _received(session)
    page.add_init_script(WATCH % ready)
    page.goto(url, wait_until="commit")
    page.wait_for_selector(ready)
    first_s = float(page.evaluate("window.firstAt")) / 1000
    page.wait_for_timeout(STANDS_MS)
    context.close()
    return sum(received), first_s


def _received(session: CDPSession) -> list[int]:
    sizes: list[int] = []
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    return sizes


def _processor(browser: Browser, url: str) -> tuple[float, float]:
    """Return the shares of a core that the page's main thread and its whole process take once it stands."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(url)
    page.wait_for_selector(FIRST_GAUGES)
    page.wait_for_timeout(STANDS_MS)
    before, began = _busy_s(session), time.monotonic()
    _let_frames_come(page)
    after, took = _busy_s(session), time.monotonic() - began
    context.close()
    return (after[0] - before[0]) / took, (after[1] - before[1]) / took


def _busy_s(session: CDPSession) -> tuple[float, float]:
    """Return processor seconds of the main thread and of the page's process (not their time: others run, too)."""
    metrics = {one["name"]: float(one["value"]) for one in session.send("Performance.getMetrics")["metrics"]}
    return metrics["ThreadTime"], metrics["ProcessTime"]


def _let_frames_come(page: Page) -> None:
    page.wait_for_timeout(1000 * FRAMES_S)
