"""A small collector for the agent's tests: it decodes, remembers, and acknowledges what it is told to."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from orewatch.sparkplug.actions import Data, DeviceBorn, DeviceDied, NodeBorn, NodeDied, Rejected
from orewatch.sparkplug.client import MqttClient
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.telemetry.block import decode_block, read_header
from orewatch.telemetry.schema import Schema, schema_from_text
from tests.unit.edge_agent.edge_parts import rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from orewatch.sparkplug.actions import Event
    from tests.servers import Broker


class Centre:
    """What arrived, and the power to answer."""

    def __init__(self, *, host: str = "orewatch", group: str = "orewatch") -> None:
        self.session = HostSession(host=host, groups=[group])
        self.host = host
        self.group = group
        self.acknowledges = True
        self.events: list[Event] = []
        self.schemas: dict[bytes, Schema] = {}
        self.births: dict[str | None, dict[str, Any]] = {}
        self.blocks: dict[tuple[bytes, int], bytes] = {}
        self.received: Counter[tuple[bytes, int]] = Counter()
        self.historical: list[bool] = []
        self.born_ms = 0
        self.live: list[tuple[str, str, Any, int, int]] = []
        self.loop: SessionLoop | None = None

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, NodeBorn):
            self.born_ms = event.timestamp_ms
            self.births[None] = {name: m.value for name, m in event.metrics.items()}
            declared = event.metrics.get("Record/Schemas")
            for text in json.loads(str(declared.value)) if declared else ():
                schema = schema_from_text(text)
                self.schemas[schema.hash] = schema
        elif isinstance(event, DeviceBorn):
            self.births[event.device] = {name: m.value for name, m in event.metrics.items()}
        elif isinstance(event, Data):
            self._on_data(event)

    def _on_data(self, event: Data) -> None:
        for m in event.metrics:
            if m.name == "Record/Block":
                assert isinstance(m.value, bytes)
                head = read_header(m.value)
                key = (head.spool, head.number)
                assert self.blocks.setdefault(key, m.value) == m.value
                self.received[key] += 1
                # Sealed before the birth, it is history by the letter: the birth said that there were none.
                self.historical.append(m.is_historical and m.timestamp_ms >= self.born_ms)
                if self.acknowledges:
                    self.acknowledge(event.node, head.spool, [[head.number, head.number]])
            elif event.device is not None:
                self.live.append((event.device, m.name, m.value, m.timestamp_ms, m.quality))

    def acknowledge(self, node: str, spool: bytes, ids: list[list[int]], **changes: str) -> None:
        said = {"collector": self.host, "store": "ab" * 16, "spool": spool.hex(), "ids": ids, **changes}
        self.command(node, "Delivery/Acknowledged", json.dumps(said), DataType.STRING)

    def command(self, node: str, name: str, value: str | int, datatype: DataType) -> None:
        assert self.loop is not None
        self.loop.perform(self.session.command(self.group, node, None, name, value, datatype, _now_ms()))

    def rows(self) -> Counter[tuple[int, int, tuple[int, ...]]]:
        """Every scan in the blocks that came, each block counted once."""
        return rows(
            s for data in self.blocks.values() for s in decode_block(data, self.schemas[read_header(data).schema])
        )

    def died(self) -> list[str | None]:
        """Nodes (None) and devices that died, in order."""
        deaths = [e for e in self.events if isinstance(e, DeviceDied | NodeDied)]
        return [e.device if isinstance(e, DeviceDied) else None for e in deaths]

    def rejected(self) -> list[Rejected]:
        return [e for e in self.events if isinstance(e, Rejected)]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def following(broker: Broker, centre: Centre) -> AsyncIterator[Centre]:
    """Run ``centre`` on ``broker``."""
    centre.loop = SessionLoop(
        make_client=lambda on_message: MqttClient(
            host=broker.host, port=broker.port, client_id=f"centre-{centre.group}", on_message=on_message
        ),
        session=centre.session,
        on_event=centre.on_event,
        now_ms=_now_ms,
        back_off_s=(0.1, 0.2),
    )
    task = asyncio.create_task(centre.loop.run())
    try:
        await until(lambda: centre.loop is not None and centre.loop.connected)
        yield centre
    finally:
        await centre.loop.stop()
        await task


@asynccontextmanager
async def running(coroutine: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run something beside the test, and cancel it at the end; its error is the test's error."""
    task = asyncio.create_task(coroutine)
    waiting = asyncio.current_task()
    assert waiting is not None
    # What fails beside the test ends the test at once.
    task.add_done_callback(lambda t: None if t.cancelled() else waiting.cancel())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()  # type: ignore[misc]


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for something that must come to pass."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions of every kind
            await asyncio.sleep(0.02)
