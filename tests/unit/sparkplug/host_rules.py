"""A host session to try rules on, and payloads of nodes as any peer could send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from orewatch.sparkplug.actions import Action, Publish
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.payload import Metric, Payload, encode
from orewatch.sparkplug.topics import Verb, device_topic, node_topic, parse_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOW = 1_795_000_000_000
NODE_METRICS = (
    Metric(name="depth", alias=1, datatype=DataType.INT64, value=3, timestamp_ms=NOW),
    Metric(name="block", alias=2, datatype=DataType.BYTES, timestamp_ms=NOW, is_null=True),
    Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=False, timestamp_ms=NOW),
)
JAW_METRICS = (
    Metric(name="current", alias=10, datatype=DataType.DOUBLE, value=1.0, timestamp_ms=NOW),
    Metric(name="running", alias=11, datatype=DataType.BOOLEAN, value=True, timestamp_ms=NOW),
    Metric(name="count", alias=12, datatype=DataType.INT8, value=0, timestamp_ms=NOW),
    Metric(name="by name", datatype=DataType.STRING, value="", timestamp_ms=NOW),
)
T = TypeVar("T")


def topic(verb: Verb, device: str | None = None, node: str = "n", group: str = "g") -> str:
    return node_topic(group, verb, node) if device is None else device_topic(group, verb, node, device)


def payload(*metrics: Metric, seq: int | None = None, at: int | None = NOW) -> bytes:
    return encode(Payload(timestamp_ms=at, metrics=metrics, seq=seq))


def bd_seq(number: int) -> Metric:
    return Metric(name="bdSeq", datatype=DataType.INT64, value=number, timestamp_ms=NOW)


def nbirth(number: int | None = 5, *, metrics: Sequence[Metric] = NODE_METRICS, seq: int = 0) -> bytes:
    return payload(*metrics, *(() if number is None else (bd_seq(number),)), seq=seq)


def ndeath(number: int | None = 5) -> bytes:
    return payload(*(() if number is None else (bd_seq(number),)))


def current(value: float, seq: int | None, at: int = NOW) -> bytes:
    return payload(Metric(alias=10, value=value, timestamp_ms=at), seq=seq, at=at)


def host(*, announce: bool = True, reorder_ms: int = 2000, **settings: Any) -> HostSession:
    session = HostSession(host="scada", announce=announce, reorder_ms=reorder_ms, **settings)
    session.will(NOW)
    session.connected(NOW)
    return session


def born(**settings: Any) -> HostSession:
    """A host that has seen births of node n and its device jaw; the next seq is 2."""
    session = host(**settings)
    session.received(topic(Verb.NBIRTH), nbirth(), NOW)
    session.received(topic(Verb.DBIRTH, "jaw"), payload(*JAW_METRICS, seq=1), NOW)
    return session


def only(actions: Iterable[Action], kind: type[T]) -> list[T]:
    return [a for a in actions if isinstance(a, kind)]


def kinds(actions: Iterable[Action]) -> list[str]:
    """What came out, as words; publishes by their verb."""
    return [str(parse_topic(a.topic).verb) if isinstance(a, Publish) else type(a).__name__ for a in actions]
