"""The demo as its user meets it: two true alerts found in the scans, controls that work, a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from edge_agent.simulator.story import DEMO_SEED
from edge_agent.simulator.unit_files import demo_units
from orewatch.demo.house import House
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOURS = 8
# amqtt and its helpers leave sockets to the collector of garbage when connections are cut.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def house(folder: Path, seed: int = DEMO_SEED, units: int = 4) -> House:
    return House(
        folder=folder,
        units=demo_units(units),
        port=0,
        seed=seed,
        now_ms=lambda: time.time_ns() // 1_000_000,
        say=lambda _: None,
    )


@asynccontextmanager
async def running(demo: House) -> AsyncIterator[httpx.AsyncClient]:
    until = asyncio.Event()
    addresses: asyncio.Queue[str] = asyncio.Queue()

    async def ready(address: str, _broker_port: int) -> None:
        await addresses.put(address)

    task = asyncio.create_task(demo.run(until=until, ready=ready))
    try:
        address = await asyncio.wait_for(addresses.get(), 60)
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            yield client
    finally:
        until.set()
        await asyncio.wait_for(task, 30)


async def eventually(what: str, seconds: float, look: Any) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.3)
    pytest.fail(f"{what}: not within {seconds:.0f} s")


async def active_alerts(client: httpx.AsyncClient) -> set[tuple[str, str]]:
    answer = await client.get("/api/v1/alerts", params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return {(a["unit"], a["kind"]) for a in answer.json()["items"] if a["active"]}


async def unit(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/units/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.timeout(180)
async def test_the_rules_find_one_idle_and_one_underperforming_unit_and_controls_work(tmp_path: Path) -> None:
    demo = house(tmp_path)
    await demo.seed(seconds=HOURS * 3600)
    assert demo.seeded
    async with running(demo) as client:
        # From the first second, without waiting for anything live.
        assert await active_alerts(client) == {("mn-01", "idle"), ("zn-01", "underperforming")}

        async def all_live() -> bool:
            items = (await client.get("/api/v1/units")).json()["items"]
            return len(items) == 4 and all(i["connection"] == "live" for i in items)

        await eventually("four units live", 20, all_live)
        assert (await unit(client, "mn-01"))["state"] == "IDLE"
        assert (await unit(client, "zn-01"))["state"] == "UNDERPERFORMING"

        async def scenario(name: str, on: bool) -> None:
            answer = await client.post("/api/v1/demo/units/pb-01/scenarios", json={"name": name, "on": on})
            assert answer.status_code == 200, answer.text

        await scenario("stop_feeder", True)

        async def counting_down() -> Any:
            return (await unit(client, "pb-01"))["pending"]

        pending = await eventually("the 300 s rule counts down in sight", 90, counting_down)
        assert pending["rule"] == "idle"
        assert 0 < pending["remaining_s"] <= pending["total_s"] == 300
        await scenario("stop_feeder", False)

        await scenario("cut_link", True)

        async def silent() -> bool:
            return bool((await unit(client, "pb-01"))["connection"] != "live")

        await eventually("the cut is seen", 20, silent)
        await scenario("cut_link", False)
        await eventually("the healed link is seen", 60, all_live)

    # The demo goes on where it was stopped, and finds the same two standing, once.
    async with running(house(tmp_path)) as client:
        assert {("mn-01", "idle"), ("zn-01", "underperforming")} <= await active_alerts(client)
        kinds = [
            a["kind"]
            for a in (await client.get("/api/v1/alerts", params={"limit": 100})).json()["items"]
            if a["unit"] == "mn-01" and a["active"]
        ]
        assert kinds == ["idle"]


@pytest.mark.timeout(120)
async def test_with_another_seed_the_alerts_are_gone(tmp_path: Path) -> None:
    demo = house(tmp_path, seed=DEMO_SEED + 1)
    await demo.seed(seconds=HOURS * 3600)
    async with running(demo) as client:
        assert await active_alerts(client) == set()


@pytest.mark.timeout(120)
def test_the_command_prints_the_address_serves_the_page_and_stops_cleanly(tmp_path: Path) -> None:
    port = free_port()
    words = ["demo", "--port", str(port), "--data-dir", str(tmp_path / "data"), "--no-seed", "--units", "1"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "orewatch", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Open http" in line:
                break
        else:
            pytest.fail("".join(said))
        page = httpx.get(f"http://127.0.0.1:{port}/", timeout=10)
        assert page.status_code == 200
        assert "orewatch" in page.text
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=20)[0]
        assert process.returncode == 0, "".join(said) + rest
        assert "stopped" in rest
        assert "Traceback" not in rest, rest
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(10)


def test_a_port_in_use_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["demo", "--port", str(port), "--data-dir", str(tmp_path / "data")]
        done = subprocess.run(
            [sys.executable, "-m", "orewatch", *words], capture_output=True, text=True, check=False, timeout=30
        )
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [["--units", "0"], ["--units", "many"], ["--port", "99999"], ["--port", "-1"]])
def test_an_impossible_option_is_named(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orewatch", "demo", *words], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert "allowed" in done.stderr or "expected" in done.stderr
    assert words[0] in done.stderr


def test_a_marker_tells_that_the_first_day_is_whole(tmp_path: Path) -> None:
    demo = house(tmp_path)
    assert not demo.seeded
    (tmp_path / "demo.json").write_text(json.dumps({"seed": 7, "end_ms": 0}))
    assert demo.seeded
