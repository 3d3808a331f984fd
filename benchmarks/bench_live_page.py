"""The unit page on the real thing: plant, Modbus, agent, broker, service and Chromium, all on this machine.

First gauges from an empty cache, what crosses the wire for them, and how old a value is when it is drawn:
from the instant the agent stamped the scan to the animation frame after the page took it.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bench_pages import FIRST_GAUGES, KILOBYTE, STANDS_MS, WATCH
from benchmarks.result import Result, at_most, stated
from edge_agent.simulator.story import DEMO_SEED
from edge_agent.simulator.unit_files import demo_units
from orewatch.demo.house import House
from orewatch.demo.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

SEED_S = 3600
VISITS = 5
SETTLE_S = 3.0
LISTEN_S = 8.0
UNIT = "pb-01"
# Wraps the page's own event source: each signal with a new time counts once, when the frame has been drawn.
AGES = """
window.ages = [];
const seen = {};
const add = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (type, listener, ...rest) {
  add.call(this, type, listener, ...rest);
  if (type !== "frame") return;
  add.call(this, type, (event) => {
    const signals = Object.values(JSON.parse(event.data).units)[0]?.signals ?? {};
    const fresh = Object.entries(signals).filter(([ref, told]) => told[1] !== null && told[1] !== seen[ref]);
    for (const [ref, told] of fresh) seen[ref] = told[1];
    requestAnimationFrame(() => setTimeout(() => {
      for (const [, told] of fresh) window.ages.push(Date.now() - told[1]);
    }));
  });
};
"""


def measure() -> list[Result]:
    """Return the figures; none where there is no Chromium."""
    return asyncio.run(_measure()) if shutil.which("chromium") else []


async def _measure() -> list[Result]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where a browser is

    from tests.system.pages.conftest import ARGUMENTS  # noqa: PLC0415

    async with _demo() as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        visits = [await _visit(browser, f"{address}/units/{UNIT}") for _ in range(VISITS)]
        ages = await _ages_ms(browser, f"{address}/units/{UNIT}")
        await browser.close()
    first = sorted(s for _, s in visits)[VISITS // 2]
    p50, p95 = np.percentile(ages, (50, 95)) / 1000
    return [
        at_most("live unit page, first gauges after navigation", first, "s", 0.5),
        at_most("live unit page, transfer until it stands", max(size for size, _ in visits) / KILOBYTE, "kB", 60),
        at_most("source to browser when watched, p95", float(p95), "s", 1.5),
        stated("source to browser when watched, median", float(p50), "s"),
    ]


@asynccontextmanager
async def _demo() -> AsyncIterator[str]:
    """Run the demo as its user does, over an hour of history; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        now_ms = time.time_ns() // 1_000_000
        house = House(
            folder=Path(folder), units=demo_units(4), port=0, seed=DEMO_SEED, now_ms=lambda: now_ms, say=lambda _: None
        )
        await house.seed(seconds=SEED_S)
        port = free_port()
        words = ["-m", "orewatch", "demo", "--port", str(port), "--data-dir", folder]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                if b"Open http" in line:
                    break
            await asyncio.sleep(SETTLE_S)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()


async def _visit(browser: Browser, url: str) -> tuple[int, float]:
    """Return bytes received until the page stands, and seconds from navigation to the first gauges."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    await session.send("Network.enable")
    await page.add_init_script(WATCH % FIRST_GAUGES)
    await page.goto(url, wait_until="commit")
    await page.wait_for_selector(FIRST_GAUGES)
    first_s = float(await page.evaluate("window.firstAt")) / 1000
    await page.wait_for_timeout(STANDS_MS)
    await context.close()
    return sum(sizes), first_s


async def _ages_ms(browser: Browser, url: str) -> list[float]:
    """Return how old each value was when it was drawn, over some seconds of watching."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.add_init_script(AGES)
    await page.goto(url)
    await page.wait_for_selector(FIRST_GAUGES)
    await asyncio.sleep(SETTLE_S)  # the lease reaches the agent
    await page.evaluate("window.ages.length = 0")
    await asyncio.sleep(LISTEN_S)
    ages: list[float] = await page.evaluate("window.ages")
    await context.close()
    return ages
