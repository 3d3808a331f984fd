"""What the collector is tested with: blocks made up here, and a small edge node that keeps them until acknowledged."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from collector.arrivals import Arrival, Birth, NodeKey
from collector.counters import Counters
from collector.intake import Intake
from collector.waiting import Waiting
from orewatch.plant.catalogue import SignalRef
from orewatch.sparkplug.actions import Command
from orewatch.sparkplug.client import MqttClient
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration, Reading
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.storage.journal import Journal
from orewatch.storage.registry import CounterKey, NodeRecord, Registry
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orewatch.sparkplug.actions import Event
    from tests.servers import Broker

NOW_MS = 1_795_363_200_000 // 3_600_000 * 3_600_000
UNIT = "pb-01"
KEY = NodeKey("orewatch", UNIT)
SPOOL = b"s" * 16
CURRENT = SignalRef("jaw", "motor_current")
SCHEMA = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("motor_current", "%", 0.1), Column("load", "%", 0.1))),))
OTHER_SCHEMA = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("motor_current", "%", 0.01),)),))


def block(
    number: int,
    *,
    start_ms: int = NOW_MS,
    seconds: int = 5,
    unit: str = UNIT,
    schema: Schema = SCHEMA,
    spool: bytes = SPOOL,
    value: int | None = None,
    noisy: bool = False,
) -> bytes:
    width = len(schema.groups[0].columns)
    steps = np.arange(seconds * width).reshape(seconds, width) + (number if value is None else value)
    if noisy:
        steps = np.random.default_rng(number).integers(0, 60_000, (seconds, width))
    scans = [Scans(0, start_ms + 1000 * np.arange(seconds), steps)]
    return encode_block(
        unit=unit,
        site="Nakhlak",
        province="Isfahan",
        mineral="lead",
        spool=spool,
        number=number,
        schema=schema,
        scans=scans,
    )


def record(node: str = UNIT, **fields: object) -> NodeRecord:
    values = {"group": "orewatch", "node": node, "description": None, "spool": None, "bd_seq": 0}
    return NodeRecord(**{**values, "born_ms": NOW_MS, "last_seen_ms": NOW_MS, **fields})  # type: ignore[arg-type]


class Kept:
    """A journal with an intake over it."""

    def __init__(self, path: Path, *, waiting_bytes: int = 1 << 20, quarantine_kept: int = 100) -> None:
        self.journal = Journal.open(path, busy_s=0.2)
        self.registry = Registry(database=self.journal.database)
        self.counters = Counters()
        self.waiting = Waiting(max_bytes=waiting_bytes)
        self.intake = Intake(
            journal=self.journal,
            registry=self.registry,
            counters=self.counters,
            waiting=self.waiting,
            quarantine_kept=quarantine_kept,
        )

    def learn(self, *schemas: Schema) -> None:
        self.journal.put_schemas(schemas)

    def take(self, *blocks: bytes, now_ms: int = NOW_MS) -> dict[bytes, list[int]]:
        """Take blocks of UNIT; returns what would be acknowledged."""
        receipt = self.intake.take([Arrival(KEY, data, now_ms) for data in blocks])
        return {spool: sorted(ids) for spool, ids in receipt.durable.get(KEY, {}).items()}

    def born(self, *schemas: Schema) -> dict[bytes, list[int]]:
        receipt = self.intake.born([Birth(KEY, record(), [s.text for s in schemas])])
        return {spool: sorted(ids) for spool, ids in receipt.durable.get(KEY, {}).items()}

    def stored(self) -> list[int]:
        return [b.header.number for b in self.journal.blocks(0, 1000)]

    def count(self, name: str, reason: str = "", unit: str = UNIT) -> int:
        return self.counters.totals().get(CounterKey(unit, name, reason), 0)


@dataclass
class EdgeUnit:
    """An edge node with a spool in memory: resends at each birth what is not acknowledged, as the agent does."""

    broker: Broker
    now_ms: Callable[[], int]
    unit: str = UNIT
    schemas: Sequence[Schema] = (SCHEMA,)
    devices: dict[str, list[MetricDeclaration]] = field(default_factory=dict)
    with_blocks: bool = True
    resend_s: float = 0.0
    spooled: dict[int, bytes] = field(default_factory=dict)
    acknowledged: list[dict[str, object]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        blocks = [
            MetricDeclaration(name="Unit/Description", datatype=DataType.STRING),
            MetricDeclaration(name="Record/Block", datatype=DataType.BYTES, alias=1, births_null=True),
            MetricDeclaration(name="Record/Schemas", datatype=DataType.STRING),
            MetricDeclaration(name="Record/Spool", datatype=DataType.STRING),
            MetricDeclaration(name="Record/Depth", datatype=DataType.INT64, alias=2),
            MetricDeclaration(name="Record/Resend", datatype=DataType.STRING, alias=4, writable=True),
            MetricDeclaration(name="Delivery/Acknowledged", datatype=DataType.STRING, alias=3, writable=True),
        ]
        self.session = EdgeNodeSession(
            group="orewatch",
            node=self.unit,
            bd_seq=None,
            node_metrics=blocks if self.with_blocks else [],
            devices=self.devices,
        )
        self.declare(*self.schemas)
        self.link = SessionLoop(
            make_client=lambda on_message: MqttClient(
                host=self.broker.host, port=self.broker.port, client_id=f"unit-{self.unit}", on_message=on_message
            ),
            session=self.session,
            on_event=self._event,
            now_ms=self.now_ms,
            on_link=self._linked,
            back_off_s=(0.05, 0.2),
        )

    def declare(self, *schemas: Schema) -> None:
        if not self.with_blocks:
            return
        now_ms = self.now_ms()
        self.session.set_value(None, "Record/Schemas", json.dumps([s.text for s in schemas]), now_ms)
        self.session.set_value(None, "Record/Spool", SPOOL.hex(), now_ms)
        self.session.set_value(None, "Unit/Description", "{}", now_ms)

    def send(self, *numbers: int) -> None:
        for number in numbers:
            reading = Reading("Record/Block", self.spooled[number], self.now_ms(), is_historical=True)
            self.link.perform(self.session.data(None, [reading], self.now_ms()))

    def _linked(self, up: bool) -> None:
        if up and self.with_blocks:
            self.send(*self.spooled)

    def _event(self, event: Event) -> None:
        if not isinstance(event, Command):
            return
        self.commands.append(event)
        if event.name == "Delivery/Acknowledged":
            told = json.loads(str(event.value))
            self.acknowledged.append(told)
            for first, last in told["ids"]:
                for number in range(first, last + 1):
                    self.spooled.pop(number, None)

    async def _resend(self) -> None:
        while self.resend_s:
            await asyncio.sleep(self.resend_s)
            self.send(*self.spooled)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.link.run())
        self._resending = asyncio.create_task(self._resend())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._resending.cancel()
        await self.link.stop()
        await self._task


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so; fail after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0.01)


def unique_group() -> str:
    """Return a Sparkplug group of this test alone."""
    return f"t{uuid.uuid4().hex[:8]}"
