"""Nodes without blocks: any other Sparkplug device. Their ordinary metrics become blocks that the collector makes.

Readings gather by node for a few seconds; then one block holds them all. Numbers without a known resolution
stay lossless floats; what is not a number is counted and left out. Nothing resends these: a reading counts as
delivered when it is in the journal, and what the collector held when it was killed is lost, as QoS 0 is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from collector.arrivals import Arrival, NodeKey
from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.datatypes import DataType
from orewatch.telemetry.acceptance import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS, Ground
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Quality, Scans, quantise
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from collector.arrivals import Declared
    from collector.counters import Counters
    from orewatch.sparkplug.actions import Data
    from orewatch.storage.journal import Journal

T = TypeVar("T")

NODE_MACHINE: Final = "node"
FOREIGN_CLASS: Final = "foreign"
UNKNOWN_PLACE: Final = "unknown"
MAX_BUFFERED: Final = 2_000_000
FULL_VALUES: Final = 50_000
MAX_DEVICES: Final = 256
MAX_COLUMNS: Final = 256
MAX_ID_BYTES: Final = 512
_INTEGERS: Final = frozenset(range(DataType.INT8, DataType.UINT64 + 1))
_NUMERIC: Final = _INTEGERS | {DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN}
_QUALITY: Final = {192: Quality.GOOD, 500: Quality.STALE}


@dataclass(slots=True)
class _Device:
    """One device of a foreign node: its columns so far, and what it said since the last block."""

    columns: dict[str, Column] = field(default_factory=dict)
    place: dict[str, int] = field(default_factory=dict)
    plans: dict[tuple[str, ...], tuple[list[int] | None, NDArray[np.int64]]] = field(default_factory=dict)
    said: list[Data] = field(default_factory=list)
    units: Mapping[str, str] = field(default_factory=dict)

    def plan(self, data: Data) -> tuple[list[int] | None, NDArray[np.int64]]:
        """Return which of a message's metrics are recorded (None: all) and in which columns."""
        names = tuple(data.names)
        plan = self.plans.get(names)
        if plan is None:
            kept = []
            for i, (name, datatype) in enumerate(zip(names, data.datatypes, strict=True)):
                if datatype not in _NUMERIC or (name not in self.place and len(self.place) >= MAX_COLUMNS):
                    continue
                kept.append(i)
                if name not in self.place:
                    self.place[name] = len(self.place)
                    self.columns[name] = _column(name, datatype, self.units.get(name, "1"))
            columns = np.array([self.place[names[i]] for i in kept], dtype=np.int64)
            plan = (None if len(kept) == len(names) else kept, columns)
            if len(self.plans) > 256:  # noqa: PLR2004 - report by exception makes ever new combinations
                self.plans.clear()
            self.plans[names] = plan
        return plan


@dataclass(slots=True)
class _Node:
    since_ms: int
    values: int = 0
    devices: dict[str | None, _Device] = field(default_factory=dict)


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

    def _at(self, key: NodeKey, name: str | None, now_ms: int) -> tuple[_Node, _Device | None]:
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(now_ms)
        device = node.devices.get(name)
        # A block's tags are short, its schema is bounded.
        if device is None and len(node.devices) < MAX_DEVICES and len(key.node.encode()) <= MAX_ID_BYTES:
            device = node.devices[name] = _Device()
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
        groups: list[ScanGroup] = []
        tables: list[Scans] = []
        for name, device in node.devices.items():
            said, device.said = device.said, []
            table = self._table(key.node, device, said, now_ms)
            if table is not None:
                group = ScanGroup(name or NODE_MACHINE, FOREIGN_CLASS, 1.0, tuple(device.columns.values()))
                tables.append(_quantised(len(groups), group, table))
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

    def _table(self, node: str, device: _Device, said: Sequence[Data], now_ms: int) -> Scans | None:
        """Return a device's readings as rows by time; ``steps`` hold float64 bits still to be quantised."""
        times, places, values, qualities = [], [], [], []
        for data in said:
            kept, columns = device.plan(data)
            count = len(data.names)
            if kept is not None:
                self._counters.add(node, "plain_values_dropped", Ground.NOT_NUMERIC.value, count - len(kept))
                if not kept:
                    continue
            times.append(np.array(_some(data.timestamps_ms, kept), dtype=np.int64))
            values.append(np.array(_some(data.values, kept), dtype=np.float64))
            places.append(columns)
            if data.qualities is not None:
                qualities.append((len(times) - 1, [_QUALITY.get(q, Quality.BAD) for q in _some(data.qualities, kept)]))
        if not times:
            return None
        quality = [np.zeros(len(t), np.uint8) for t in times] if qualities else None
        for at, given in qualities:
            quality[at][:] = given  # type: ignore[index]
        return self._rows(
            node,
            len(device.columns),
            np.concatenate(times),
            np.concatenate(places),
            np.concatenate(values),
            np.concatenate(quality) if quality else None,
            now_ms,
        )

    def _rows(
        self,
        node: str,
        width: int,
        times: NDArray[np.int64],
        places: NDArray[np.int64],
        values: NDArray[np.float64],
        quality: NDArray[np.uint8] | None,
        now_ms: int,
    ) -> Scans | None:
        ahead, old = times > now_ms + MAX_AHEAD_MS, times < EARLIEST_MS
        for wrong, ground in ((ahead, Ground.AHEAD), (old, Ground.TOO_OLD), (~np.isfinite(values), Ground.NOT_FINITE)):
            if wrong.any():
                self._counters.add(node, "plain_values_dropped", ground.value, int(wrong.sum()))
        usable = ~(ahead | old)
        if not usable.any():
            return None
        if not usable.all():
            times, places, values = times[usable], places[usable], values[usable]
            quality = None if quality is None else quality[usable]
        rows, row = np.unique(times, return_inverse=True)
        table = np.zeros((len(rows), width))
        state = np.full(table.shape, np.uint8(Quality.ABSENT))
        table[row, places] = values
        state[row, places] = 0 if quality is None else quality
        return Scans(0, rows, table.view(np.int64), state if state.any() else None)


def _quantised(number: int, group: ScanGroup, table: Scans) -> Scans:
    steps, quality = quantise(group, table.steps.view(np.float64))
    if table.quality is not None:
        quality = table.quality if quality is None else np.maximum(table.quality, quality)
    if quality is not None:
        steps = np.where(quality == Quality.GOOD, steps, 0)
    return Scans(number, table.time_ms, steps, quality)


def _of_day(table: Scans, day: int) -> Scans:
    first, end = np.searchsorted(table.time_ms, (day * DAY_MS, (day + 1) * DAY_MS))
    part = slice(int(first), int(end))
    quality = None if table.quality is None else table.quality[part]
    return Scans(table.group, table.time_ms[part], table.steps[part], quality)


def _some(column: Sequence[T], kept: list[int] | None) -> Sequence[T]:
    return column if kept is None else [column[i] for i in kept]


def _column(name: str, datatype: DataType, unit: str) -> Column:
    if datatype is DataType.BOOLEAN:
        return Column(name, "1", 1.0, SignalKind.DIGITAL)
    return Column(name, unit, 1.0 if datatype in _INTEGERS else None)
