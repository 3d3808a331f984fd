from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orewatch.sparkplug.actions import Command, Disconnect
from orewatch.sparkplug.edge_node import Reading
from orewatch.sparkplug.payload import Metric, Payload, decode, encode
from tests.unit.sparkplug.edge_rules import BIRTHS, NCMD, NOW, REBIRTH, STATE, command, of, publishes, session, verbs

if TYPE_CHECKING:
    from orewatch.sparkplug.datatypes import MetricValue

DCMD = "spBv1.0/orewatch/DCMD/pb-01"


def test_a_rebirth_resends_all_births_from_seq_0_with_the_same_bdseq() -> None:
    edge = session(connected=True, bd_seq=41)
    edge.data("jaw", [Reading("running", True, NOW)], NOW)
    actions = edge.received(NCMD, REBIRTH, NOW + 1)
    assert verbs(actions) == BIRTHS
    births = publishes(actions)
    assert [p.seq for _, p in births] == [0, 1, 2]
    assert of(births[0][1], "bdSeq").value == 42
    assert of(births[0][1], "Node Control/Rebirth").value is False
    assert publishes(edge.data("jaw", [Reading("running", True, NOW)], NOW))[0][1].seq == 3


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (NCMD, command("Node Control/Rebirth", False)),
        (NCMD, command("node control/rebirth", True)),
        ("spBv1.0/orewatch/NCMD/zn-01", REBIRTH),
        ("spBv1.0/other/NCMD/pb-01", REBIRTH),
        ("spBv1.0/orewatch/NDATA/pb-01", REBIRTH),
        (f"{DCMD}/jaw", REBIRTH),
        (f"{DCMD}/unknown", REBIRTH),
        ("nonsense", REBIRTH),
        (NCMD, b"\xff\xff"),
        (NCMD, b""),
        (NCMD, b"\x12\x04\x0a\x02\xff\xfe"),
    ],
)
def test_what_is_no_rebirth_request_to_this_node_does_nothing(topic: str, payload: bytes) -> None:
    edge = session(connected=True)
    assert edge.received(topic, payload, NOW) == ()


def test_a_rebirth_before_the_birth_does_nothing() -> None:
    edge = session()
    assert edge.received(NCMD, REBIRTH, NOW) == ()
    edge.will(NOW)
    assert edge.received(NCMD, REBIRTH, NOW) == ()


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        (NCMD, command("Live/Watched", 60), Command(None, "Live/Watched", 60, NOW)),
        (NCMD, command(None, 60, alias=3), Command(None, "Live/Watched", 60, NOW)),
        (NCMD, command(None, -1, alias=3), Command(None, "Live/Watched", -1, NOW)),
        (f"{DCMD}/belt", command("speed", 1.5), Command("belt", "speed", 1.5, NOW)),
        (f"{DCMD}/belt", command(None, 1.5, alias=20), Command("belt", "speed", 1.5, NOW)),
    ],
)
def test_a_write_to_a_writable_metric_comes_out_as_a_command(topic: str, payload: bytes, expected: Command) -> None:
    edge = session(connected=True)
    assert edge.received(topic, payload, NOW) == (expected,)
    assert edge.refused == 0


@pytest.mark.parametrize(
    ("topic", "name", "alias", "value"),
    [
        (NCMD, "Unit/Description", None, "x"),  # not writable
        (NCMD, "nothing", None, 1),
        (NCMD, None, 99, 1),
        (NCMD, None, 20, 1.0),  # a device's alias
        (NCMD, "Live/Watched", None, "sixty"),
        (f"{DCMD}/belt", "speed", None, "fast"),
        (f"{DCMD}/belt", None, 3, 1),  # the node's alias
    ],
)
def test_a_write_that_cannot_be_obeyed_is_counted(
    topic: str, name: str | None, alias: int | None, value: MetricValue
) -> None:
    edge = session(connected=True)
    assert edge.received(topic, command(name, value, alias=alias), NOW) == ()
    assert edge.refused == 1


