"""Nodes without blocks: any other Sparkplug device. Their ordinary metrics become blocks that the collector makes.

Readings gather by node for a few seconds; then one block holds them all. Numbers without a known resolution
stay lossless floats; what is not a number is counted and left out. Nothing resends these: a reading counts as
delivered when it is in the journal, and what the collector held when it was killed is lost, as QoS 0 is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from collector.arrivals import Arrival, NodeKey
from collector.foreign_readings import DeviceReadings
from orewatch.telemetry.acceptance import DAY_MS
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.arrivals import Declared
    from collector.counters import Counters
    from orewatch.sparkplug.actions import Data
    from orewatch.storage.journal import Journal
    from orewatch.telemetry.acceptance import Ground

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
        """Return the blocks of nodes that have waited long enough or have much."""
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
        del self._nodes[key]
        return blocks

    def _blocks(self, key: NodeKey, node: _Node, now_ms: int) -> list[Arrival]:
        self._buffered -= node.values
        node.values = 0

        def dropped(ground: Ground, count: int) -> None:
            self._counters.add(key.node, "plain_values_dropped", ground.value, count)

        groups: list[ScanGroup] = []
        tables: list[Scans] = []
        for name, device in node.devices.items():
            table = device.table(now_ms, dropped)
            if table is not None:
                group = ScanGroup(name or NODE_MACHINE, FOREIGN_CLASS, 1.0, tuple(device.columns.values()))
                tables.append(table.quantised(len(groups), group))
                groups.append(group)
        if not groups:
            return []
        schema = Schema(tuple(groups))
        self._journal.put_schemas([schema])
        # History that comes in one go is cut by days: no block may span more.
        days = sorted({int(day) for table in tables for day in np.unique(table.time_ms // DAY_MS)})
        return [self._block(key, schema, [_of_day(t, day) for t in tables], now_ms) for day in days]

    def _block(self, key: NodeKey, schema: Schema, scans: Sequence[Scans], now_ms: int) -> Arrival:
        spool = uuid.uuid5(uuid.UUID(self._journal.store_uuid), f"{key.group}/{key.node}").bytes
        # Blocks of a node that died may still wait for a full disk: their numbers are taken.
        number = max(self._numbers.get(key, 0), self._journal.newest_number(key.node, spool)) + 1
        self._numbers[key] = number
        data = encode_block(
            unit=key.node,
            site=UNKNOWN_PLACE,
            province=UNKNOWN_PLACE,
            mineral=UNKNOWN_PLACE,
            spool=spool,
            number=number,
            schema=schema,
            scans=scans,
        )
        return Arrival(key, data, now_ms, ours=True)


def _of_day(table: Scans, day: int) -> Scans:
    first, end = np.searchsorted(table.time_ms, (day * DAY_MS, (day + 1) * DAY_MS))
    part = slice(int(first), int(end))
    quality = None if table.quality is None else table.quality[part]
    return Scans(table.group, table.time_ms[part], table.steps[part], quality)
