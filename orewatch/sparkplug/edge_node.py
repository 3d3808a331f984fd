"""The edge node's side of a Sparkplug session: a state machine without I/O and without a clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.actions import Action, Command, Disconnect, Publish, Subscribe
from orewatch.sparkplug.datatypes import DataType, MetricValue
from orewatch.sparkplug.declarations import BD_SEQ, REBIRTH, Declarations, MetricDeclaration, Owner, Reading, Slot
from orewatch.sparkplug.declarations import write as check_value
from orewatch.sparkplug.fields import FieldError, read_value
from orewatch.sparkplug.payload import PayloadError, parse
from orewatch.sparkplug.state import read_state
from orewatch.sparkplug.topics import TopicError, Verb, device_topic, node_topic, parse_topic, state_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Action", "Command", "Disconnect", "EdgeNodeSession", "MetricDeclaration", "Publish", "Reading", "Subscribe"]

logger = logging.getLogger(__name__)

SEQ_COUNT = 256


class EdgeNodeSession:
    """One edge node's session with one broker.

    Args:
        group: the Sparkplug group; topics.TopicError where it is not allowed.
        node: the node's id.
        bd_seq: the last bdSeq used, kept by the caller across restarts; None: never connected.
        primary_host: wait for this host's STATE before births; None (default): do not wait.
        node_metrics: the node's own metrics; bdSeq and Node Control/Rebirth are added here.
        devices: device id -> its metrics. Aliases must be unique over node and devices (ValueError).
    """

    def __init__(
        self,
        *,
        group: str,
        node: str,
        bd_seq: int | None,
        node_metrics: Sequence[MetricDeclaration],
        devices: Mapping[str, Sequence[MetricDeclaration]],
        primary_host: str | None = None,
    ) -> None:
        if bd_seq is not None and not 0 <= bd_seq < SEQ_COUNT:
            raise ValueError(f"bd_seq {bd_seq}; allowed: 0 to 255, or None")
        self._group, self._node = group, node
        self._death_topic = node_topic(group, Verb.NDEATH, node)
        self._command_topic = node_topic(group, Verb.NCMD, node)
        self._state_topic = None if primary_host is None else state_topic(primary_host)
        self._declared = Declarations(node_metrics, devices)
        self._seq = 0
        self._linked = False
        self._host_ms: int | None = None
        self._host_online_ms: int | None = None
        self.bd_seq = bd_seq
        self.born = False
        self.refused = 0  # commands that could not be obeyed: not writable, wrong type, device lost, malformed

    def will(self, now_ms: int) -> Publish:
        """Advance bdSeq and return the NDEATH will. Call before every connect, then keep ``bd_seq``."""
        self.bd_seq = 0 if self.bd_seq is None else (self.bd_seq + 1) % SEQ_COUNT
        self._linked = self.born = False
        return self._death(now_ms, qos=1)

    def connected(self, now_ms: int) -> tuple[Action, ...]:
        """CONNACK came: subscriptions, then births (or the wait for the primary host)."""
        if self.bd_seq is None:
            raise ValueError("connected() before will(): there is no bdSeq to be born with")
        self._linked, self.born = True, False
        actions: list[Action] = [Subscribe(self._command_topic), *self._device_subscriptions(None)]
        if self._state_topic is not None:
            # The retained STATE that answers this subscription decides when births may go out.
            return (*actions, Subscribe(self._state_topic))
        return (*actions, *self._births(now_ms))

    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        """Handle a message: rebirth and STATE are dealt with inside, other writes come out as Command."""
        if not self._linked:
            return ()
        if topic == self._state_topic:
            return self._host_state(payload, now_ms)
        try:
            parsed = parse_topic(topic)
        except TopicError:
            return ()
        if (parsed.group, parsed.node) != (self._group, self._node) or not self.born:
            return ()
        if parsed.verb is Verb.NCMD or (parsed.verb is Verb.DCMD and parsed.device in self._declared.owners):
            return self._commands(parsed.device, payload, now_ms)
        return ()

    def set_value(
        self, device: str | None, name: str, value: MetricValue, timestamp_ms: int, quality: int = 192
    ) -> None:
        """Set what the next birth will say of a metric, without publishing; PayloadError where it does not fit."""
        slot = self._declared.slot(device, name)
        check_value(pb.Metric(), slot.declaration, value)
        slot.put(value, timestamp_ms, quality)

    def data(self, device: str | None, readings: Sequence[Reading], now_ms: int) -> tuple[Action, ...]:
        """One NDATA or DDATA of the readings; () when not born or the device is lost. Updates birth values.

        ValueError on a metric that is not declared, PayloadError on a value that does not fit: nothing is sent then.
        """
        owner = self._declared.owner(device)
        ordered = sorted(readings, key=lambda r: r.timestamp_ms)
        wire = pb.Payload(timestamp=now_ms, seq=self._seq)
        placed = []
        for reading in ordered:
            slot = self._declared.slot(device, reading.name)
            # Older than what hosts already have is history, unless our own clock was set back.
            late = reading.timestamp_ms < slot.sent_ms <= now_ms
            historical = reading.is_historical or late
            slot.write_data(wire.metrics.add(), reading, historical=historical)
            if not historical:
                placed.append((slot, reading))
        for slot, reading in placed:
            slot.put(reading.value, reading.timestamp_ms, reading.quality)
        if not self.born or not owner.alive or not ordered:
            return ()
        for slot, reading in placed:
            slot.sent_ms, slot.sent_quality = reading.timestamp_ms, reading.quality
        topic = self._topic(Verb.NDATA if device is None else Verb.DDATA, device)
        self._seq = (self._seq + 1) % SEQ_COUNT
        return (Publish(topic, wire.SerializeToString()),)

    def device_lost(self, device: str, now_ms: int) -> tuple[Action, ...]:
        """DDEATH: the link to the machine is gone."""
        owner = self._declared.owner(device)
        if not owner.alive:
            return ()
        owner.alive = False
        return (self._sequenced(Verb.DDEATH, device, (), now_ms),) if self.born else ()

    def device_back(self, device: str, now_ms: int) -> tuple[Action, ...]:
        """DBIRTH: the link to the machine is back."""
        owner = self._declared.owner(device)
        if owner.alive:
            return ()
        owner.alive = True
        return (self._device_birth(device, owner, now_ms),) if self.born else ()

    def redeclare(
        self,
        node_metrics: Sequence[MetricDeclaration],
        devices: Mapping[str, Sequence[MetricDeclaration]],
        now_ms: int,
    ) -> tuple[Action, ...]:
        """Replace all declarations (values of unchanged metrics are kept) and give birth anew."""
        old, new = self._declared, Declarations(node_metrics, devices)
        new.keep_values(old)
        gone = [name for name, owner in old.devices() if name not in new.owners and owner.alive]
        deaths = [self._sequenced(Verb.DDEATH, name, (), now_ms) for name in gone] if self.born else []
        self._declared = new
        if not self._linked:
            return ()
        births = self._births(now_ms) if self.born else []
        return (*deaths, *self._device_subscriptions(old), *births)

    def tick(self, now_ms: int) -> tuple[Action, ...]:
        """Let time pass: an edge node waits for nothing."""
        del now_ms
        return ()

    def disconnected(self, now_ms: int) -> tuple[Action, ...]:
        """Note that the link is gone: nothing is published until the next connected()."""
        del now_ms
        self._linked = self.born = False
        return ()

    def close(self, now_ms: int) -> tuple[Action, ...]:
        """NDEATH and Disconnect: an intended stop."""
        if not self._linked:
            return (Disconnect(),)
        self._linked = self.born = False
        return (self._death(now_ms, qos=0), Disconnect())

    def _topic(self, verb: Verb, device: str | None) -> str:
        if device is None:
            return node_topic(self._group, verb, self._node)
        return device_topic(self._group, verb, self._node, device)

    def _device_subscriptions(self, old: Declarations | None) -> list[Subscribe]:
        # Also where nothing is writable: a command is then refused and counted instead of lost in silence.
        known = () if old is None else old.owners
        return [Subscribe(self._topic(Verb.DCMD, name)) for name, _ in self._declared.devices() if name not in known]

    def _death(self, now_ms: int, *, qos: int) -> Publish:
        wire = pb.Payload(timestamp=now_ms)
        self._write_bd_seq(wire.metrics.add(), now_ms)
        return Publish(self._death_topic, wire.SerializeToString(), qos=qos)

    def _write_bd_seq(self, out: pb.Metric, now_ms: int) -> None:
        out.name, out.datatype, out.timestamp, out.long_value = BD_SEQ, DataType.INT64, now_ms, self.bd_seq or 0

    def _births(self, now_ms: int) -> list[Action]:
        self._seq, self.born = 0, True
        node = self._sequenced(Verb.NBIRTH, None, self._declared.owners[None].by_birth_time(now_ms), now_ms)
        alive = [(name, owner) for name, owner in self._declared.devices() if owner.alive]
        return [node, *(self._device_birth(name, owner, now_ms) for name, owner in alive)]

    def _device_birth(self, device: str, owner: Owner, now_ms: int) -> Publish:
        return self._sequenced(Verb.DBIRTH, device, owner.by_birth_time(now_ms), now_ms)

    def _sequenced(self, verb: Verb, device: str | None, slots: Iterable[Slot], now_ms: int) -> Publish:
        wire = pb.Payload(timestamp=now_ms, seq=self._seq)
        for slot in slots:
            slot.write_birth(wire.metrics.add(), now_ms)
        if verb is Verb.NBIRTH:
            self._write_bd_seq(wire.metrics.add(), now_ms)
            rebirth = wire.metrics.add()
            rebirth.name, rebirth.datatype, rebirth.timestamp = REBIRTH, DataType.BOOLEAN, now_ms
            rebirth.boolean_value = False
        self._seq = (self._seq + 1) % SEQ_COUNT
        return Publish(self._topic(verb, device), wire.SerializeToString())

    def _commands(self, device: str | None, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        try:
            wire = parse(payload)
        except PayloadError as error:
            self._refuse(device, str(error))
            return ()
        actions: list[Action] = []
        rebirth = False
        for metric in wire.metrics:
            if device is None and metric.name == REBIRTH:
                # Only true asks; false is what births themselves say.
                rebirth = rebirth or metric.boolean_value or metric.int_value == 1 or metric.long_value == 1
                continue
            command = self._command(device, metric, now_ms)
            if command is not None:
                actions.append(command)
        return (*actions, *self._births(now_ms)) if rebirth else tuple(actions)

    def _command(self, device: str | None, metric: pb.Metric, now_ms: int) -> Command | None:
        owner = self._declared.owners[device]
        slot = owner.slots.get(metric.name)
        if slot is None and metric.HasField("alias"):
            holder, found = self._declared.by_alias.get(metric.alias, (None, None))
            slot = found if holder == device else None
        if slot is None or not slot.declaration.writable or not owner.alive:
            self._refuse(
                device, f"metric {metric.name!r} alias {metric.alias} is unknown, not writable, or its link lost"
            )
            return None
        try:
            value = read_value(metric, slot.declaration.datatype)
        except FieldError as error:
            self._refuse(device, f"metric {slot.declaration.name}: {error}")
            return None
        timestamp_ms = metric.timestamp if metric.HasField("timestamp") else now_ms
        return Command(device, slot.declaration.name, value, timestamp_ms)

    def _refuse(self, device: str | None, why: str) -> None:
        self.refused += 1
        logger.warning("%s/%s: a command to %s is refused: %s", self._group, self._node, device or "the node", why)

    def _host_state(self, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        state = read_state(payload)
        if state is None:
            self._refuse(None, f"STATE of the primary host is not one: {payload!r:.80}")
            return ()
        if state.online:
            if self._host_ms is not None and state.timestamp_ms < self._host_ms:
                return ()
            self._host_ms = self._host_online_ms = state.timestamp_ms
            return () if self.born else tuple(self._births(now_ms))
        if self._host_online_ms is not None and state.timestamp_ms < self._host_online_ms:
            return ()
        self._host_ms = max(self._host_ms or 0, state.timestamp_ms)
        if not self.born:
            return ()
        self._linked = self.born = False
        return (self._death(now_ms, qos=0), Disconnect(reconnect=True))
