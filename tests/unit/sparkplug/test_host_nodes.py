from __future__ import annotations

import pytest

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.actions import (
    Data,
    DeviceBorn,
    DeviceDied,
    HostMetric,
    NodeBorn,
    NodeDied,
    Publish,
    RebirthAsked,
    Rejected,
    RejectReason,
)
from orewatch.sparkplug.datatypes import DataType, MetricValue
from orewatch.sparkplug.payload import Metric, decode
from orewatch.sparkplug.topics import Verb
from tests.unit.sparkplug.host_rules import (
    JAW_METRICS,
    NODE_METRICS,
    NOW,
    born,
    current,
    host,
    kinds,
    nbirth,
    ndeath,
    only,
    payload,
    topic,
)

DDATA = topic(Verb.DDATA, "jaw")
NDATA = topic(Verb.NDATA)


def test_births_come_out_with_their_metrics() -> None:
    session = host()
    [node] = only(session.received(topic(Verb.NBIRTH), nbirth(7), NOW + 1), NodeBorn)
    assert (node.group, node.node, node.bd_seq, node.timestamp_ms) == ("g", "n", 7, NOW)
    assert node.metrics["depth"].value == 3
    actions = session.received(topic(Verb.DBIRTH, "jaw"), payload(*JAW_METRICS, seq=1, at=NOW + 2), NOW + 9)
    [device] = only(actions, DeviceBorn)
    assert (device.device, device.timestamp_ms, set(device.metrics)) == (
        "jaw",
        NOW + 2,
        {"current", "running", "count", "by name"},
    )


def test_data_comes_out_with_names_types_times_and_quality() -> None:
    session = born()
    metrics = (
        Metric(alias=10, value=71.5, timestamp_ms=NOW + 1),
        Metric(alias=11, value=False, timestamp_ms=NOW + 2, properties={"Quality": 0}),
        Metric(alias=12, value=251, timestamp_ms=NOW + 3, is_historical=True),
        Metric(name="by name", value="x"),
        Metric(alias=10, timestamp_ms=NOW + 5, is_null=True),
    )
    [data] = only(session.received(DDATA, payload(*metrics, seq=2, at=NOW + 4), NOW + 9), Data)
    assert (data.group, data.node, data.device, data.received_ms) == ("g", "n", "jaw", NOW + 9)
    assert data.metrics == [
        HostMetric("current", DataType.DOUBLE, 71.5, NOW + 1, False, 192),
        HostMetric("running", DataType.BOOLEAN, False, NOW + 2, False, 0),
        HostMetric("count", DataType.INT8, -5, NOW + 3, True, 192),
        HostMetric("by name", DataType.STRING, "x", NOW + 4, False, 192),
        HostMetric("current", DataType.DOUBLE, None, NOW + 5, False, 192),
    ]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (DataType.DOUBLE, 0.0),
        (DataType.DOUBLE, -2.5),
        (DataType.FLOAT, 1.5),
        (DataType.INT64, -7),
        (DataType.INT32, -1),
        (DataType.UINT64, 2**64 - 1),
        (DataType.UINT32, 4_000_000_000),
        (DataType.BOOLEAN, True),
        (DataType.BOOLEAN, False),
        (DataType.STRING, ""),
        (DataType.BYTES, b""),
        (DataType.BYTES, b"x"),
        (DataType.DATETIME, NOW),
        (DataType.INT16_ARRAY, (1, -2)),
        (DataType.INT16_ARRAY, ()),
        (DataType.TEMPLATE, b"t"),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
def test_every_datatype_is_read_as_it_was_sent(datatype: DataType, value: MetricValue, beside: bool) -> None:
    session = host()
    declared = [Metric(name="m", alias=0, datatype=datatype, value=value), *JAW_METRICS[: 1 if beside else 0]]
    session.received(topic(Verb.NBIRTH), nbirth(metrics=declared), NOW)
    # A DATA payload leaves the datatype out: take the encoded birth's field and drop the type.
    wire = payload(Metric(alias=0, datatype=datatype, value=value, timestamp_ms=NOW), seq=1)
    extra = payload(*([Metric(alias=10, value=9.0, timestamp_ms=NOW)] if beside else []), seq=None, at=None)
    [data] = only(session.received(NDATA, wire + extra, NOW), Data)
    assert data.values[0] == value
    assert type(data.values[0]) is type(value)
    assert len(data.values) == 1 + beside


def test_a_metric_that_is_null_has_no_value_even_where_one_is_sent() -> None:
    raw = pb.Payload(timestamp=NOW, seq=2)
    raw.metrics.add(alias=10, timestamp=NOW, is_null=True, double_value=5.0)
    [data] = only(born().received(DDATA, raw.SerializeToString(), NOW), Data)
    assert data.values == [None]


