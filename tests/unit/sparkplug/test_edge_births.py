from __future__ import annotations

import pytest

from orewatch.sparkplug.actions import Publish, Subscribe
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration, Reading
from orewatch.sparkplug.payload import PayloadError, decode
from orewatch.sparkplug.topics import TopicError
from tests.unit.sparkplug.edge_rules import BIRTHS, NCMD, NOW, REBIRTH, of, publishes, session, verbs


def test_the_will_is_an_ndeath_of_qos_1_not_retained_with_bdseq_and_no_seq() -> None:
    will = session().will(NOW)
    assert (will.topic, will.qos, will.retain) == ("spBv1.0/orewatch/NDEATH/pb-01", 1, False)
    payload = decode(will.payload)
    assert payload.seq is None
    assert payload.timestamp_ms == NOW
    [bd_seq] = payload.metrics
    assert (bd_seq.name, bd_seq.datatype, bd_seq.value, bd_seq.alias) == ("bdSeq", DataType.INT64, 0, None)


@pytest.mark.parametrize(("last", "following"), [(None, 0), (0, 1), (254, 255), (255, 0)])
def test_bdseq_grows_by_one_on_every_connect_and_goes_round(last: int | None, following: int) -> None:
    edge = session(bd_seq=last)
    will = edge.will(NOW)
    assert edge.bd_seq == decode(will.payload).metrics[0].value == following
    nbirth = publishes(edge.connected(NOW))[0][1]
    assert of(nbirth, "bdSeq").value == following
    edge.disconnected(NOW)
    assert decode(edge.will(NOW).payload).metrics[0].value == (following + 1) % 256


def test_an_attempt_that_fails_uses_its_bdseq_up() -> None:
    edge = session()
    assert [decode(edge.will(NOW).payload).metrics[0].value for _ in range(3)] == [0, 1, 2]


def test_connecting_subscribes_first_then_gives_birth_to_the_node_then_to_devices() -> None:
    edge = session()
    edge.will(NOW)
    actions = edge.connected(NOW)
    commands = [f"+ spBv1.0/orewatch/DCMD/pb-01/{device}" for device in ("jaw", "belt")]
    assert verbs(actions) == [f"+ {NCMD}", *commands, *BIRTHS]
    assert {a.qos for a in actions if isinstance(a, Subscribe)} == {1}
    assert {(a.qos, a.retain) for a in actions if isinstance(a, Publish)} == {(0, False)}
    assert edge.born


def test_connecting_without_a_will_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="will"):
        session().connected(NOW)


def test_the_births_number_from_0_and_carry_everything() -> None:
    edge = session()
    edge.set_value("jaw", "motor_current", 71.5, NOW - 500)
    edge.set_value(None, "Unit/Description", "{}", NOW - 900)
    edge.will(NOW)
    births = publishes(edge.connected(NOW))
    assert [p.seq for _, p in births] == [0, 1, 2]
    assert {p.timestamp_ms for _, p in births} == {NOW}
    for _, payload in births:
        for metric in payload.metrics:
            assert metric.name
            assert metric.datatype not in {None, DataType.UNKNOWN}
            assert metric.timestamp_ms is not None
            assert metric.is_null == (metric.value is None)
        times = [m.timestamp_ms or 0 for m in payload.metrics]
        assert times == sorted(times)
    node, jaw, belt = (p for _, p in births)
    assert {m.name for m in node.metrics} == {
        "Unit/Description",
        "Record/Block",
        "Live/Watched",
        "bdSeq",
        "Node Control/Rebirth",
    }
    rebirth = of(node, "Node Control/Rebirth")
    assert (rebirth.datatype, rebirth.value, rebirth.alias) == (DataType.BOOLEAN, False, None)
    current = of(jaw, "motor_current")
    assert (current.value, current.timestamp_ms, current.alias) == (71.5, NOW - 500, 10)
    assert current.properties == {"engUnit": "A", "engHigh": 120.0, "Quality": 192}
    assert (of(jaw, "running").value, of(jaw, "running").quality) == (None, 500)
    assert of(belt, "mass").alias is None
    aliases = [m.alias for _, p in births for m in p.metrics if m.alias is not None]
    assert len(aliases) == len(set(aliases))


def test_births_say_null_of_a_block_even_after_one_was_sent() -> None:
    edge = session(connected=True)
    edge.data(None, [Reading("Record/Block", b"block", NOW)], NOW)
    nbirth = publishes(edge.received(NCMD, REBIRTH, NOW))[0][1]
    assert of(nbirth, "Record/Block").is_null


def test_births_say_the_last_value_and_its_quality() -> None:
    edge = session(connected=True)
    edge.data("jaw", [Reading("motor_current", 80.0, NOW + 1), Reading("running", None, NOW + 1, 0)], NOW + 2)
    edge.data("jaw", [Reading("motor_current", 3.0, NOW - 60_000, is_historical=True)], NOW + 3)
    jaw = publishes(edge.received(NCMD, REBIRTH, NOW + 4))[1][1]
    current, running = of(jaw, "motor_current"), of(jaw, "running")
    assert (current.value, current.timestamp_ms, current.quality) == (80.0, NOW + 1, 192)
    assert (running.value, running.is_null, running.quality) == (None, True, 0)


@pytest.mark.parametrize(
    ("node_metrics", "devices", "what"),
    [
        ([("a", 1), ("a", 2)], {}, "'a'"),
        ([("a", 1), ("b", 1)], {}, "alias 1"),
        ([("a", 1)], {"d": [("b", 1)]}, "alias 1"),
        ([("a", None)], {"d": [("b", -1)]}, "alias -1"),
        ([("bdSeq", None)], {}, "bdSeq"),
        ([("Node Control/Rebirth", None)], {}, "Rebirth"),
        ([("", None)], {}, "empty"),
    ],
)
def test_contradicting_declarations_are_refused(
    node_metrics: list[tuple[str, int | None]], devices: dict[str, list[tuple[str, int | None]]], what: str
) -> None:
    def declare(metrics: list[tuple[str, int | None]]) -> list[MetricDeclaration]:
        return [MetricDeclaration(name=n, datatype=DataType.DOUBLE, alias=a) for n, a in metrics]

    with pytest.raises(ValueError, match=what):
        EdgeNodeSession(
            group="g",
            node="n",
            bd_seq=None,
            node_metrics=declare(node_metrics),
            devices={k: declare(v) for k, v in devices.items()},
        )


@pytest.mark.parametrize(("group", "node", "device"), [("a/b", "n", "d"), ("g", "", "d"), ("g", "n", "d#")])
def test_ids_that_topics_forbid_are_refused(group: str, node: str, device: str) -> None:
    with pytest.raises(TopicError):
        EdgeNodeSession(group=group, node=node, bd_seq=None, node_metrics=[], devices={device: []})


@pytest.mark.parametrize("bd_seq", [-1, 256])
def test_a_bdseq_out_of_range_is_refused(bd_seq: int) -> None:
    with pytest.raises(ValueError, match="0 to 255"):
        session(bd_seq=bd_seq)


def test_set_value_refuses_what_does_not_fit() -> None:
    edge = session()
    with pytest.raises(PayloadError, match="motor_current"):
        edge.set_value("jaw", "motor_current", "much", NOW)
    for device, name in [("jaw", "nothing"), ("mill", "motor_current")]:
        with pytest.raises(ValueError, match="not declared"):
            edge.set_value(device, name, 1.0, NOW)
