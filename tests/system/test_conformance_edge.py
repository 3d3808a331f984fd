"""The rules of Sparkplug B 3.0 for an edge node, judged on the packets of a real ``orewatch agent``."""

from __future__ import annotations

import re

import pytest

from tests.system.conformance_life import ASKING, GROUP, HOME, NCMD, NDEATH, NODE, NOT_ASKING, Life
from tests.system.wire_peers import DEVICES, INT64, named, read
from tests.system.wire_relay import CONNECT, DISCONNECT, PUBLISH, SUBSCRIBE, Packet

CONNECTIONS = range(4)
DATA = ("NDATA", "DDATA")
SESSIONS_BD_SEQ = [0, 1, 2, 3]
CLOCK_MS = 5000


def bd_seq(packet: Packet) -> int:
    return int(named(packet, "bdSeq").long_value)


# The CONNECT and its will


@pytest.mark.parametrize("number", CONNECTIONS)
def test_connect_asks_for_a_clean_session(life: Life, number: int) -> None:
    connect = life.connections[number].connect
    assert (connect.version, connect.clean) == (4, True)
    assert connect.client_id


@pytest.mark.parametrize("number", CONNECTIONS)
def test_connect_carries_the_ndeath_as_will_qos_1_not_retained(life: Life, number: int) -> None:
    connect = life.connections[number].connect
    assert (connect.topic, connect.qos, connect.retain) == (NDEATH, 1, False)


@pytest.mark.parametrize("number", CONNECTIONS)
def test_the_will_says_bdseq_alone_and_has_no_seq(life: Life, number: int) -> None:
    will = read(life.connections[number].connect)
    assert not will.HasField("seq")
    assert abs(will.timestamp - life.connections[number].connect.at_ms) < CLOCK_MS
    [only] = will.metrics
    assert (only.name, only.datatype, only.WhichOneof("value")) == ("bdSeq", INT64, "long_value")


def test_bdseq_begins_at_0_and_grows_by_one_with_every_connect_over_outages_and_restarts(life: Life) -> None:
    assert [bd_seq(c.connect) for c in life.connections] == SESSIONS_BD_SEQ


@pytest.mark.parametrize("number", CONNECTIONS)
def test_every_birth_of_a_session_repeats_its_wills_bdseq(life: Life, number: int) -> None:
    found = {bd_seq(p) for p in life.connections[number].published("NBIRTH")}
    assert found == {SESSIONS_BD_SEQ[number]}


# Subscriptions


@pytest.mark.parametrize("number", CONNECTIONS)
def test_commands_are_subscribed_at_qos_1_before_the_first_publish(life: Life, number: int) -> None:
    sent = life.connections[number].sent
    first = next(i for i, p in enumerate(sent) if p.kind == PUBLISH)
    filters = [f for p in sent if p.kind == SUBSCRIBE for f in p.filters]
    assert filters == [f for p in sent[:first] if p.kind == SUBSCRIBE for f in p.filters]
    assert dict(filters) == {NCMD: 1} | {f"{HOME}/DCMD/{NODE}/{d}": 1 for d in DEVICES}


# Topics, QoS, retain, order


def test_every_topic_is_of_this_group_and_node_and_has_the_form_of_its_verb(life: Life) -> None:
    of_node = rf"spBv1\.0/{GROUP}/N(BIRTH|DEATH|DATA)/{NODE}"
    of_device = rf"spBv1\.0/{GROUP}/D(BIRTH|DEATH|DATA)/{NODE}/({'|'.join(DEVICES)})"
    for packet in life.published():
        assert re.fullmatch(f"{of_node}|{of_device}", packet.topic)