def test_messages_of_the_same_metrics_share_their_names() -> None:
    session = born()
    first, second = (only(session.received(DDATA, current(float(v), 2 + v), NOW), Data)[0] for v in (0, 1))
    assert first.names is second.names


@pytest.mark.parametrize(
    ("text", "raw", "reason"),
    [
        (NDATA, b"\xff\xff\xff", RejectReason.MALFORMED),
        (DDATA, b"\x12\x7f", RejectReason.MALFORMED),
        (NDATA, b"\0" * 2001, RejectReason.TOO_LARGE),
        ("spBv1.0/g/WRONG/n", b"", RejectReason.BAD_TOPIC),
        ("spBv1.0/g/NDATA/n/d", b"", RejectReason.BAD_TOPIC),
        (NDATA, payload(seq=256), RejectReason.BAD_SEQ),
        (topic(Verb.NDATA, node="m"), payload(seq=0), RejectReason.BEFORE_BIRTH),
        (topic(Verb.DDATA, "mill"), payload(seq=2), RejectReason.BEFORE_BIRTH),
        (DDATA, payload(Metric(alias=99, value=1.0), seq=2), RejectReason.UNKNOWN_METRIC),
        (DDATA, payload(Metric(alias=1, value=1), seq=2), RejectReason.UNKNOWN_METRIC),
        (DDATA, payload(Metric(name="current?", value=1.0), seq=2), RejectReason.UNKNOWN_METRIC),
        (DDATA, payload(Metric(alias=10, value="x"), seq=2), RejectReason.CHANGED_TYPE),
        (DDATA, payload(Metric(alias=10, value=0), seq=2), RejectReason.CHANGED_TYPE),
        (DDATA, payload(Metric(alias=12, value=1000), seq=2), RejectReason.BAD_VALUE),
        (topic(Verb.NDEATH), ndeath(4), RejectReason.OTHER_SESSION),
        (topic(Verb.NDEATH), ndeath(None), RejectReason.OTHER_SESSION),
    ],
)
def test_what_cannot_be_handed_on_is_rejected_with_its_reason(text: str, raw: bytes, reason: RejectReason) -> None:
    session = born(max_payload=2000)
    [rejected] = only(session.received(text, raw, NOW), Rejected)
    assert (rejected.reason, rejected.topic, rejected.payload) == (reason, text, raw)
    assert rejected.detail


def test_one_bad_metric_does_not_take_the_others_with_it() -> None:
    session = born()
    metrics = (
        Metric(alias=10, value=1.5, timestamp_ms=NOW),
        Metric(alias=99, value=2.0, timestamp_ms=NOW),
        Metric(alias=11, value=True, timestamp_ms=NOW),
    )
    actions = session.received(DDATA, payload(*metrics, seq=2), NOW)
    assert kinds(actions) == ["Data", "Rejected", "NCMD", "RebirthAsked"]
    assert only(actions, Data)[0].values == [1.5, True]


def test_a_bad_metric_in_a_birth_does_not_spoil_the_birth_nor_ask_again_and_again() -> None:
    session = host()
    wrong = payload(Metric(name="odd", alias=3, datatype=DataType.INT8, value=1), seq=None).replace(
        b"\x20\x01", b"\x20\x63"
    )  # datatype 99
    actions = session.received(topic(Verb.NBIRTH), nbirth() + wrong[7:], NOW)
    assert kinds(actions) == ["Rejected", "NodeBorn"]
    assert only(actions, Rejected)[0].reason is RejectReason.BAD_BIRTH
    [data] = session.received(NDATA, payload(Metric(alias=3, value=4, timestamp_ms=NOW), seq=1), NOW)
    assert isinstance(data, Data)


@pytest.mark.parametrize("device_too", [False, True])
def test_an_alias_used_twice_stays_with_the_first(device_too: bool) -> None:
    session = host()
    twin = Metric(name="twin", alias=1, datatype=DataType.INT64, value=1)
    if device_too:
        session.received(topic(Verb.NBIRTH), nbirth(), NOW)
        actions = session.received(topic(Verb.DBIRTH, "jaw"), payload(twin, seq=1), NOW)
    else:
        actions = session.received(topic(Verb.NBIRTH), nbirth(metrics=(*NODE_METRICS, twin)), NOW)
        session.received(topic(Verb.DBIRTH, "jaw"), payload(seq=1), NOW)
    assert only(actions, Rejected)[0].reason is RejectReason.BAD_BIRTH
    [data] = only(session.received(NDATA, payload(Metric(alias=1, value=9), seq=2), NOW), Data)
    assert data.names == ("depth",)


