"""The fleet page on the real service with 5,000 units, all changing each second: its start, its updates, the service.

No broker: the readings of every unit are put into the watch each second, as its messages would.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import uvicorn

from api.app import create_app
from api.live.follower import Told
from api.live.readings import GOOD
from api.service import Service
from api.settings import ApiSettings
from benchmarks.result import Result, at_most, stated
from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.query import HOUR_MS, Series
from tests.servers import free_port
from tests.unit.api.made_plant import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from playwright.sync_api import Browser

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import Latest, Query

UNITS = 5000
RUNS = 3
FRAMES_S = 10.0
KILOBYTE = 1000
# So many seconds at once bring every unit into the state that its readings speak of.
WARM_S, WARMINGS = 31, 6
TOTALS_S = 30
FIRST_ROWS = "tbody tr .badge"
DOING = ("run",) * 14 + ("slow", "nofeed", "off", "silent")
PROVINCES = 31
# Notes when the first rows stand, and counts frames; what the test tool takes to ask does not count.
WATCH = """
window.frames_seen = 0;
window.EventSource = class extends EventSource {
  constructor(address) { super(address); this.addEventListener("frame", () => { window.frames_seen += 1; }); }
};
addEventListener("DOMContentLoaded", () => {
  const look = () => { if (!window.firstAt && document.querySelector("%s")) window.firstAt = performance.now(); };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
});
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


class MonthStore:
    """A store whose every unit has produced something this month, and has no other history."""

    def series(self, query: Query) -> Series:
        """Return a counter that rose over the span."""
        step = query.step_ms or HOUR_MS
        start_ms, end_ms = query.window_start_ms, query.window_end_ms - step
        if step < HOUR_MS or end_ms <= start_ms:
            return Series(np.empty(0, np.int64), np.empty(0), query.table)
        tonnes = random.uniform(0, 5) * (end_ms - start_ms) / HOUR_MS  # noqa: S311 - made figures
        return Series(np.array([start_ms, end_ms]), np.array([100.0, 100.0 + tonnes]), query.table)

    def latest(self, unit: str) -> dict[SignalRef, Latest]:
        """Return nothing."""
        assert unit
        return {}

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> Mapping[SignalRef, Series]:
        """Return nothing."""
        assert unit
        assert start_ms <= end_ms
        return {ref: Series(np.empty(0, np.int64), np.empty(0)) for ref in refs}


