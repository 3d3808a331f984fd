"""Whatever arrives, the sessions answer with actions: nothing a peer sends may end a process."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.sparkplug.actions import Data, NodeBorn, Publish, Rejected
from orewatch.sparkplug.datatypes import DataType, MetricValue
from orewatch.sparkplug.edge_node import Reading
from orewatch.sparkplug.payload import Metric, Payload, decode, encode
from orewatch.sparkplug.topics import Verb, parse_topic
from tests.unit.sparkplug import edge_rules, host_rules

NOW = 1_795_000_000_000
VALUES: st.SearchStrategy[tuple[DataType, MetricValue]] = st.sampled_from(
    [
        (DataType.DOUBLE, 1.5),
        (DataType.BOOLEAN, True),
        (DataType.INT64, 7),
        (DataType.STRING, "x"),
        (DataType.BYTES, b"x"),
        (DataType.DOUBLE, None),
    ]
)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    metrics = []
    for _ in range(draw(st.integers(0, 4))):
        datatype, value = draw(VALUES)
        name = draw(st.sampled_from([None, "a", "b", "bdSeq", "Node Control/Rebirth", "Live/Watched"]))
        stated = datatype if draw(st.booleans()) or value is None else None
        alias = draw(st.none() | st.integers(0, 3))
        metrics.append(Metric(name=name, alias=alias, datatype=stated, value=value))
    seq = draw(st.none() | st.integers(0, 5) | st.just(2**40))
    raw = bytearray(encode(Payload(timestamp_ms=draw(st.none() | st.just(NOW)), metrics=tuple(metrics), seq=seq)))
    if raw and draw(st.booleans()):
        raw[draw(st.integers(0, len(raw) - 1))] ^= draw(st.integers(1, 255))
    if draw(st.booleans()):
        del raw[draw(st.integers(0, len(raw))) :]
    return bytes(raw)


TOPICS = st.builds(
    lambda verb, node, device: f"spBv1.0/g/{verb}/{node}" + (f"/{device}" if verb.of_device else ""),
    st.sampled_from([v for v in Verb if v is not Verb.STATE]),
    st.sampled_from(["n", "m"]),
    st.sampled_from(["jaw", "belt"]),
) | st.sampled_from(["spBv1.0/STATE/scada", "spBv1.0/g/NDATA", "", "x/y"])
TRAFFIC = st.lists(st.tuples(TOPICS, payloads() | st.binary(max_size=20), st.integers(-3000, 3000)), max_size=20)


@settings(max_examples=100)
@given(TRAFFIC)
def test_a_host_survives_any_traffic_and_says_only_what_it_may(traffic: list[tuple[str, bytes, int]]) -> None:
    session = host_rules.host(rebirth_spacing_ms=100)
    now = NOW
    born: set[str] = set()
    for topic, raw, step in traffic:
        now += step
        for action in (*session.received(topic, raw, now), *session.tick(now)):
            if isinstance(action, Publish):
                assert parse_topic(action.topic).verb in {Verb.NCMD, Verb.STATE}
            elif isinstance(action, NodeBorn):
                born.add(action.node)
            elif isinstance(action, Data):
                assert action.node in born
                assert len(action.names) == len(action.values) == len(action.timestamps_ms) == len(action.metrics)
            elif isinstance(action, Rejected):
                assert action.detail
    session.disconnected(now)
    assert session.tick(now + 10**9) == ()


@settings(max_examples=100)
@given(TRAFFIC)
def test_an_edge_node_survives_any_traffic_and_keeps_its_count(traffic: list[tuple[str, bytes, int]]) -> None:
    session = edge_rules.session(connected=True)
    expected = 3
    for topic, raw, _ in traffic:
        mine = topic.replace("/g/", "/orewatch/").replace("/n", "/pb-01")
        actions = (
            *session.received(mine, raw, NOW),
            *session.data("jaw", [Reading("motor_current", 1.0, NOW)], NOW),
        )
        for action in actions:
            if isinstance(action, Publish):
                verb, seq = parse_topic(action.topic).verb, decode(action.payload).seq
                expected = 0 if verb is Verb.NBIRTH else expected
                assert seq == expected
                expected = (expected + 1) % 256
