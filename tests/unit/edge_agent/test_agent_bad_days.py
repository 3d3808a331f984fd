from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from edge_agent.agent import Agent, on_grid, open_spool
from edge_agent.settings import AgentSettings
from edge_agent.sources.source import Sample
from orewatch.plant.catalogue import SignalRef
from orewatch.telemetry.scan import Quality
from tests.servers import free_port, running_mosquitto
from tests.unit.edge_agent.edge_centre import Centre, following, running, until
from tests.unit.edge_agent.edge_parts import T0, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orewatch.telemetry.schema import Schema
    from tests.servers import Broker

A, B = SignalRef("one", "x"), SignalRef("two", "x")
TICK_S = 0.1


class Fake:
    """A source of one signal, with a fault if wanted."""

    def __init__(self, ref: SignalRef, fault: str = "") -> None:
        self.name = ref.machine
        self.machines = frozenset({ref.machine})
        self.down = False
        self.counters: Counter[str] = Counter()
        self._ref = ref
        self._fault = fault

    async def read(self, now_ms: int) -> Sequence[Sample]:
        if self._fault == "defect":
            raise ZeroDivisionError
        if self._fault == "hangs":
            await asyncio.sleep(3600)
        return [Sample(self._ref, 1.0, Quality.GOOD, now_ms)]

    async def close(self) -> None:
        pass


def _settings(tmp_path: Path, port: int, name: str = "spool", group: str = "bad-days") -> AgentSettings:
    signal = {"name": "x", "high": 10, "resolution": 1, "rate_s": TICK_S}
    return AgentSettings.model_validate(
        {
            "unit": {
                "id": "u-1",
                "site": "s",
                "province": "p",
                "mineral": "lead",
                "nameplate_tph": 1,
                "roles": {"flow": "one.x", "total": "one.x", "main": "one.x", "no_load": 0, "full_load": 1},
            },
            "machine": [{"id": m, "class": "c", "signals": [signal]} for m in ("one", "two")],
            "spool": {"path": tmp_path / f"{name}.db", "block_seconds": 1, "keep_acknowledged_mb": 5},
            "uplink": [{"port": port, "group": group, "resend_s": 1}],
            "source": [{"kind": "modbus", "register": [{"machine": "one", "signal": "x", "address": 1}]}],
        }
    )


def _owed(agent: Agent) -> int | None:
    """How many blocks are not acknowledged; None before the first was."""
    if not agent.uplinks or not agent.uplinks[0].counters["acknowledged_blocks"]:
        return None
    return agent.uplinks[0]._spool.depth("main")


def _kept(settings: AgentSettings, agent: Agent) -> tuple[list[tuple[int, int]], Counter[tuple[int, int]]]:
    """The spans of all blocks, and every scan by group and time."""
    spool = open_spool(settings, agent.unit)
    spool.owe_again("main", -(2**62), 2**62)
    blocks = spool.pending("main", limit=10_000)
    schema: Schema = spool.schema
    spool.close()
    return [(b.first_ms, b.last_ms) for b in blocks], Counter((g, t) for g, t, _ in rows_of(blocks, schema).elements())


async def test_clock_jumps_neither_stop_nor_crowd_the_scans(tmp_path: Path) -> None:
    settings = _settings(tmp_path, free_port())
    offset = 0
    agent = Agent(settings=settings, sources=[Fake(A)], now_ms=lambda: time.time_ns() // 1_000_000 + offset)
    async with running(agent.run()):
        for jump in (0, -3_600_000, 7_200_000):
            offset += jump
            await asyncio.sleep(1.0)
    spans, scans = _kept(settings, agent)
    assert 24 <= sum(scans.values()) <= 32
    # No block spans a jump back, and the spans stay short but for the one jump forward.
    assert all(last - first >= 0 for first, last in spans)
    times = sorted(t for _, t in scans)
    assert times[-1] - times[0] > 7_000_000


@pytest.mark.parametrize("fault", ["defect", "hangs"])
async def test_a_faulty_source_does_not_silence_the_others(tmp_path: Path, fault: str) -> None:
    settings = _settings(tmp_path, free_port())
    agent = Agent(settings=settings, sources=[Fake(A, fault), Fake(B)])
    async with running(agent.run()):
        await until(lambda: agent.counters["scans"] >= 8)
    assert agent.counters["source_defect" if fault == "defect" else "late_source"] >= 7
    _, scans = _kept(settings, agent)
    assert {g for g, _ in scans} == {1}


async def test_two_agents_with_one_id_are_named_and_lose_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orewatch.sparkplug.short_links.IN_A_ROW", 2)
    caplog.set_level(logging.ERROR)
    centre = Centre(group="twins")
    with running_mosquitto(tmp_path) as broker:
        files = [_settings(tmp_path, broker.port, name, "twins") for name in ("a", "b")]
        agents = [Agent(settings=s, sources=[Fake(A)]) for s in files]
        async with following(broker, centre):
            async with running(agents[0].run()):
                async with running(agents[1].run()):
                    await until(lambda: "is another agent running as u-1?" in caplog.text)
                await until(lambda: _owed(agents[0]) == 0, 40)
            again = Agent(settings=files[1], sources=[Fake(A)])
            async with running(again.run()):
                await until(lambda: again.uplinks and _owed(again) == 0, 40)
    received = Counter((g, t) for g, t, _ in centre.rows().elements())
    everything: Counter[tuple[int, int]] = Counter()
    for settings, agent in zip(files, agents, strict=True):
        everything += _kept(settings, agent)[1]
    assert received <= everything
    assert sum((everything - received).values()) <= 2 * 2 / TICK_S


async def test_each_uplink_keeps_its_own_account(tmp_path: Path, mosquitto: Broker) -> None:
    settings = _settings(tmp_path, mosquitto.port)
    (one,) = settings.uplink
    uplinks = tuple(
        one.model_copy(update={"name": n, "group": f"to-{n}", "collector": n, "resend_s": 30.0})
        for n in ("centre", "site")
    )
    settings = settings.model_copy(update={"uplink": uplinks})
    agent = Agent(settings=settings, sources=[Fake(A)])
    centre, site = Centre(host="centre", group="to-centre"), Centre(host="site", group="to-site")
    site.acknowledges = False
    async with following(mosquitto, centre), following(mosquitto, site):
        async with running(agent.run()):
            await until(lambda: len(centre.blocks) >= 3 and len(site.blocks) >= 3)
            await until(lambda: agent.uplinks[0].counters["acknowledged_blocks"] >= 2)
        assert centre.blocks.items() & site.blocks.items()
    spool = open_spool(settings, agent.unit)
    assert spool.depth("centre") < 3 <= spool.depth("site")
    spool.close()


def test_scans_lie_on_the_grid_where_the_clock_is_near_it() -> None:
    assert [on_grid(T0 + late, 1000) for late in (0, 3, 100, 101, 999)] == [T0, T0, T0, T0 + 101, T0 + 999]
