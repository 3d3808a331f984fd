"""What a host knows of one edge node: its session, its metrics, and the order of its messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orewatch.sparkplug.actions import (
    Data,
    DeviceBorn,
    DeviceDied,
    Event,
    NodeBorn,
    Rejected,
    RejectReason,
)
from orewatch.sparkplug.columns import Columns, Known, Owner, read_alike, read_columns
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.declarations import BD_SEQ
from orewatch.sparkplug.payload import MAX_TIME_MS, Metric, PayloadError, read_metric
from orewatch.sparkplug.topics import Topic, Verb

if TYPE_CHECKING:
    from orewatch.sparkplug import sparkplug_b_pb2 as pb

SEQ_COUNT = 256
MAX_PENDING_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed message on its way through the reorder window."""

    topic: Topic
    text: str
    raw: bytes
    wire: pb.Payload
    received_ms: int

    @property
    def said_ms(self) -> int:
        """The payload's own time; that of receipt where it has none that can be one."""
        told = self.wire.timestamp
        return told if 0 < told <= MAX_TIME_MS else self.received_ms


class HostNode:
    """One edge node as a host sees it. Methods append to ``out`` and return why a rebirth is needed, or None."""

    def __init__(self, *, group: str, node: str) -> None:
        self.group = group
        self.node = node
        self.born = False
        self.bd_seq: int | None = None
        self.owners: dict[str | None, Owner] = {}
        self.gap_until_ms: int | None = None
        self._next = 0
        self._last_raw = b""
        self._pending: dict[int, Message] = {}
        self._pending_bytes = 0

    def take(self, message: Message, reorder_ms: int, out: list[Event]) -> str | None:
        """Handle one DBIRTH, NDATA, DDATA or DDEATH in its order."""
        seq = message.wire.seq
        if seq == self._next:
            self._next = (seq + 1) % SEQ_COUNT
            self._last_raw = message.raw
            why = self._process(message, out)
            return why if not self._pending else self._drain(out) or why
        if not message.wire.HasField("seq"):
            return self._process(message, out)  # a peer without sequence numbers: nothing to order by
        if seq >= SEQ_COUNT:
            self._reject(message, RejectReason.BAD_SEQ, f"seq {seq}; allowed: 0 to 255", out)
            return f"seq {seq}"
        if message.raw == self._last_raw or (seq in self._pending and self._pending[seq].raw == message.raw):
            self._reject(message, RejectReason.DUPLICATE, f"seq {seq} came twice", out)
            return None
        full = seq in self._pending or self._pending_bytes + len(message.raw) > MAX_PENDING_BYTES
        why = self.expire(out) if full else None
        self._pending[seq] = message
        self._pending_bytes += len(message.raw)
        if self.gap_until_ms is None:
            self.gap_until_ms = message.received_ms + reorder_ms
        if reorder_ms == 0:
            why = self.expire(out) or why
        return why

    def take_alike(self, device: str | None, raw: bytes, received_ms: int) -> Data | None:
        """Handle the next DATA message without parsing it, where it looks like earlier ones; None: take() it."""
        owner = self.owners.get(device)
        if owner is None or not owner.alive or self._pending:
            return None
        columns = read_alike(owner, raw, self._next)
        if columns is None:
            return None
        self._next = (self._next + 1) % SEQ_COUNT
        self._last_raw = raw
        return self._data(device, columns, received_ms)

    def expire(self, out: list[Event]) -> str:
        """Give up on the missing messages: hand on what came after them, in order."""
        first = self._next
        arrived = sorted(self._pending, key=lambda seq: (seq - first) % SEQ_COUNT)
        messages = [self._pending[seq] for seq in arrived]
        self._forget_pending()
        for message in messages:
            self._next = (message.wire.seq + 1) % SEQ_COUNT
            self._last_raw = message.raw
            self._process(message, out)
        return f"seq {first} did not come" if not arrived else f"seq {first} did not come, {arrived[0]} did"

    def birth(self, message: Message, out: list[Event]) -> None:
        """Begin a session with an NBIRTH."""
        if self._pending:
            self.expire(out)
        self.owners = {}
        metrics = self._declare(message, out)
        bd_seq = metrics.get(BD_SEQ)
        self.bd_seq = bd_seq.value if bd_seq is not None and isinstance(bd_seq.value, int) else None
        self.born = True
        self._next = (message.wire.seq + 1) % SEQ_COUNT
        self._last_raw = message.raw
        at_ms = message.said_ms
        out.append(NodeBorn(group=self.group, node=self.node, metrics=metrics, timestamp_ms=at_ms, bd_seq=self.bd_seq))

    def end(self, out: list[Event]) -> None:
        """End the session: hand on what was waiting, and forget what births said."""
        if self._pending:
            self.expire(out)
        self.born = False
        self.owners = {}

    def _drain(self, out: list[Event]) -> str | None:
        why = None
        while (message := self._pending.pop(self._next, None)) is not None:
            self._pending_bytes -= len(message.raw)
            self._next = (self._next + 1) % SEQ_COUNT
            self._last_raw = message.raw
            why = self._process(message, out) or why
        if not self._pending:
            self._forget_pending()
        return why

    def _forget_pending(self) -> None:
        self._pending = {}
        self._pending_bytes = 0
        self.gap_until_ms = None

    def _process(self, message: Message, out: list[Event]) -> str | None:
        verb, device = message.topic.verb, message.topic.device
        if verb is Verb.DBIRTH:
            metrics = self._declare(message, out)
            at_ms = message.said_ms
            out.append(
                DeviceBorn(group=self.group, node=self.node, device=str(device), metrics=metrics, timestamp_ms=at_ms)
            )
            return None
        owner = self.owners.get(device)
        if verb is Verb.DDEATH:
            if owner is not None and owner.alive:
                owner.alive = False
                at_ms = message.said_ms
                out.append(DeviceDied(group=self.group, node=self.node, device=str(device), at_ms=at_ms))
            return None
        if owner is None or not owner.alive:
            self._reject(message, RejectReason.BEFORE_BIRTH, f"{verb.value} of {device} before its DBIRTH", out)
            return f"{verb.value} of {device} before its DBIRTH"
        columns, faults = read_columns(owner, message.wire, message.raw, message.received_ms)
        if columns.names:
            out.append(self._data(device, columns, message.received_ms))
        if not faults:
            return None
        details: dict[RejectReason, list[str]] = {}
        for reason, detail in faults:
            details.setdefault(reason, []).append(detail)
        for reason, texts in details.items():
            more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""  # noqa: PLR2004 - a readable line
            self._reject(message, reason, "; ".join(texts[:3]) + more, out)
        asking = {RejectReason.UNKNOWN_METRIC, RejectReason.CHANGED_TYPE} & details.keys()
        return f"{min(asking).value}: {details[min(asking)][0]}" if asking else None

    def _data(self, device: str | None, columns: Columns, received_ms: int) -> Data:
        return Data(
            group=self.group,
            node=self.node,
            device=device,
            received_ms=received_ms,
            names=columns.names,
            datatypes=columns.datatypes,
            values=columns.values,
            timestamps_ms=columns.timestamps_ms,
            historical=columns.historical,
            qualities=columns.qualities,
        )

    def _declare(self, message: Message, out: list[Event]) -> dict[str, Metric]:
        """Read a birth into an Owner; single bad metrics are rejected, the birth stands."""
        owner = Owner()
        taken = {alias for other in self.owners.values() for alias in other.aliases}
        if message.topic.device in self.owners:
            taken -= self.owners[message.topic.device].aliases.keys()
        metrics: dict[str, Metric] = {}
        for wire in message.wire.metrics:
            try:
                metric = read_metric(wire)
            except PayloadError as error:
                self._reject(message, RejectReason.BAD_BIRTH, str(error), out)
                # Its name and alias stand: otherwise its DATA would ask for rebirth after rebirth.
                if not isinstance(wire.name, str):
                    continue
                metric = Metric(name=wire.name, alias=wire.alias if wire.HasField("alias") else None)
            if not metric.name:
                self._reject(message, RejectReason.BAD_BIRTH, f"metric with alias {metric.alias} has no name", out)
                continue
            alias = metric.alias
            if alias in taken or alias in owner.aliases:
                self._reject(message, RejectReason.BAD_BIRTH, f"{metric.name}: alias {alias} is another's", out)
                alias = None
            owner.declare(metric.name, alias, Known(metric.name, metric.datatype or DataType.UNKNOWN))
            metrics[metric.name] = metric
        self.owners[message.topic.device] = owner
        return metrics

    def _reject(self, message: Message, reason: RejectReason, detail: str, out: list[Event]) -> None:
        out.append(
            Rejected(
                reason=reason,
                topic=message.text,
                payload=message.raw,
                detail=detail,
                group=self.group,
                node=self.node,
            )
        )