def test_an_ndeath_of_the_session_kills_the_node_at_receipt_and_only_once() -> None:
    session = born()
    assert session.received(topic(Verb.NDEATH), ndeath(5), NOW + 77) == (NodeDied(group="g", node="n", at_ms=NOW + 77),)
    assert session.received(topic(Verb.NDEATH), ndeath(5), NOW + 78) == ()
    actions = session.received(DDATA, current(1.0, 2), NOW + 79)
    assert kinds(actions) == ["Rejected", "NCMD", "RebirthAsked"]


def test_a_late_will_of_the_session_before_is_ignored() -> None:
    session = born()
    session.received(topic(Verb.NBIRTH), nbirth(6), NOW)
    assert kinds(session.received(topic(Verb.NDEATH), ndeath(5), NOW)) == ["Rejected"]
    assert kinds(session.received(NDATA, payload(Metric(alias=1, value=1), seq=1), NOW)) == ["Data"]


def test_a_peer_without_bdseq_can_still_die() -> None:
    session = host()
    session.received(topic(Verb.NBIRTH), nbirth(None), NOW)
    assert kinds(session.received(topic(Verb.NDEATH), ndeath(None), NOW)) == ["NodeDied"]


def test_a_ddeath_kills_the_device_at_the_payloads_time_and_its_data_wait_for_a_dbirth() -> None:
    session = born()
    actions = session.received(topic(Verb.DDEATH, "jaw"), payload(seq=2, at=NOW - 5), NOW + 9)
    assert actions == (DeviceDied(group="g", node="n", device="jaw", at_ms=NOW - 5),)
    assert "Rejected" in kinds(session.received(DDATA, current(1.0, 3), NOW))
    assert session.received(topic(Verb.DDEATH, "jaw"), payload(seq=4), NOW) == ()
    session.received(topic(Verb.DBIRTH, "jaw"), payload(*JAW_METRICS, seq=5), NOW)
    assert kinds(session.received(DDATA, current(1.0, 6), NOW)) == ["Data"]


def test_an_nbirth_makes_every_device_wait_for_its_dbirth() -> None:
    session = born()
    session.received(topic(Verb.NBIRTH), nbirth(), NOW)
    assert kinds(session.received(DDATA, current(1.0, 1), NOW))[0] == "Rejected"


def test_a_node_that_was_never_born_cannot_die() -> None:
    assert host().received(topic(Verb.NDEATH), ndeath(5), NOW) == ()


def test_there_is_a_limit_to_the_nodes_that_can_be_born() -> None:
    session = host(max_nodes=1)
    session.received(topic(Verb.NBIRTH), nbirth(), NOW)
    [rejected] = only(session.received(topic(Verb.NBIRTH, node="m"), nbirth(), NOW), Rejected)
    assert rejected.reason is RejectReason.TOO_MANY_NODES
    assert only(session.received(topic(Verb.NBIRTH), nbirth(), NOW), NodeBorn)


@pytest.mark.parametrize(
    ("device", "name", "datatype", "value", "on_wire"),
    [
        (None, "depth", DataType.INT64, 60, (None, 1)),
        (None, "Node Control/Rebirth", DataType.BOOLEAN, True, ("Node Control/Rebirth", None)),
        (None, "unheard", DataType.STRING, "x", ("unheard", None)),
        ("jaw", "current", DataType.DOUBLE, 1.5, (None, 10)),
        ("mill", "current", DataType.DOUBLE, 1.5, ("current", None)),
    ],
)
def test_a_command_goes_by_alias_where_there_is_one_without_seq_and_datatype(
    device: str | None, name: str, datatype: DataType, value: MetricValue, on_wire: tuple[str | None, int | None]
) -> None:
    [action] = born().command("g", "n", device, name, value, datatype, NOW + 3)
    assert isinstance(action, Publish)
    assert action.topic == topic(Verb.DCMD if device else Verb.NCMD, device)
    assert (action.qos, action.retain) == (0, False)
    sent = decode(action.payload)
    assert (sent.seq, sent.timestamp_ms) == (None, NOW + 3)
    [metric] = sent.metrics
    assert ((metric.name, metric.alias), metric.datatype, metric.value) == (on_wire, None, value)


def test_commands_of_others_are_none_of_ours() -> None:
    session = born()
    assert session.received(topic(Verb.NCMD), payload(Metric(name="x", value=1)), NOW) == ()
    assert session.received(topic(Verb.DCMD, "jaw"), b"\xff", NOW) == ()
    session.disconnected(NOW)
    assert session.command("g", "n", None, "depth", 1, DataType.INT64, NOW) == ()


def test_a_rebirth_request_is_an_ncmd_of_true_by_name() -> None:
    actions = host().received(NDATA, payload(seq=3), NOW)
    [request] = only(actions, Publish)
    assert request.topic == topic(Verb.NCMD)
    [metric] = decode(request.payload).metrics
    assert (metric.name, metric.value, metric.alias) == ("Node Control/Rebirth", True, None)
    assert only(actions, RebirthAsked)[0].why == "NDATA before NBIRTH"
