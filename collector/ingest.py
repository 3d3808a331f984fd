"""What the host session tells, turned into what the writer keeps. Runs in the event loop; does nothing slow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeGuard

from collector.arrivals import Arrival, Birth, Death, Declared, NodeKey
from orewatch.sparkplug.actions import (
    Data,
    DeathCause,
    DeviceBorn,
    NodeBorn,
    NodeDied,
    RebirthAsked,
    Rejected,
    RejectReason,
)
from orewatch.sparkplug.topics import TopicError, parse_topic
from orewatch.storage.dead_letters import DeadLetter, Verdict
from orewatch.storage.registry import NodeRecord
from orewatch.telemetry.node_metrics import BLOCK, DEPTH, DESCRIPTION, DROPPED, SCHEMAS, SPOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.arrivals import Item
    from collector.counters import Counters
    from orewatch.sparkplug.actions import Event
    from orewatch.sparkplug.payload import Metric

# Everyday events of a network that loses and reorders; counted, but there is nothing in them to look at.
NOT_KEPT: Final = frozenset(
    {RejectReason.BEFORE_BIRTH, RejectReason.BAD_SEQ, RejectReason.DUPLICATE, RejectReason.OTHER_SESSION}
)
LETTERS_PER_S: Final = 20
MAX_SCHEMAS: Final = 256
LARGEST: Final = 2**63 - 1


class Ingest:
    """Sorts events: blocks of our own nodes, plain readings of foreign ones, births, deaths, rejections."""

    def __init__(
        self,
        *,
        submit: Callable[[Item], bool],
        counters: Counters,
        now_ms: Callable[[], int],
        record_plain: bool = True,
    ) -> None:
        self._submit = submit
        self._counters = counters
        self._now_ms = now_ms
        self._record_plain = record_plain
        self._records: dict[NodeKey, NodeRecord] = {}
        self._ours: set[NodeKey] = set()
        self._letters: tuple[int, int] = (0, 0)
        self.seen: dict[str, int] = {}
        self.spools: dict[str, tuple[int | None, int | None]] = {}

    def on_event(self, event: Event) -> None:
        """Take one event of the host session."""
        if isinstance(event, Data):
            self._data(event)
        elif isinstance(event, NodeBorn):
            self._node_born(event)
        elif isinstance(event, DeviceBorn):
            self._device_born(event)
        elif isinstance(event, NodeDied):
            self._node_died(event)
        elif isinstance(event, Rejected):
            self._rejected(event)
        elif isinstance(event, RebirthAsked):
            self._counters.add(event.node, "rebirths_asked")

    def oversized(self, topic: str, size: int) -> None:
        """Take note of a message that was skipped on the socket for its size."""
        try:
            node: str | None = parse_topic(topic).node
        except TopicError:
            node = None
        detail = f"{size} bytes, skipped unread"
        self._rejected(Rejected(reason=RejectReason.TOO_LARGE, topic=topic, payload=b"", detail=detail, node=node))

    def _data(self, data: Data) -> None:
        self.seen[data.node] = data.received_ms
        key = NodeKey(data.group, data.node)
        if key not in self._ours:
            self._counters.add(data.node, "plain_values", amount=len(data.names))
            if self._record_plain and not self._submit(data):
                self._counters.add(data.node, "plain_values_dropped", "queue_full", len(data.names))
            return
        if data.device is not None:
            self._counters.add(data.node, "live_values", amount=len(data.names))
            return
        for name, value in zip(data.names, data.values, strict=True):
            if name == BLOCK and isinstance(value, bytes):
                self._counters.add(data.node, "blocks_received")
                self._submit(Arrival(key, value, data.received_ms))
            elif name in {DEPTH, DROPPED} and _is_count(value):
                depth, dropped = self.spools.get(data.node, (None, None))
                self.spools[data.node] = (value, dropped) if name == DEPTH else (depth, value)

    def _node_born(self, event: NodeBorn) -> None:
        key = NodeKey(event.group, event.node)
        now_ms = self._now_ms()
        record = NodeRecord(
            group=event.group,
            node=event.node,
            description=_text(event.metrics, DESCRIPTION),
            spool=_text(event.metrics, SPOOL),
            bd_seq=event.bd_seq if _is_count(event.bd_seq) else None,
            born_ms=event.timestamp_ms,
            last_seen_ms=now_ms,
            depth=_number(event.metrics, DEPTH),
            dropped=_number(event.metrics, DROPPED),
            aliases={"": _aliases(event.metrics)},
        )
        self._records[key] = record
        self.seen[event.node] = now_ms
        if BLOCK in event.metrics:
            self._ours.add(key)
        else:
            self._ours.discard(key)
            self._submit(Declared(key, None, _units(event.metrics), now_ms))
        self._submit(Birth(key, record, self._schemas(event)))

    def _device_born(self, event: DeviceBorn) -> None:
        key = NodeKey(event.group, event.node)
        record = self._records.get(key)
        if record is None:
            return
        record = replace(record, aliases={**record.aliases, event.device: _aliases(event.metrics)})
        self._records[key] = record
        if key not in self._ours:
            self._submit(Declared(key, event.device, _units(event.metrics), self._now_ms()))
        self._submit(Birth(key, record, None))

    def _node_died(self, event: NodeDied) -> None:
        self._records.pop(NodeKey(event.group, event.node), None)
        # When it is us who lost the broker, nothing is known of the node's own life.
        if event.cause is not DeathCause.HOST_OFFLINE:
            self._counters.add(event.node, "deaths")
            self._submit(Death(NodeKey(event.group, event.node), event.at_ms))

    def _rejected(self, event: Rejected) -> None:
        now_ms = self._now_ms()
        unit = event.node or ""
        self._counters.add(unit, "rejected", event.reason.value)
        if event.reason in NOT_KEPT:
            return
        second, count = self._letters
        count = count + 1 if second == now_ms // 1000 else 1
        self._letters = (now_ms // 1000, count)
        if count > LETTERS_PER_S:
            self._counters.add(unit, "letters_dropped", "too_many")
            return
        self._submit(
            DeadLetter(
                unit=unit,
                verdict=Verdict.REJECTED,
                reason=event.reason.value,
                detail=f"{event.topic}: {event.detail}",
                received_ms=now_ms,
                data=event.payload,
            )
        )

    def _schemas(self, event: NodeBorn) -> list[str]:
        text = _text(event.metrics, SCHEMAS)
        if text is None:
            return []
        try:
            schemas = json.loads(text)
        except (ValueError, RecursionError):
            schemas = None
        if not isinstance(schemas, list) or len(schemas) > MAX_SCHEMAS:
            self._counters.add(event.node, "schemas_rejected", "malformed")
            return []
        return [schema for schema in schemas if isinstance(schema, str)]


def _text(metrics: Mapping[str, Metric], name: str) -> str | None:
    value = metrics[name].value if name in metrics else None
    return value if isinstance(value, str) else None


def _number(metrics: Mapping[str, Metric], name: str) -> int | None:
    value = metrics[name].value if name in metrics else None
    return value if _is_count(value) else None


def _is_count(value: object) -> TypeGuard[int]:
    """A UInt64 may be larger than any number that the registry can keep."""
    return isinstance(value, int) and 0 <= value <= LARGEST


def _aliases(metrics: Mapping[str, Metric]) -> dict[str, tuple[int | None, int]]:
    return {name: (metric.alias, int(metric.datatype or 0)) for name, metric in metrics.items()}


def _units(metrics: Mapping[str, Metric]) -> dict[str, str]:
    units = ((name, metric.properties.get("engUnit")) for name, metric in metrics.items())
    return {name: unit for name, unit in units if isinstance(unit, str) and unit}
