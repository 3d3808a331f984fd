"""Nodes without blocks: any other Sparkplug device. Their ordinary metrics become blocks that the collector makes.

Readings gather by node for a few seconds; then one block holds them all. Numbers without a known resolution
stay lossless floats; what is not a number is counted and left out. Nothing resends these: a reading counts as
delivered when it is in the journal, and what the collector held when it was killed is lost, as QoS 0 is.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from collector.arrivals import Arrival, NodeKey
from collector.foreign_readings import BLOCK_VALUES, DeviceReadings
from orewatch.storage.journal import JournalError
from orewatch.telemetry.acceptance import DAY_MS
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.arrivals import Declared
    from collector.counters import Counters
    from orewatch.sparkplug.actions import Data
    from orewatch.storage.journal import Journal
    from orewatch.telemetry.acceptance import Ground

log = logging.getLogger(__name__)

NODE_MACHINE: Final = "node"
FOREIGN_CLASS: Final = "foreign"
UNKNOWN_PLACE: Final = "unknown"
MAX_BUFFERED: Final = 2_000_000
FULL_VALUES: Final = 50_000
MAX_DEVICES: Final = 256
MAX_ID_BYTES: Final = 512


@dataclass(slots=True)
class _Node:
    since_ms: int
    values: int = 0
    devices: dict[str | None, DeviceReadings] = field(default_factory=dict)


class ForeignNodes:
    """Gathers plain readings and makes blocks of them. Belongs to the writer's thread."""

    def __init__(self, *, journal: Journal, counters: Counters, seconds: float) -> None:
        self._journal = journal
        self._counters = counters
        self._wait_ms = int(seconds * 1000)
        self._nodes: dict[NodeKey, _Node] = {}
        self._numbers: dict[NodeKey, int] = {}
        self._schemas: dict[bytes, Schema] = {}
        self._buffered = 0

    def take(self, data: Data) -> None:
        """Gather one message; beyond the bound it is dropped and counted."""
        count = len(data.names)
        if not count:
            return
        if self._buffered + count > MAX_BUFFERED:
            self._counters.add(data.node, "plain_values_dropped", "buffer_full", count)
            return
        node, device = self._at(NodeKey(data.group, data.node), data.device, data.received_ms)
        if device is None:
            self._counters.add(data.node, "plain_values_dropped", "too_many_devices", count)
            return
        if not node.values:
            node.since_ms = data.received_ms
        node.values += count
        self._buffered += count
        device.said.append(data)

    def declare(self, declared: Declared) -> None:
        """Note the engineering units that a birth gave."""
        _, device = self._at(declared.key, declared.device, declared.received_ms)
        if device is not None:
            device.units = declared.units

    def _at(self, key: NodeKey, name: str | None, now_ms: int) -> tuple[_Node, DeviceReadings | None]:
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(now_ms)
        device = node.devices.get(name)
        # A block's tags are short, its schema is bounded.
        if device is None and len(node.devices) < MAX_DEVICES and len(key.node.encode()) <= MAX_ID_BYTES:
            device = node.devices[name] = DeviceReadings()
        return node, device

    def due(self, now_ms: int, *, everything: bool = False) -> list[Arrival]:
        """Return the blocks of nodes that have waited long enough or have much; :meth:`put_schemas` before use."""
        blocks: list[Arrival] = []
        for key, node in self._nodes.items():
            waited = not 0 <= now_ms - node.since_ms < self._wait_ms
            if node.values and (everything or waited or node.values >= FULL_VALUES):
                blocks += self._blocks(key, node, now_ms)
        return blocks

    def forget(self, key: NodeKey, now_ms: int) -> list[Arrival]:
        """Return what a dead node still had, and forget it."""
        node = self._nodes.get(key)
        if node is None:
            return []
        blocks = self._blocks(key, node, now_ms) if node.values else []
        if not node.values:
            del self._nodes[key]
        return blocks

    def put_schemas(self) -> None:
        """Keep the schemas of the blocks made so far; :class:`JournalError` leaves them for the next time."""
        self._journal.put_schemas(list(self._schemas.values()))
        self._schemas.clear()

    def _blocks(self, key: NodeKey, node: _Node, now_ms: int) -> list[Arrival]:
        try:
            number = self._newest_number(key)
        except JournalError as error:
            # Nothing is taken out yet: it is due again at the next look.
            log.warning("%s: its readings wait: %s", key.node, error)
            return []
        count, node.values = node.values, 0
        self._buffered -= count
        try:
            blocks = list(self._made(key, node, now_ms, number))
        except Exception:
            # The edge of what strangers may send: one node's readings must not take other nodes' with them.
            log.exception("readings of node %s", key.node)
            self._counters.add(key.node, "plain_values_dropped", "collector_fault", count)
            return []
        self._numbers[key] = number + len(blocks)
        return blocks

    def _newest_number(self, key: NodeKey) -> int:
        """Return the last number given; blocks that still wait for a full disk have theirs."""
        if key not in self._numbers:
            self._numbers[key] = self._journal.newest_number(key.node, self._spool(key))
        return self._numbers[key]

    def _spool(self, key: NodeKey) -> bytes:
        return uuid.uuid5(uuid.UUID(self._journal.store_uuid), f"{key.group}/{key.node}").bytes

    def _made(self, key: NodeKey, node: _Node, now_ms: int, number: int) -> Iterator[Arrival]:
        def dropped(ground: Ground, count: int) -> None:
            self._counters.add(key.node, "plain_values_dropped", ground.value, count)

        groups: list[ScanGroup] = []
        scans: list[Scans] = []
        for name, device in node.devices.items():
            tables = device.tables(now_ms, dropped)
            if tables:
                group = ScanGroup(name or NODE_MACHINE, FOREIGN_CLASS, 1.0, tuple(device.columns.values()))
                scans += [table.quantised(len(groups), group) for table in tables]
                groups.append(group)
        if not groups:
            return
        schema = Schema(tuple(groups))
        self._schemas[schema.hash] = schema
        for part in _cut(scans):
            number += 1
            data = encode_block(
                unit=key.node,
                site=UNKNOWN_PLACE,
                province=UNKNOWN_PLACE,
                mineral=UNKNOWN_PLACE,
                spool=self._spool(key),
                number=number,
                schema=schema,
                scans=part,
            )
            yield Arrival(key, data, now_ms, ours=True)


def _cut(scans: Sequence[Scans]) -> Iterator[list[Scans]]:
    """Cut by days, for no block may span more, and by size."""
    for day in sorted({int(day) for s in scans for day in np.unique(s.time_ms // DAY_MS)}):
        part: list[Scans] = []
        for s in (_of_day(s, day) for s in scans):
            if part and sum(p.steps.size for p in part) + s.steps.size > BLOCK_VALUES:
                yield part
                part = []
            if len(s):
                part.append(s)
        if part:
            yield part


def _of_day(table: Scans, day: int) -> Scans:
    first, end = np.searchsorted(table.time_ms, (day * DAY_MS, (day + 1) * DAY_MS))
    part = slice(int(first), int(end))
    quality = None if table.quality is None else table.quality[part]
    return Scans(table.group, table.time_ms[part], table.steps[part], quality)
