"""Sparkplug topics: the words of `spBv1.0/{group}/{verb}/{node}[/{device}]` and `spBv1.0/STATE/{host}`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "spBv1.0"
FORBIDDEN = frozenset("+/#")
MAX_TOPIC_BYTES = 65_535
_NODE_PARTS = 4
_DEVICE_PARTS = 5
_STATE_PARTS = 3


class TopicError(ValueError):
    """An id or topic is not Sparkplug's; the message names it and what is allowed."""


class Verb(StrEnum):
    """What a message is. N verbs belong to an edge node, D verbs to a device, STATE to a host."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    NDATA = "NDATA"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    DDATA = "DDATA"
    DCMD = "DCMD"
    STATE = "STATE"

    @property
    def of_device(self) -> bool:
        """Whether the topic ends in a device id."""
        return self.value[0] == "D"


@dataclass(frozen=True, slots=True)
class Topic:
    """One parsed topic. ``device`` is None for N verbs; a STATE topic has the host id in ``node`` and no group."""

    group: str
    verb: Verb
    node: str
    device: str | None = None

    def __str__(self) -> str:
        """Return the topic as MQTT carries it."""
        if self.verb is Verb.STATE:
            return f"{NAMESPACE}/STATE/{self.node}"
        end = "" if self.device is None else f"/{self.device}"
        return f"{NAMESPACE}/{self.group}/{self.verb.value}/{self.node}{end}"


def check_id(text: str, what: str) -> str:
    """Return ``text`` if it may be a group, node, device or host id; :class:`TopicError` naming ``what`` otherwise."""
    if not text:
        raise TopicError(f"{what} is empty; allowed: one or more characters without + / #")
    if FORBIDDEN.intersection(text) or "\0" in text:
        raise TopicError(f"{what} {text!r}; allowed: any characters but + / # and NUL")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise TopicError(f"{what} {text!r} is not valid UTF-8 text") from error
    if size > MAX_TOPIC_BYTES // 8:
        raise TopicError(f"{what} of {size} bytes; allowed: {MAX_TOPIC_BYTES // 8}")
    return text


def node_topic(group: str, verb: Verb, node: str) -> str:
    """Return the topic of an N verb."""
    return f"{NAMESPACE}/{check_id(group, 'group id')}/{verb.value}/{check_id(node, 'node id')}"


def device_topic(group: str, verb: Verb, node: str, device: str) -> str:
    """Return the topic of a D verb."""
    return f"{node_topic(group, verb, node)}/{check_id(device, 'device id')}"


def state_topic(host: str) -> str:
    """Return the STATE topic of a host application."""
    return f"{NAMESPACE}/STATE/{check_id(host, 'host id')}"


def parse_topic(text: str) -> Topic:
    """Read a topic; :class:`TopicError` where it is not one of Sparkplug B's."""
    parts = text.split("/")
    if parts[0] != NAMESPACE:
        raise TopicError(f"topic {text!r} does not begin with {NAMESPACE}/")
    if len(parts) == _STATE_PARTS and parts[1] == Verb.STATE:
        return Topic("", Verb.STATE, check_id(parts[2], "host id"))
    if len(parts) not in {_NODE_PARTS, _DEVICE_PARTS}:
        raise TopicError(f"topic {text!r} has {len(parts)} parts; allowed: {_NODE_PARTS} or {_DEVICE_PARTS}")
    try:
        verb = Verb(parts[2])
    except ValueError as error:
        raise TopicError(f"topic {text!r}: verb {parts[2]!r}; allowed: {', '.join(Verb)}") from error
    if verb is Verb.STATE or verb.of_device != (len(parts) == _DEVICE_PARTS):
        raise TopicError(f"topic {text!r}: {verb.value} with {len(parts)} parts")
    for part, what in zip(parts[1:], ("group id", "verb", "node id", "device id"), strict=False):
        check_id(part, what)
    return Topic(parts[1], verb, parts[3], parts[4] if verb.of_device else None)
