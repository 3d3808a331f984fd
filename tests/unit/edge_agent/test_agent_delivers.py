"""The whole agent against a real broker and a real Modbus server."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.agent import Agent, open_spool
from edge_agent.settings import read_agent_settings
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.simulator.unit_files import unit_toml
from orewatch.plant.unit import unit_from_json
from orewatch.sparkplug.datatypes import DataType
from tests.servers import running_mosquitto
from tests.unit.edge_agent.edge_centre import Centre, following, running, until
from tests.unit.edge_agent.edge_parts import UNIT, rows_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge_agent.settings import AgentSettings
    from orewatch.plant.catalogue import SignalRef
    from tests.servers import Broker


@pytest.fixture(autouse=True)
def _quiet_library() -> None:
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


@pytest.fixture
async def plc() -> AsyncIterator[ModbusPlantServer]:
    async with ModbusPlantServer(registers=register_map(UNIT)) as server:
        server.update(_plant(0))
        yield server


def _plant(turn: int) -> dict[SignalRef, float]:
    return {ref: s.low + turn % 7 * (s.resolution or 1.0) for ref, s in UNIT.signals()}


def _settings(tmp_path: Path, broker: Broker, plc_port: int, group: str, **uplink: Any) -> AgentSettings:
    file = tmp_path / "pb-01.toml"
    text = unit_toml(
        UNIT, plc_port=plc_port, broker_port=broker.port, spool=tmp_path / "spool.db", group=group, collector="orewatch"
    )
    text = text.replace("block_seconds = 60", "block_seconds = 1\nkeep_acknowledged_mb = 10")
    text = text.replace("timeout_s = 1.0", "timeout_s = 0.2")
    more = "".join(f"{k} = {v!r}\n" for k, v in uplink.items())
    file.write_text(text.replace("\n[[source]]", f"{more}\n[[source]]", 1))
    return read_agent_settings(file, environ={})


def _everything_sent(settings: AgentSettings) -> tuple[int, Any]:
    """What is owed still, and every scan the spool has kept."""
    spool = open_spool(settings, UNIT)
    owed = spool.depth("main")
    spool.owe_again("main", 0, 2**62)
    found = rows_of(spool.pending("main", limit=100_000))
    spool.close()
    return owed, found


async def test_births_values_and_blocks_arrive_and_acknowledged_blocks_leave(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "delivers")
    async with following(mosquitto, Centre(group="delivers")) as centre:
        async with running(Agent(settings=settings).run()):
            await until(lambda: len(centre.blocks) >= 2)
            plc.update(_plant(3))
            await until(lambda: len(centre.blocks) >= 4)
        await until(lambda: centre.died() == [None])
        assert unit_from_json(centre.births[None]["Unit/Description"]) == UNIT
        assert set(centre.births) == {None, *UNIT.machines}
        assert all(set(centre.births[m.id]) == set(m.signals) for m in UNIT.machines.values())
        # The state of the unit changed: signals that decide it came at once, as the number the scan holds.
        assert ("feeder", "running", True, 192) in {(d, n, v, q) for d, n, v, _, q in centre.live}
        assert not centre.rejected()
        assert not any(centre.historical)
    owed, kept = _everything_sent(settings)
    assert owed <= 2
    assert centre.rows() <= kept
    assert max(centre.received.values()) == 1


async def test_nothing_is_lost_while_the_broker_or_the_collector_is_away(
    tmp_path: Path, plc: ModbusPlantServer
) -> None:
    settings = None
    centre = Centre(group="away")
    centre.acknowledges = False
    with running_mosquitto(tmp_path) as broker:
        settings = _settings(tmp_path, broker, plc.port, "away", resend_s=1)
        agent = Agent(settings=settings)
        task = asyncio.create_task(agent.run())
        async with following(broker, centre):
            # Nobody acknowledges, so the oldest block comes again.
            await until(lambda: max(centre.received.values(), default=0) > 1)
    # The broker is gone: scans go on.
    await asyncio.sleep(2.5)
    assert settings is not None
    with running_mosquitto(tmp_path, broker.port) as broker:
        async with following(broker, centre):
            centre.acknowledges = True
            await until(lambda: agent.uplinks[0].counters["acknowledged_blocks"] >= 5, 40)
            task.cancel()
            await asyncio.wait([task])
    owed, kept = _everything_sent(settings)
    assert owed <= 2
    assert sum((kept - centre.rows()).values()) <= 2 * sum(1 for _ in UNIT.signals())
    assert centre.rows() <= kept
    times = sorted({t for _, t, _ in kept})
    assert max(b - a for a, b in itertools.pairwise(times)) == 1000
    assert max(centre.received.values()) > 1


async def test_only_our_collector_and_our_spool_are_obeyed(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "obeys")
    agent = Agent(settings=settings)
    async with following(mosquitto, Centre(group="obeys")) as centre, running(agent.run()):
        centre.acknowledges = False
        await until(lambda: len(centre.blocks) >= 2)
        (spool, number), *_ = centre.blocks
        centre.acknowledge("pb-01", spool, [[1, number]], collector="somebody")
        centre.acknowledge("pb-01", bytes(16), [[1, number]])
        centre.command("pb-01", "Delivery/Acknowledged", "{nonsense", DataType.STRING)
        counters = agent.uplinks[0].counters
        await until(lambda: counters["refused_command"] == 3)
        assert counters["acknowledged_blocks"] == 0
        centre.acknowledge("pb-01", spool, [[1, number]])
        await until(lambda: counters["acknowledged_blocks"] == number)
        asked = f'{{"collector": "orewatch", "from_ms": 0, "to_ms": {2**60}}}'
        centre.command("pb-01", "Record/Resend", asked, DataType.STRING)
        await until(lambda: centre.received[spool, 1] == 2)


async def test_a_machine_whose_link_is_lost_dies_and_comes_back(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "plc")
    async with following(mosquitto, Centre(group="plc")) as centre, running(Agent(settings=settings).run()):
        await until(lambda: centre.live)
        await plc.stop()
        await until(lambda: set(centre.died()) == set(UNIT.machines))
        centre.births.clear()
        await plc.start()
        await until(lambda: set(centre.births) == set(UNIT.machines))
        assert None not in centre.died()
        assert not centre.rejected()


async def test_when_somebody_looks_every_change_comes(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "watch")
    async with following(mosquitto, Centre(group="watch")) as centre, running(Agent(settings=settings).run()):
        await until(lambda: centre.live)
        centre.command("pb-01", "Live/Watched", 60, DataType.INT64)
        seen = 0
        for turn in range(1, 4):
            centre.live.clear()
            plc.update(_plant(turn))
            await until(lambda: {n for d, n, *_ in centre.live if d == "conveyor"} >= {"slip", "belt_speed"})
            seen += 1
        assert seen == 3


async def test_hosts_without_blocks_get_history_as_ordinary_metrics(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "plain", record="plain")
    centre = Centre(group="plain")
    agent = Agent(settings=settings)
    async with following(mosquitto, centre), running(agent.run()):
        await until(lambda: agent.uplinks and agent.uplinks[0].counters["blocks_sent"] >= 2)
        await asyncio.sleep(0.3)
        assert not centre.blocks
        assert not centre.rejected()
        # Declared, blocks would be waited for, and a collector would record nothing else.
        assert not {"Record/Block", "Delivery/Acknowledged"} & centre.births[None].keys()
    _, kept = _everything_sent(settings)
    sent = {t for *_, t, _ in centre.live}
    assert len(sent & {t for _, t, _ in kept}) >= 2


async def test_the_session_number_goes_on_over_a_restart(
    tmp_path: Path, mosquitto: Broker, plc: ModbusPlantServer
) -> None:
    settings = _settings(tmp_path, mosquitto, plc.port, "bdseq")
    numbers = []
    async with following(mosquitto, Centre(group="bdseq")) as centre:
        for _ in range(3):
            centre.births.clear()
            async with running(Agent(settings=settings).run()):
                await until(lambda: None in centre.births)
                numbers.append(centre.births[None]["bdSeq"])
    assert numbers == [0, 1, 2]