class Plant:
    """The service and its units. ``second`` puts in what a second brings."""

    def __init__(self, folder: Path) -> None:
        self._ahead_ms = 0
        self.chance = random.Random(1)  # noqa: S311 - made figures
        self.service = Service(
            settings=ApiSettings(data_dir=folder), store=MonthStore(), registry=None, now_ms=self.now_ms
        )
        self.units = [self._unit(number) for number in range(UNITS)]
        for unit in self.units:
            self.service.roster.describe(unit)
        self.service.judge = self.service.new_judge(self.now_ms() // 1000 * 1000)
        self.service.build_live()
        self.service.caught_up = True
        self.values = [
            (unit, values_of(unit, doing)) if (doing := self.chance.choice(DOING)) != "silent" else (unit, None)
            for unit in self.units
        ]
        self.totals = {unit.id: self.chance.uniform(1000, 90_000) for unit in self.units}

    def now_ms(self) -> int:
        """Return the time, which :meth:`warm` sets ahead."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def _unit(self, number: int) -> Unit:
        circuits = ("lead", "zinc", "manganese", "bauxite")
        site = self.chance.randrange(510)
        return unit_from_circuit(
            unit_id=f"{circuits[number % 4][:2]}-{number:04}",
            circuit=circuits[number % 4],
            site=f"Mine {site}",
            province=f"Province {site % PROVINCES}",
            model=f"MPU-{self.chance.choice((6, 8, 15, 30))}",
            latitude=round(26 + site % 97 / 9 + self.chance.random(), 4),
            longitude=round(46 + site % 89 / 6 + self.chance.random(), 4),
        )

    def warm(self) -> None:
        """Let time pass until states and tonnes stand."""
        for _ in range(WARMINGS):
            self.put()
            self._ahead_ms += 1000 * WARM_S
            self.put()
            self.service.watch.tick()

    def put(self) -> None:
        """Every unit that speaks says something new."""
        now_ms = self.now_ms()
        watch, readings = self.service.watch, self.service.readings
        for number, (unit, values) in enumerate(self.values):
            if values is None:
                continue
            flow, total = unit.roles.flow, unit.roles.total
            rate = values[flow] * self.chance.uniform(0.9, 1.1)
            self.totals[unit.id] += rate / 3600 * 40
            watch.take_heard(unit.id, now_ms, False)
            for ref, value in values.items():
                watch.take_reading(Told(unit.id, ref, now_ms, value))
            # As agents that nobody watches closely: totals every half minute.
            if number % TOTALS_S == now_ms // 1000 % TOTALS_S:
                watch.take_reading(Told(unit.id, total, now_ms, self.totals[unit.id]))
            seen = readings.of(unit.id)
            seen.put(str(flow), rate or self.chance.random(), now_ms, GOOD)
            seen.last_seen_ms = now_ms


def measure() -> list[Result]:
    """Return the figures; of the page none where there is no Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(Path(folder))
        asyncio.run(_months(plant))
        plant.warm()
        results = _service_alone(plant)
        chromium = shutil.which("chromium")
        if chromium is not None:
            from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

            from tests.system.pages.conftest import ARGUMENTS  # noqa: PLC0415

            with sync_playwright() as playwright, _served(plant) as address:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                results += _page(browser, address)
                browser.close()
        plant.service.database.close()
    return results


async def _months(plant: Plant) -> None:
    while await plant.service.fleet.months.next():
        pass


def _service_alone(plant: Plant) -> list[Result]:
    changes = plant.service.fleet.changes
    frames, tables = [], []
    for _ in range(8):
        plant.put()
        began = time.process_time()
        frame = changes.frame(plant.now_ms())
        frames.append(time.process_time() - began)
        began = time.process_time()
        table = changes.table(plant.now_ms())
        tables.append(time.process_time() - began)
    return [
        stated(
            f"fleet: a frame of changes, {UNITS} units all changed, once for all viewers", 1e3 * median(frames), "ms"
        ),
        stated("fleet: size of that frame", len(frame) / KILOBYTE, "kB"),
        stated("fleet: the table, made once for all who ask within a second", 1e3 * median(tables), "ms"),
        stated("fleet: size of the table before compression", len(table) / KILOBYTE, "kB"),
    ]


@contextmanager
def _served(plant: Plant) -> Iterator[str]:
    port = free_port()
    config = uvicorn.Config(create_app(service=plant.service), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        await server.serve()
        ticking.cancel()
        plant.service.stream.end()

    async def tick() -> None:
        while True:
            plant.put()
            plant.service.watch.tick()
            await asyncio.sleep(1.0 - time.time() % 1.0)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="fleet-bench", daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def _page(browser: Browser, address: str) -> list[Result]:
    paints, rows, sizes, updates = [], [], [], []
    for _ in range(RUNS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        session = context.new_cdp_session(page)
        received: list[int] = []
        session.send("Network.enable")
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        session.on("Network.loadingFinished", lambda event, to=received: to.append(int(event["encodedDataLength"])))
        page.add_init_script(WATCH % FIRST_ROWS)
        page.goto(address, wait_until="commit")
        page.wait_for_selector(FIRST_ROWS, timeout=30_000)
        page.wait_for_timeout(2500)
        paints.append(float(page.evaluate(PAINT)) / 1000)
        rows.append(float(page.evaluate("window.firstAt")) / 1000)
        sizes.append(sum(received))

        def busy(session: object = session) -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]  # type: ignore[attr-defined]
            return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

        before, seen = busy(), int(page.evaluate("window.frames_seen"))
        page.wait_for_timeout(1000 * FRAMES_S)
        updates.append((busy() - before) / max(1, int(page.evaluate("window.frames_seen")) - seen))
        context.close()
    return [
        at_most(f"fleet page, {UNITS} units, first paint after navigation", median(paints), "s", 1.5),
        at_most("fleet page, first rows after navigation", median(rows), "s", 1.5),
        at_most("fleet page, transfer, table included", max(sizes) / KILOBYTE, "kB", 300),
        at_most(
            "fleet page, processor time of the main thread per update, all units changing",
            1e3 * median(updates),
            "ms",
            50,
        ),
    ]
