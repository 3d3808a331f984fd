"""The collector on a real broker, with an edge node that forgets only what is acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from collector.collector import Collector
from collector.settings import BrokerSettings, CollectorSettings
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import MetricDeclaration, Reading
from orewatch.storage.journal import Journal
from orewatch.storage.query import Query
from orewatch.storage.registry import CounterKey, Registry
from orewatch.storage.resends import OVERLAP_MS, plan_resends
from tests.servers import running_mosquitto
from tests.unit.collector.collector_harness import CURRENT, OTHER_SCHEMA, SPOOL, UNIT, EdgeUnit, block, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from orewatch.sparkplug.actions import Command
    from tests.servers import Broker


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    # A broker of its own: several collectors with one host id would throw each other out.
    with running_mosquitto(tmp_path) as broker:
        yield broker


@asynccontextmanager
async def collecting(tmp_path: Path, broker: Broker) -> AsyncIterator[Collector]:
    settings = CollectorSettings(
        data_dir=tmp_path / "data", broker=BrokerSettings(host=broker.host, port=broker.port), plain_seconds=0.2
    )
    collector = Collector(settings=settings, now_ms=now_ms)
    task = asyncio.create_task(collector.run())
    await until(lambda: collector.connected)
    yield collector
    await collector.stop()
    await task


async def test_blocks_are_stored_once_and_acknowledged(tmp_path: Path, broker: Broker) -> None:
    start = now_ms() - 60_000
    async with collecting(tmp_path, broker) as collector:
        unit = EdgeUnit(broker, now_ms, spooled={n: block(n, start_ms=start + n * 5000) for n in range(1, 6)})
        async with unit:
            await until(lambda: not unit.spooled)
            assert [b.header.number for b in collector.journal.blocks(0, 99)] == [1, 2, 3, 4, 5]
            told = unit.acknowledged[0]
            assert (told["collector"], told["store"]) == ("orewatch", collector.journal.store_uuid)
            assert told["spool"] == SPOOL.hex()
            unit.spooled = {3: block(3, start_ms=start + 15_000)}
            unit.send(3)
            await until(lambda: not unit.spooled)
            assert len(collector.journal.blocks(0, 99)) == 5
        series = collector.store.series(Query(unit=UNIT, ref=CURRENT, start_ms=start, end_ms=now_ms()))
        assert len(series) == 25
        assert [record.node for record in collector.registry.nodes()] == [UNIT]
    assert totals_on_disk(tmp_path)[CounterKey(UNIT, "blocks", "duplicate")] == 1


def totals_on_disk(tmp_path: Path) -> dict[CounterKey, int]:
    registry = Registry.open(tmp_path / "data" / "journal.db", read_only=True)
    totals = registry.counters()
    registry.close()
    return totals


async def test_a_restarted_collector_asks_for_births_and_goes_on(tmp_path: Path, broker: Broker) -> None:
    start = now_ms() - 60_000
    unit = EdgeUnit(broker, now_ms, resend_s=0.1, spooled={1: block(1, start_ms=start)})
    async with unit:
        async with collecting(tmp_path, broker):
            await until(lambda: not unit.spooled)
        unit.spooled = {2: block(2, start_ms=start + 5000)}
        async with collecting(tmp_path, broker) as collector:
            await until(lambda: not unit.spooled)
            assert [b.header.number for b in collector.journal.blocks(0, 99)] == [1, 2]


async def test_after_a_restore_a_unit_is_asked_once_for_what_it_delivered_since(tmp_path: Path, broker: Broker) -> None:
    start = now_ms() - 60_000
    commands: list[Command] = []

    async def deliver(number: int) -> None:
        spooled = {number: block(number, start_ms=start + 5000 * number)}
        async with EdgeUnit(broker, now_ms, spooled=spooled, commands=commands):
            await until(lambda: not spooled)

    async with collecting(tmp_path, broker):
        await deliver(1)
    assert "Record/Resend" not in {command.name for command in commands}
    journal = Journal.open(tmp_path / "data" / "journal.db")
    assert plan_resends(journal.database) == 1
    journal.close()
    async with collecting(tmp_path, broker):
        await deliver(2)
        await deliver(3)
    async with collecting(tmp_path, broker):
        await deliver(4)
    (asked,) = [json.loads(str(command.value)) for command in commands if command.name == "Record/Resend"]
    assert (asked["collector"], asked["from_ms"]) == ("orewatch", start + 9000 - OVERLAP_MS)
    assert asked["to_ms"] > now_ms()
    assert totals_on_disk(tmp_path)[CounterKey(UNIT, "resends_asked", "")] == 1


async def test_an_unknown_schema_is_asked_for(tmp_path: Path, broker: Broker) -> None:
    async with collecting(tmp_path, broker) as collector:
        unit = EdgeUnit(broker, now_ms)
        async with unit:
            await until(collector.registry.nodes)
            unit.declare(OTHER_SCHEMA)
            unit.spooled = {1: block(1, start_ms=now_ms() - 10_000, schema=OTHER_SCHEMA)}
            unit.send(1)
            # The collector asks for a rebirth by itself, and takes the block then, without a resend.
            await until(lambda: not unit.spooled)
            assert [b.header.schema for b in collector.journal.blocks(0, 9)] == [OTHER_SCHEMA.hash]


async def test_foreign_nodes_are_recorded_from_their_metrics(tmp_path: Path, broker: Broker) -> None:
    metrics = [
        MetricDeclaration(name="temperature", datatype=DataType.DOUBLE, alias=1, properties={"engUnit": "Cel"}),
        MetricDeclaration(name="on", datatype=DataType.BOOLEAN, alias=2),
        MetricDeclaration(name="label", datatype=DataType.STRING, alias=3),
    ]
    async with collecting(tmp_path, broker) as collector:
        unit = EdgeUnit(broker, now_ms, unit="other", devices={"kiln": metrics}, with_blocks=False)
        async with unit:
            await until(lambda: unit.session.born)
            start = now_ms()
            for i in range(20):
                readings = [
                    Reading("temperature", 20.125 + i, start + i),
                    Reading("on", bool(i % 2), start + i),
                    Reading("label", "x", start + i),
                ]
                unit.link.perform(unit.session.data("kiln", readings, start + i))
            await until(lambda: len(collector.store.latest("other")) == 2)
            ref = next(ref for ref in collector.store.latest("other") if ref.signal == "temperature")
            query = Query(unit="other", ref=ref, start_ms=start, end_ms=start + 1000)
            await until(lambda: len(collector.store.series(query)) == 20)
            assert ref.machine == "kiln"
            assert collector.store.series(query).values.tolist() == [20.125 + i for i in range(20)]
            found = collector.journal.blocks(0, 9)[0].header
            schema = collector.journal.schema(found.schema)
            assert schema is not None
            assert schema.groups[0].columns[0].unit == "Cel"
            await until(
                lambda: (
                    collector.counters.totals().get(CounterKey("other", "plain_values_dropped", "not_numeric")) == 20
                )
            )


async def test_two_collectors_of_one_host_id_are_told_so(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with collecting(tmp_path / "one", broker) as one:
        # Connects as often as it is thrown out.
        for _ in range(3):
            async with collecting(tmp_path / "two", broker):
                await until(lambda: not one.connected)
            await until(lambda: one.connected)
        await until(lambda: "is another collector running as host orewatch?" in caplog.text)
        assert one.counters.totals()[CounterKey("", "link_lost")] >= 3
