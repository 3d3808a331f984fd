"""An edge node session to try rules on, and what its actions say, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.sparkplug.actions import Action, Publish, Subscribe
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration
from orewatch.sparkplug.payload import Metric, Payload, decode, encode
from orewatch.sparkplug.topics import Topic, Verb, parse_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orewatch.sparkplug.datatypes import MetricValue

NOW = 1_795_000_000_000
NODE = (
    MetricDeclaration(name="Unit/Description", datatype=DataType.STRING, alias=1),
    MetricDeclaration(name="Record/Block", datatype=DataType.BYTES, alias=2, births_null=True),
    MetricDeclaration(name="Live/Watched", datatype=DataType.INT64, alias=3, writable=True),
)
JAW = (
    MetricDeclaration(
        name="motor_current", datatype=DataType.DOUBLE, alias=10, properties={"engUnit": "A", "engHigh": 120.0}
    ),
    MetricDeclaration(name="running", datatype=DataType.BOOLEAN, alias=11),
)
BELT = (
    MetricDeclaration(name="speed", datatype=DataType.DOUBLE, alias=20, writable=True),
    MetricDeclaration(name="mass", datatype=DataType.DOUBLE),  # by name: without an alias
)


def session(*, bd_seq: int | None = None, primary_host: str | None = None, connected: bool = False) -> EdgeNodeSession:
    edge = EdgeNodeSession(
        group="orewatch",
        node="pb-01",
        bd_seq=bd_seq,
        primary_host=primary_host,
        node_metrics=NODE,
        devices={"jaw": JAW, "belt": BELT},
    )
    if connected:
        edge.will(NOW)
        edge.connected(NOW)
    return edge


def publishes(actions: Iterable[Action]) -> list[tuple[Topic, Payload]]:
    return [(parse_topic(a.topic), decode(a.payload)) for a in actions if isinstance(a, Publish)]


def verbs(actions: Iterable[Action]) -> list[str]:
    """What was done, as words: 'NBIRTH', 'DDATA jaw', '+ topic filter', 'Disconnect'."""
    words = []
    for action in actions:
        if isinstance(action, Publish):
            topic = parse_topic(action.topic)
            words.append(f"{topic.verb} {topic.device}" if topic.device else str(topic.verb))
        elif isinstance(action, Subscribe):
            words.append(f"+ {action.topic}")
        else:
            words.append(type(action).__name__)
    return words


def command(name: str | None, value: MetricValue, *, alias: int | None = None) -> bytes:
    metric = Metric(name=name, alias=alias, value=value, timestamp_ms=NOW)
    return encode(Payload(timestamp_ms=NOW, metrics=(metric,)))


def of(payload: Payload, name: str) -> Metric:
    return next(m for m in payload.metrics if m.name == name)


REBIRTH = command("Node Control/Rebirth", True)
NCMD = "spBv1.0/orewatch/NCMD/pb-01"
STATE = "spBv1.0/STATE/scada"
BIRTHS = ["NBIRTH", "DBIRTH jaw", "DBIRTH belt"]
N_VERBS = frozenset({Verb.NBIRTH, Verb.NDATA, Verb.NDEATH})
