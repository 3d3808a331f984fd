"""The service on real parts: Mosquitto, uvicorn, SQLite, and an edge node that speaks Sparkplug."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from tests.servers import free_port, running_mosquitto
from tests.system.api_edge import edge, frames, now_ms, served, until
from tests.unit.api.made_plant import made_unit, values_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Broker
    from tests.system.api_edge import Edge


def send_all(made: Edge, doing: str) -> None:
    for machine in made.unit.machines:
        shown = {ref.signal: v for ref, v in values_of(made.unit, doing).items() if ref.machine == machine}
        if shown:
            made.send(machine, shown)


async def test_a_unit_appears_and_its_values_with_it(tmp_path: Path, mosquitto: Broker) -> None:
    unit = made_unit("live-01")
    async with served(tmp_path, mosquitto) as api, edge(unit, mosquitto) as made, api.client() as client:
        await until(lambda: "live-01" in api.service.roster)
        send_all(made, "run")
        await until(lambda: api.service.readings.of("live-01").signals.get("scale.mass_flow") is not None)
        await until(lambda: len(api.service.judge.units) > 0)
        (item,) = (await client.get("/api/v1/units")).json()["items"]
        assert (item["id"], item["connection"]) == ("live-01", "live")
        assert item["throughput_tph"] == pytest.approx(14.25)
        rows = (await client.get("/api/v1/units/live-01/latest")).json()["items"]
        assert {r["signal"]: r["value"] for r in rows if r["machine"] == "scale"}["mass_flow"] == pytest.approx(14.25)
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["broker"]["ok"]) == (200, True)


async def test_frames_come_each_second_and_the_unit_learns_that_it_is_watched(
    tmp_path: Path, mosquitto: Broker
) -> None:
    unit = made_unit("live-02")
    async with served(tmp_path, mosquitto) as api, edge(unit, mosquitto) as made, api.client() as client:
        await until(lambda: "live-02" in api.service.roster)
        delays = []
        seen = 0
        stream = frames(client, "/api/v1/live?unit=live-02")
        first = await anext(stream)
        assert first["units"]["live-02"]["connection"] == "live"
        sending = asyncio.create_task(_send_each_second(made, 5))
        async for frame in stream:
            flow = frame["units"]["live-02"]["signals"].get("scale.mass_flow")
            if flow and flow[1] > seen:
                seen = flow[1]
                delays.append(now_ms() - seen)
            if len(delays) >= 4:
                break
        await stream.aclose()
        await sending
        assert made.watched[:1] == [60]
        assert statistics.mean(delays) < 1500


async def _send_each_second(made: Edge, seconds: int) -> None:
    for _ in range(seconds):
        send_all(made, "run")
        await asyncio.sleep(1)


async def test_history_never_moves_live_values(tmp_path: Path, mosquitto: Broker) -> None:
    unit = made_unit("live-03")
    async with served(tmp_path, mosquitto) as api, edge(unit, mosquitto) as made:
        await until(lambda: "live-03" in api.service.roster)
        made.send("scale", {"mass_flow": 9.0})
        made.send("scale", {"mass_flow": 1.0}, late=True)
        await until(lambda: api.service.follower.counts["historical"] == 1)
        assert api.service.readings.of("live-03").signals["scale.mass_flow"].value == 9.0


async def test_a_stream_resumes_where_it_was_cut(tmp_path: Path, mosquitto: Broker) -> None:
    async with served(tmp_path, mosquitto) as api, api.client() as client:
        stream = frames(client, "/api/v1/live")
        seen = [(await anext(stream))["event_id"] for _ in range(3)]
        await stream.aclose()
        await asyncio.sleep(2.2)
        again = frames(client, "/api/v1/live", headers={"Last-Event-ID": str(seen[-1])})
        resumed = [(await anext(again))["event_id"] for _ in range(2)]
        await again.aclose()
        gaps = [b - a for a, b in zip([seen[-1], *resumed], resumed, strict=False)]
        assert all(0 < gap <= 1500 for gap in gaps), gaps


async def test_the_broker_goes_and_comes_back(tmp_path: Path) -> None:
    port = free_port()
    unit = made_unit("live-04")
    with running_mosquitto(tmp_path, port) as broker:
        api_context = served(tmp_path / "api", broker)
        api = await api_context.__aenter__()
        edge_context = edge(unit, broker)
        made = await edge_context.__aenter__()
        await until(lambda: "live-04" in api.service.roster)
        send_all(made, "run")
        await until(lambda: bool(api.service.readings.of("live-04").signals))
    try:
        await until(lambda: not api.service.link.connected)
        async with api.client() as client:
            assert (await client.get("/readyz")).status_code == 503
            (item,) = (await client.get("/api/v1/units")).json()["items"]
            assert item["connection"] == "lost"
            assert (await client.get("/healthz")).status_code == 200
        with running_mosquitto(tmp_path, port):
            await until(lambda: api.service.link.connected and made.session.born, 20)

            def arrived() -> bool:
                # A unit goes on speaking; one message may still miss the new subscription.
                made.send("scale", {"mass_flow": 3.0})
                return api.service.readings.of("live-04").signals["scale.mass_flow"].value == 3.0

            await until(arrived)
            assert api.service.readings.of("live-04").connection(now_ms()) == "live"
            await edge_context.__aexit__(None, None, None)
            await api_context.__aexit__(None, None, None)
    except BaseException:
        await edge_context.__aexit__(None, None, None)
        await api_context.__aexit__(None, None, None)
        raise


async def test_stopping_ends_open_streams_quickly(tmp_path: Path, mosquitto: Broker) -> None:
    async with served(tmp_path, mosquitto) as api, api.client() as client:
        stream = frames(client, "/api/v1/live")
        await anext(stream)
        began = time.monotonic()
        api.service.stream.end()
        assert len([frame async for frame in stream]) < 5
        assert time.monotonic() - began < 2