@pytest.mark.parametrize("verb", ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"])
def test_every_message_is_qos_0_and_not_retained(life: Life, verb: str) -> None:
    assert {(p.qos, p.retain) for p in life.published(verb)} == {(0, False)}


@pytest.mark.parametrize("number", CONNECTIONS)
def test_nothing_is_sent_before_the_broker_accepted(life: Life, number: int) -> None:
    connection = life.connections[number]
    assert [p.kind for p in connection.sent].count(CONNECT) == 1
    assert connection.sent[1].at_ms >= connection.received[0].at_ms


@pytest.mark.parametrize("number", CONNECTIONS)
def test_a_session_begins_with_nbirth_then_every_dbirth_then_data(life: Life, number: int) -> None:
    verbs = [p.verb for p in life.connections[number].published()]
    assert verbs[: 1 + len(DEVICES)] == ["NBIRTH", *(f"DBIRTH {d}" for d in DEVICES)]
    assert verbs[1 + len(DEVICES)].split()[0] in DATA


@pytest.mark.parametrize("number", CONNECTIONS)
def test_seq_is_0_in_nbirth_and_one_more_in_each_message_after_255_comes_0(life: Life, number: int) -> None:
    expected = 0
    for packet in life.connections[number].published():
        message = read(packet)
        if packet.verb == "NDEATH":
            assert not message.HasField("seq")
            continue
        expected = 0 if packet.verb == "NBIRTH" else expected
        assert message.HasField("seq")
        assert message.seq == expected
        expected = (expected + 1) % 256


def test_seq_did_go_round(life: Life) -> None:
    first = life.connections[0].published()[:300]
    assert [read(p).seq for p in first[254:258]] == [254, 255, 0, 1]


def test_every_payload_tells_when_it_was_sent(life: Life) -> None:
    for packet in life.published():
        assert abs(read(packet).timestamp - packet.at_ms) < CLOCK_MS


# Rebirth


@pytest.mark.parametrize("way", ASKING)
def test_a_rebirth_stops_data_and_repeats_every_birth_at_once(life: Life, way: str) -> None:
    asked = life.marks[f"asked {way}"]
    after = [p for p in life.connections[0].published() if p.at_ms >= asked]
    at = next(i for i, p in enumerate(after) if p.verb == "NBIRTH")
    assert after[at].at_ms - asked < 1000
    assert [p.verb for p in after[at : at + 3]] == ["NBIRTH", "DBIRTH mill", "DBIRTH belt"]
    # What was on its way when the command came may still be seen, no more.
    assert all(p.at_ms - asked < 250 for p in after[:at])


@pytest.mark.parametrize("way", NOT_ASKING)
def test_what_is_no_rebirth_request_changes_nothing(life: Life, way: str) -> None:
    marks = [*(f"not asked {name}" for name in NOT_ASKING), "belt lost"]
    start = f"not asked {way}"
    found = life.between(0, start, marks[marks.index(start) + 1])
    assert found
    assert {p.verb.split()[0] for p in found} <= set(DATA)


# Devices


def test_a_device_out_of_reach_has_one_ddeath_with_the_time(life: Life) -> None:
    [death] = life.published("DDEATH")
    assert death.verb == "DDEATH belt"
    assert abs(read(death).timestamp - death.at_ms) < CLOCK_MS


def test_a_dead_device_is_silent_and_not_born_until_it_is_back(life: Life) -> None:
    [death] = life.published("DDEATH")
    after = life.connections[0].published()
    after = after[after.index(death) + 1 :]
    back = next(i for i, p in enumerate(after) if p.verb == "DBIRTH belt")
    assert after[back].at_ms >= life.marks["belt back"]
    verbs = [p.verb for p in after[:back]]
    assert "DDATA belt" not in verbs
    assert verbs.count("NBIRTH") == verbs.count("DBIRTH mill") == 1
    assert "DDATA belt" in [p.verb for p in after[back:]]


def test_a_device_that_comes_back_needs_no_nbirth(life: Life) -> None:
    assert "NBIRTH" not in [p.verb for p in life.between(0, "belt back", "cut")]


# The end of a session


def test_a_broken_connection_lets_the_broker_publish_the_will(life: Life) -> None:
    told = [bd_seq(p) for p in life.heard if p.topic == NDEATH]
    assert told == SESSIONS_BD_SEQ  # each session died once: cut, cut, stopped, killed


def test_a_stop_publishes_ndeath_then_disconnects_and_says_no_more(life: Life) -> None:
    assert life.exit_code == 0
    death, goodbye = life.connections[2].sent[-2:]
    assert (death.verb, goodbye.kind) == ("NDEATH", DISCONNECT)
    assert bd_seq(death) == SESSIONS_BD_SEQ[2]
    assert len(read(death).metrics) == 1
    assert life.marks["stop"] <= death.at_ms <= life.marks["stopped"]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_no_ndeath_is_sent_by_a_node_that_did_not_mean_to_go(life: Life, number: int) -> None:
    assert not life.connections[number].published("NDEATH")
