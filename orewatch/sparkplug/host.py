"""The host application's side of Sparkplug: a state machine without I/O and without a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.actions import (
    Action,
    Data,
    DeathCause,
    DeviceBorn,
    DeviceDied,
    Disconnect,
    Event,
    HostMetric,
    NodeBorn,
    NodeDied,
    Publish,
    RebirthAsked,
    Rejected,
    RejectReason,
    Subscribe,
)
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.declarations import BD_SEQ, REBIRTH
from orewatch.sparkplug.host_node import HostNode, Message
from orewatch.sparkplug.payload import (
    MAX_PAYLOAD_BYTES,
    Metric,
    PayloadError,
    PayloadFault,
    parse,
    write_metric,
)
from orewatch.sparkplug.rebirths import RebirthPacer
from orewatch.sparkplug.state import HostState, read_state
from orewatch.sparkplug.topics import (
    NAMESPACE,
    Topic,
    TopicError,
    Verb,
    check_id,
    device_topic,
    node_topic,
    parse_topic,
    state_topic,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.sparkplug.datatypes import MetricValue

__all__ = [
    "Action",
    "Data",
    "DeathCause",
    "DeviceBorn",
    "DeviceDied",
    "Disconnect",
    "HostMetric",
    "HostSession",
    "NodeBorn",
    "NodeDied",
    "Publish",
    "RebirthAsked",
    "RejectReason",
    "Rejected",
    "Subscribe",
]

MAX_TOPICS = 100_000
KEPT_BYTES = 4096  # of a payload that is no payload, for whoever looks at it later
_DATA = frozenset({Verb.NDATA, Verb.DDATA})
_NOT_FROM_NODES = frozenset({Verb.STATE, Verb.NCMD, Verb.DCMD})


class HostSession:
    """A Sparkplug host application's session with one broker.

    Args:
        host: the host id.
        groups: the Sparkplug groups to follow; ("+",): all.
        announce: publish STATE; False: an observer, which may still ask for rebirths.
        reorder_ms: how long a gap in seq may stay open before a rebirth is asked for.
        rebirth_spacing_ms: the least time between two rebirth requests to one node; doubles while unanswered.
        rebirth_stagger_ms: the least time between rebirth requests to any two nodes.
        max_payload: bytes; larger messages are Rejected unread.
        max_nodes: births of further nodes are Rejected.
    """

    def __init__(
        self,
        *,
        host: str,
        groups: Sequence[str] = ("+",),
        announce: bool = True,
        reorder_ms: int = 2000,
        rebirth_spacing_ms: int = 2000,
        rebirth_stagger_ms: int = 20,
        max_payload: int = MAX_PAYLOAD_BYTES,
        max_nodes: int = 20_000,
    ) -> None:
        if not groups:
            raise ValueError('groups is empty; allowed: one or more group ids, or "+" for all')
        self._state_topic = state_topic(host)
        self._filters = (
            [f"{NAMESPACE}/#"] if "+" in groups else [f"{NAMESPACE}/{check_id(g, 'group id')}/#" for g in groups]
        )
        self._announce = announce
        self._reorder_ms = reorder_ms
        self._max_payload = max_payload
        self._max_nodes = max_nodes
        self._pacer = RebirthPacer(spacing_ms=rebirth_spacing_ms, stagger_ms=rebirth_stagger_ms, max_nodes=max_nodes)
        self._nodes: dict[tuple[str, str], HostNode] = {}
        self._gaps: dict[tuple[str, str], HostNode] = {}
        self._topics: dict[str, Topic] = {}
        self._will_ms: int | None = None
        self._linked = False

    def will(self, now_ms: int) -> Publish | None:
        """Return the STATE will for the next connect; None for an observer."""
        self._linked = False
        if not self._announce:
            return None
        self._will_ms = now_ms
        return self._state(online=False, timestamp_ms=now_ms)

    def connected(self, now_ms: int) -> tuple[Action, ...]:
        """CONNACK came: subscriptions, then STATE online with the will's timestamp."""
        self._linked = True
        data = [Subscribe(text) for text in self._filters]
        if not self._announce:
            return tuple(data)
        timestamp_ms = now_ms if self._will_ms is None else self._will_ms
        return (Subscribe(self._state_topic), *data, self._state(online=True, timestamp_ms=timestamp_ms))

    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        """Handle one message; events come out in seq order within the reorder window."""
        parsed = self._topics.get(topic)
        if parsed is None:
            try:
                parsed = parse_topic(topic)
            except TopicError as error:
                return (_rejected(RejectReason.BAD_TOPIC, topic, payload, str(error)),)
            if len(self._topics) >= MAX_TOPICS:
                self._topics.clear()
            self._topics[topic] = parsed
        if parsed.verb in _NOT_FROM_NODES:
            return self._own_state(topic, payload, now_ms) if parsed.verb is Verb.STATE else ()
        if parsed.verb in _DATA:
            node = self._nodes.get((parsed.group, parsed.node))
            alike = None if node is None else node.take_alike(parsed.device, payload, now_ms)
            if alike is not None:
                return (alike,)
        try:
            wire = parse(payload, self._max_payload)
        except PayloadError as error:
            reason = RejectReason.TOO_LARGE if error.fault is PayloadFault.TOO_LARGE else RejectReason.MALFORMED
            return (_rejected(reason, topic, payload[:KEPT_BYTES], str(error), parsed),)
        return self._handle(Message(parsed, topic, payload, wire, now_ms))

    def tick(self, now_ms: int) -> tuple[Action, ...]:
        """Let time pass: expired gaps, waiting rebirth requests. Call about every 100 ms."""
        out: list[Action] = []
        for key, node in list(self._gaps.items()):
            until_ms = node.gap_until_ms
            # A clock set back must not keep a gap open for good.
            if until_ms is not None and until_ms - self._reorder_ms <= now_ms < until_ms:
                continue
            del self._gaps[key]
            if until_ms is not None:
                events: list[Event] = []
                why = node.expire(events)
                out += [*events, *self.rebirth(*key, why, now_ms)]
        if self._linked:
            for (group, name), why in self._pacer.due(now_ms):
                out += self._ask(group, name, why, now_ms)
        return tuple(out)

    def disconnected(self, now_ms: int) -> tuple[Action, ...]:
        """The broker is gone: NodeDied (HOST_OFFLINE) for every living node."""
        self._linked = False
        self._gaps.clear()
        self._pacer.clear()
        out: list[Event] = []
        for node in self._nodes.values():
            if node.born:
                node.end(out)
                out.append(NodeDied(group=node.group, node=node.node, at_ms=now_ms, cause=DeathCause.HOST_OFFLINE))
        self._nodes.clear()
        return tuple(out)

    def close(self, now_ms: int) -> tuple[Action, ...]:
        """STATE offline with the present time, then Disconnect."""
        linked, self._linked = self._linked, False
        if not (linked and self._announce):
            return (Disconnect(),)
        # Never before the birth's own time: nodes ignore an offline that is older than the online they know.
        return (self._state(online=False, timestamp_ms=max(now_ms, self._will_ms or 0)), Disconnect())

    def command(
        self,
        group: str,
        node: str,
        device: str | None,
        name: str,
        value: MetricValue,
        datatype: DataType,
        now_ms: int,
    ) -> tuple[Action, ...]:
        """One NCMD or DCMD (QoS 0, no seq), by alias where the birth gave one. Need not wait for a birth.

        PayloadError where ``value`` does not fit ``datatype``; () while the broker is away.
        """
        of_node = device is None
        topic = node_topic(group, Verb.NCMD, node) if of_node else device_topic(group, Verb.DCMD, node, str(device))
        known = self._nodes.get((group, node))
        owner = None if known is None else known.owners.get(device)
        alias = None if owner is None or name == REBIRTH else owner.alias_of.get(name)
        wire = pb.Payload(timestamp=now_ms)
        metric = Metric(
            name=name if alias is None else None,
            alias=alias,
            datatype=datatype if self._pacer.typed((group, node)) else None,
            value=value,
            timestamp_ms=now_ms,
        )
        write_metric(wire.metrics.add(), metric, datatype)
        return (Publish(topic, wire.SerializeToString()),) if self._linked else ()

    def rebirth(self, group: str, node: str, why: str, now_ms: int) -> tuple[Action, ...]:
        """Ask a node for its births, within the spacing and stagger limits."""
        if not self._linked or not self._pacer.want((group, node), why, now_ms):
            return ()
        return self._ask(group, node, why, now_ms)

    def _handle(self, message: Message) -> tuple[Action, ...]:
        topic, now_ms = message.topic, message.received_ms
        key = (topic.group, topic.node)
        node = self._nodes.get(key)
        out: list[Event] = []
        if topic.verb is Verb.NBIRTH:
            if node is None:
                if len(self._nodes) >= self._max_nodes:
                    detail = f"more than {self._max_nodes} nodes"
                    return (_rejected(RejectReason.TOO_MANY_NODES, message.text, message.raw, detail, topic),)
                node = self._nodes[key] = HostNode(group=topic.group, node=topic.node)
            node.birth(message, out)
            self._gaps.pop(key, None)
            self._pacer.answered(key, now_ms)
            return tuple(out)
        if topic.verb is Verb.NDEATH:
            return () if node is None or not node.born else self._death(node, message)
        if node is None or not node.born:
            why = f"{topic.verb.value} before NBIRTH"
            rejected = _rejected(RejectReason.BEFORE_BIRTH, message.text, message.raw, why, topic)
            return (rejected, *self.rebirth(*key, why, now_ms))
        wanted = node.take(message, self._reorder_ms, out)
        if node.gap_until_ms is not None:
            self._gaps[key] = node
        if wanted is None:
            return tuple(out)
        return (*out, *self.rebirth(*key, wanted, now_ms))

    def _death(self, node: HostNode, message: Message) -> tuple[Action, ...]:
        told = next((m for m in message.wire.metrics if m.name == BD_SEQ), None)
        bd_seq = None if told is None else told.long_value or told.int_value
        if node.bd_seq is not None and bd_seq != node.bd_seq:
            detail = f"NDEATH of bdSeq {bd_seq}; the session's is {node.bd_seq}"
            return (_rejected(RejectReason.OTHER_SESSION, message.text, message.raw, detail, message.topic),)
        out: list[Event] = []
        node.end(out)
        self._gaps.pop((node.group, node.node), None)
        # The will was written when the node connected: only our own clock knows when it fired.
        return (*out, NodeDied(group=node.group, node=node.node, at_ms=message.received_ms))

    def _ask(self, group: str, node: str, why: str, now_ms: int) -> tuple[Action, ...]:
        asked = RebirthAsked(group=group, node=node, why=why)
        return (*self.command(group, node, None, REBIRTH, True, DataType.BOOLEAN, now_ms), asked)

    def _state(self, *, online: bool, timestamp_ms: int) -> Publish:
        return Publish(self._state_topic, HostState(online, timestamp_ms).encode(), qos=1, retain=True)

    def _own_state(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        if topic != self._state_topic or not (self._announce and self._linked):
            return ()
        state = read_state(payload)
        if state is None or state.online:
            return ()
        return (self._state(online=True, timestamp_ms=now_ms if self._will_ms is None else self._will_ms),)


def _rejected(reason: RejectReason, topic: str, payload: bytes, detail: str, parsed: Topic | None = None) -> Rejected:
    group, node = (None, None) if parsed is None else (parsed.group, parsed.node)
    return Rejected(reason=reason, topic=topic, payload=payload, detail=detail, group=group, node=node)
