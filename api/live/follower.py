"""From Sparkplug events to live readings and held evidence. History never moves live values."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from api.live.edge_clock import CLOCK_OFF_MS
from api.live.readings import BAD, GOOD, STALE
from orewatch.plant.catalogue import SignalRef
from orewatch.plant.unit import UnitError, unit_from_json
from orewatch.sparkplug.actions import (
    Data,
    DeviceBorn,
    DeviceDied,
    NodeBorn,
    NodeDied,
    RebirthAsked,
    Rejected,
)
from orewatch.telemetry.block import BlockError, decode_block, read_header
from orewatch.telemetry.node_metrics import BLOCK, DESCRIPTION, SCHEMAS
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality, physical
from orewatch.telemetry.schema import Schema, SchemaError, schema_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.live.readings import LiveReadings
    from api.live.roster import Roster
    from orewatch.plant.unit import Unit
    from orewatch.sparkplug.actions import Event
    from orewatch.sparkplug.payload import Metric

log = logging.getLogger(__name__)

# A sealed block is up to a minute old when it comes in time.
LATE_MS = 150_000
MAX_SCHEMAS = 10_000
_NAN = float("nan")


class Told(NamedTuple):
    """One reading for whoever judges the unit; NaN: known to be bad."""

    unit: str
    ref: SignalRef
    time_ms: int
    value: float


class Follower:
    """Takes what the broker says, one event at a time, in the event loop.

    ``on_unit``: a unit is new or described differently. ``on_heard(unit, received_ms, clock_bad)``.
    ``on_reading``: a reading that may decide the unit's state. ``on_late(unit, first_ms, last_ms)``: history came.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        readings: LiveReadings,
        now_ms: Callable[[], int],
        on_unit: Callable[[Unit], None],
        on_heard: Callable[[str, int, bool], None],
        on_reading: Callable[[Told], None],
        on_late: Callable[[str, int, int], None],
    ) -> None:
        self._roster = roster
        self._readings = readings
        self._now_ms = now_ms
        self._on_unit = on_unit
        self._on_heard = on_heard
        self._on_reading = on_reading
        self._on_late = on_late
        self._schemas: dict[bytes, Schema] = {}
        self._refs: dict[tuple[str, str], SignalRef] = {}
        self.counts: Counter[str] = Counter()

    def take(self, event: Event) -> None:
        """Handle one event of the host session."""
        self.counts["messages"] += 1
        if isinstance(event, Data):
            self._data(event)
        elif isinstance(event, NodeBorn):
            self._node_born(event)
        elif isinstance(event, DeviceBorn):
            self._device_born(event)
        elif isinstance(event, DeviceDied):
            self._device_died(event)
        elif isinstance(event, NodeDied):
            if event.node in self._roster:
                self._readings.of(event.node).died_ms = event.at_ms
                self._readings.of(event.node).stale()
            self.counts[f"node_died_{event.cause.value}"] += 1
        elif isinstance(event, Rejected):
            self.counts[f"rejected_{event.reason.value}"] += 1
        elif isinstance(event, RebirthAsked):
            self.counts["rebirth_asked"] += 1

    def learn_schemas(self, texts: list[str]) -> None:
        """Note schemas that blocks may name."""
        for text in texts:
            try:
                schema = schema_from_text(text)
            except SchemaError as error:
                self.counts["bad_schema"] += 1
                log.warning("a schema cannot be read: %s", error)
                continue
            if len(self._schemas) < MAX_SCHEMAS:
                self._schemas[schema.hash] = schema

    def _node_born(self, event: NodeBorn) -> None:
        described = event.metrics.get(DESCRIPTION)
        if described is None or not isinstance(described.value, str):
            self.counts["foreign_node"] += 1
            return
        try:
            unit = unit_from_json(described.value)
        except UnitError as error:
            self.counts["bad_description"] += 1
            log.warning("node %s/%s: %s", event.group, event.node, error)
            return
        if unit.id != event.node:
            self.counts["bad_description"] += 1
            log.warning("node %s/%s describes unit %r; allowed: its own id", event.group, event.node, unit.id)
            return
        self._roster.set_group(unit.id, event.group)
        if self._roster.describe(unit):
            self._on_unit(unit)
        schemas = event.metrics.get(SCHEMAS)
        if schemas is not None and isinstance(schemas.value, str):
            try:
                texts = json.loads(schemas.value)
            except ValueError:
                texts = None
            if isinstance(texts, list):
                self.learn_schemas([str(t) for t in texts])
        self._heard(event.node, event.timestamp_ms)

    def _device_born(self, event: DeviceBorn) -> None:
        if event.node not in self._roster:
            return
        shift_ms = self._readings.of(event.node).clock.shift_of(event.timestamp_ms, self._now_ms())
        for name, metric in event.metrics.items():
            if metric.is_historical:
                continue
            quality = GOOD if not metric.is_null else BAD
            declared = metric.properties.get("Quality")
            if isinstance(declared, int):
                quality = declared
            if metric.is_null and quality == STALE:
                # It bears the birth's time, which is later than that of the first scan where both cross.
                self._readings.of(event.node).unread(str(self._ref(event.device, name)))
                continue
            self._reading(event.node, event.device, name, metric.value, _time_of(metric, event) + shift_ms, quality)
        self._heard(event.node, event.timestamp_ms)

    def _device_died(self, event: DeviceDied) -> None:
        unit = self._roster.unit(event.node)
        if unit is None:
            return
        self._readings.of(event.node).stale(event.device)
        machine = unit.machines.get(event.device)
        for signal in machine.signals if machine else ():
            self._on_reading(Told(event.node, self._ref(event.device, signal), event.at_ms, _NAN))
        self.counts["device_died"] += 1

    def _data(self, event: Data) -> None:
        if event.node not in self._roster:
            self.counts["unknown_unit"] += 1
            return
        self._roster.set_group(event.node, event.group)
        if event.device is None:
            for name, value in zip(event.names, event.values, strict=True):
                if name == BLOCK and isinstance(value, bytes):
                    self._block(event.node, value, event.received_ms)
            self._heard(event.node, None, event.received_ms)
            return
        rows: Sequence[int] = range(len(event.names))
        if event.historical is not None:
            rows = [row for row in rows if not event.historical[row]]
            self.counts["historical"] += len(event.names) - len(rows)
        newest_ms = max((event.timestamps_ms[row] for row in rows), default=None)
        clock = self._readings.of(event.node).clock
        shift_ms = 0 if newest_ms is None else clock.shift_of(newest_ms, event.received_ms)
        for row in rows:
            quality = GOOD if event.qualities is None else event.qualities[row]
            time_ms = event.timestamps_ms[row] + shift_ms
            self._reading(event.node, event.device, event.names[row], event.values[row], time_ms, quality)
        self._heard(event.node, newest_ms, event.received_ms)

    def _heard(self, unit_id: str, edge_ms: int | None, received_ms: int | None = None) -> None:
        received_ms = self._now_ms() if received_ms is None else received_ms
        readings = self._readings.of(unit_id)
        readings.last_seen_ms = received_ms
        readings.died_ms = None
        clock_bad = edge_ms is not None and abs(edge_ms - received_ms) > CLOCK_OFF_MS
        if clock_bad:
            self.counts["clock_bad"] += 1
        self._on_heard(unit_id, received_ms, clock_bad)

    def _reading(self, unit_id: str, machine: str, name: str, raw: object, time_ms: int, quality: int) -> None:
        value = float(raw) if isinstance(raw, (int, float)) else None
        ref = self._ref(machine, name)
        if self._readings.of(unit_id).put(str(ref), value, time_ms, quality):
            good = value is not None and quality == GOOD and math.isfinite(value)
            self._on_reading(Told(unit_id, ref, time_ms, value if good and value is not None else _NAN))

    def _block(self, unit_id: str, data: bytes, received_ms: int) -> None:
        """Take a block's newest values where they are newer; tell of history where it is."""
        try:
            header = read_header(data)
            schema = self._schemas.get(header.schema)
            if header.unit != unit_id or schema is None:
                self.counts["block_unread"] += 1
                return
            if header.last_ms - received_ms > CLOCK_OFF_MS:
                self.counts["block_from_the_future"] += 1
                return
            if received_ms - header.last_ms > LATE_MS:
                self._on_late(unit_id, header.first_ms, header.last_ms)
                self.counts["block_late"] += 1
                return
            scans = decode_block(data, schema)
        except BlockError as error:
            self.counts[f"block_{error.fault.value}"] += 1
            return
        shift_ms = self._readings.of(unit_id).clock.shift_ms
        for scan in scans:
            group = schema.groups[scan.group]
            values = physical(group, scan.steps[-1:])
            time_ms = int(scan.time_ms[-1]) + shift_ms
            for column, ref in enumerate(group.refs()):
                quality = Quality.GOOD if scan.quality is None else Quality(int(scan.quality[-1, column]))
                if quality is not Quality.ABSENT:
                    value = float(values[0, column])
                    self._reading(unit_id, ref.machine, ref.signal, value, time_ms, SPARKPLUG_QUALITY[quality])

    def _ref(self, machine: str, signal: str) -> SignalRef:
        # Interned: the same few thousand names come every second.
        found = self._refs.get((machine, signal))
        if found is None:
            if len(self._refs) > 1_000_000:  # noqa: PLR2004 - a foreign flood of names
                self._refs.clear()
            found = self._refs[machine, signal] = SignalRef(machine, signal)
        return found


def _time_of(metric: Metric, event: DeviceBorn) -> int:
    return event.timestamp_ms if metric.timestamp_ms is None else metric.timestamp_ms