def test_a_write_to_a_machine_whose_link_is_lost_is_refused() -> None:
    edge = session(connected=True)
    edge.device_lost("belt", NOW)
    assert edge.received(f"{DCMD}/belt", command("speed", 1.0), NOW) == ()
    assert edge.refused == 1


def test_writes_beside_a_rebirth_are_obeyed_first() -> None:
    edge = session(connected=True)
    metrics = (Metric(name="Node Control/Rebirth", value=True), Metric(name="Live/Watched", value=5))
    actions = edge.received(NCMD, encode(Payload(timestamp_ms=NOW, metrics=metrics)), NOW)
    assert verbs(actions) == ["Command", *BIRTHS]


def test_closing_publishes_ndeath_with_the_sessions_bdseq_before_the_disconnect() -> None:
    edge = session(connected=True, bd_seq=4)
    death, leave = edge.close(NOW + 9)
    assert leave == Disconnect()
    [(topic, payload)] = publishes([death])
    assert (str(topic), payload.seq, payload.timestamp_ms) == ("spBv1.0/orewatch/NDEATH/pb-01", None, NOW + 9)
    assert [(m.name, m.value) for m in payload.metrics] == [("bdSeq", 5)]
    assert edge.data("jaw", [Reading("running", True, NOW)], NOW) == ()
    assert edge.close(NOW) == (Disconnect(),)


def state(*, online: object, timestamp: object) -> bytes:
    return json.dumps({"online": online, "timestamp": timestamp}).encode()


def test_with_a_primary_host_births_wait_for_its_online_state() -> None:
    edge = session(primary_host="scada")
    edge.will(NOW)
    assert verbs(edge.connected(NOW))[-1] == f"+ {STATE}"
    assert not edge.born
    assert edge.data("jaw", [Reading("running", True, NOW)], NOW) == ()
    assert edge.received(NCMD, REBIRTH, NOW) == ()
    assert edge.received(STATE, state(online=False, timestamp=100), NOW) == ()
    assert edge.received(STATE, state(online=True, timestamp=99), NOW) == ()  # older than what was seen
    assert edge.received("spBv1.0/STATE/other", state(online=True, timestamp=200), NOW) == ()
    assert verbs(edge.received(STATE, state(online=True, timestamp=100), NOW)) == BIRTHS
    assert edge.received(STATE, state(online=True, timestamp=150), NOW) == ()  # born already


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [(99, []), (100, ["NDEATH", "Disconnect"]), (101, ["NDEATH", "Disconnect"])],
)
def test_an_offline_state_not_older_than_the_online_one_ends_the_session(timestamp: int, expected: list[str]) -> None:
    edge = session(primary_host="scada", connected=True)
    edge.received(STATE, state(online=True, timestamp=100), NOW)
    actions = edge.received(STATE, state(online=False, timestamp=timestamp), NOW)
    assert verbs(actions) == expected
    assert edge.born == (not expected)
    if expected:
        assert actions[-1] == Disconnect(reconnect=True)
        edge.disconnected(NOW)
        assert decode(edge.will(NOW).payload).metrics[0].value == 1
        edge.connected(NOW)
        assert not edge.born
        assert edge.received(STATE, state(online=True, timestamp=timestamp - 1), NOW) == ()
        assert verbs(edge.received(STATE, state(online=True, timestamp=timestamp), NOW)) == BIRTHS


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"ONLINE",
        b"\xff",
        b"[]",
        b"[" * 900,
        state(online="true", timestamp=1),
        state(online=True, timestamp="1"),
        state(online=True, timestamp=True),
        b'{"online":true}',
        b" " * 2000,
    ],
)
def test_a_state_that_is_none_is_ignored(payload: bytes) -> None:
    edge = session(primary_host="scada", connected=True)
    assert edge.received(STATE, payload, NOW) == ()
    assert not edge.born


def test_without_a_primary_host_no_state_matters() -> None:
    edge = session(connected=True)
    assert edge.received(STATE, state(online=False, timestamp=NOW), NOW) == ()
    assert edge.born
