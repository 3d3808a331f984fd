"""The rules of Sparkplug B 3.0 for a host application, judged on the packets of a real ``orewatch collector``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orewatch.storage.registry import CounterKey
from tests.servers import running_mosquitto
from tests.system.conformance_host import GROUP, HOST, MUST_ASK, MUST_NOT_ASK, REORDER_S, STATE, HostLife, live
from tests.system.wire_peers import REBIRTH, read
from tests.system.wire_relay import DISCONNECT, PUBLISH, SUBSCRIBE

if TYPE_CHECKING:
    from tests.system.wire_relay import Packet

CONNECTIONS = range(2)
CLOCK_MS = 5000


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> HostLife:
    folder = tmp_path_factory.mktemp("host")
    # A broker of its own: the namespace is subscribed whole, and other tests have nodes as well.
    with running_mosquitto(folder) as broker:
        return live(broker, folder)


def will(life: HostLife, number: int) -> dict[str, object]:
    said: dict[str, object] = json.loads(life.connections[number].connect.payload)
    return said


def states(life: HostLife, number: int) -> list[Packet]:
    return life.connections[number].published("STATE")


# The CONNECT and its will


@pytest.mark.parametrize("number", CONNECTIONS)
def test_connect_asks_for_a_clean_session_with_a_state_will_qos_1_retained(life: HostLife, number: int) -> None:
    connect = life.connections[number].connect
    assert (connect.version, connect.clean) == (4, True)
    assert (connect.topic, connect.qos, connect.retain) == (STATE, 1, True)


@pytest.mark.parametrize("number", CONNECTIONS)
def test_the_will_is_json_offline_with_the_time_of_the_connect(life: HostLife, number: int) -> None:
    said = will(life, number)
    assert set(said) == {"online", "timestamp"}
    assert said["online"] is False
    assert type(said["timestamp"]) is int
    assert abs(said["timestamp"] - life.connections[number].connect.at_ms) < CLOCK_MS


def test_a_new_connect_has_a_later_time(life: HostLife) -> None:
    first, second = (will(life, n)["timestamp"] for n in CONNECTIONS)
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert second > first


# Subscriptions and the birth


@pytest.mark.parametrize("number", CONNECTIONS)
def test_own_state_and_the_whole_namespace_are_subscribed_before_the_birth(life: HostLife, number: int) -> None:
    sent = life.connections[number].sent
    first = next(i for i, p in enumerate(sent) if p.kind == PUBLISH)
    filters = [f for p in sent[:first] if p.kind == SUBSCRIBE for f, _ in p.filters]
    assert set(filters) == {STATE, "spBv1.0/#"}


@pytest.mark.parametrize("number", CONNECTIONS)
def test_the_first_publish_is_state_online_with_the_wills_time_qos_1_retained(life: HostLife, number: int) -> None:
    first = life.connections[number].published()[0]
    assert (first.topic, first.qos, first.retain) == (STATE, 1, True)
    assert json.loads(first.payload) == {"online": True, "timestamp": will(life, number)["timestamp"]}


def test_who_comes_later_finds_the_state_retained(life: HostLife) -> None:
    [found] = life.late_joiner
    assert found.retain
    assert json.loads(found.payload)["online"] is True


def test_its_own_offline_is_contradicted_at_once_with_the_wills_time(life: HostLife) -> None:
    again = next(p for p in states(life, 0) if p.at_ms >= life.marks["denied"])
    assert again.at_ms - life.marks["denied"] < 1000
    assert (again.qos, again.retain) == (1, True)
    assert json.loads(again.payload) == {"online": True, "timestamp": will(life, 0)["timestamp"]}


def test_other_hosts_states_and_nonsense_are_not_answered(life: HostLife) -> None:
    assert not [p for p in states(life, 0) if life.marks["others"] <= p.at_ms < life.marks["nodes"]]


# Rebirth requests


def judged(life: HostLife, node: str) -> list[Packet]:
    return [p for p in life.asked(node) if p.at_ms < life.marks["nodes judged"]]


@pytest.mark.parametrize("what", MUST_ASK)
def test_a_rebirth_is_asked_for_once_after(life: HostLife, what: str) -> None:
    assert len(judged(life, what)) == 1


@pytest.mark.parametrize("what", MUST_NOT_ASK)
def test_no_rebirth_is_asked_for_after(life: HostLife, what: str) -> None:
    assert judged(life, what) == []


def test_a_missing_message_is_waited_for_before_a_rebirth_is_asked_for(life: HostLife) -> None:
    name = "a message that never comes"
    gap = next(p for p in life.heard if p.topic == f"spBv1.0/{GROUP}/DDATA/{name}/pump")
    [asked] = judged(life, name)
    assert REORDER_S * 1000 - 100 <= asked.at_ms - gap.at_ms <= REORDER_S * 1000 + 500


def test_a_rebirth_request_is_an_ncmd_that_says_true_by_name_and_has_no_seq(life: HostLife) -> None:
    commands = [p for c in life.connections for p in c.published("NCMD")]
    assert commands
    for packet in commands:
        assert (packet.qos, packet.retain) == (0, False)
        message = read(packet)
        assert not message.HasField("seq")
        assert abs(message.timestamp - packet.at_ms) < CLOCK_MS
        [only] = message.metrics
        assert (only.name, only.WhichOneof("value"), only.boolean_value) == (REBIRTH, "boolean_value", True)
        assert abs(only.timestamp - packet.at_ms) < CLOCK_MS


def test_the_first_request_states_no_datatype(life: HostLife) -> None:
    for name in MUST_ASK:
        assert not read(judged(life, name)[0]).metrics[0].HasField("datatype")


def test_a_node_that_answers_is_asked_once(life: HostLife) -> None:
    assert len(life.asked("answers")) == 1


def test_a_node_that_does_not_answer_is_asked_again_but_not_hastily(life: HostLife) -> None:
    asked = life.asked("is deaf")
    assert len(asked) >= 2
    assert asked[1].at_ms - asked[0].at_ms >= 1500
    # Peers that read no value without its datatype get it then.
    assert read(asked[1]).metrics[0].HasField("datatype")


def test_nothing_but_states_and_commands_is_published(life: HostLife) -> None:
    verbs = {p.verb for c in life.connections for p in c.published()}
    assert verbs == {"STATE", "NCMD"}


# Deaths


@pytest.mark.parametrize("node", ["dies", "dies by its will"])
def test_a_node_dies_at_the_time_of_receipt_not_the_wills(life: HostLife, node: str) -> None:
    died_ms = life.nodes[node].died_ms
    assert died_ms is not None
    assert life.marks["deaths"] - 50 <= died_ms <= life.marks["dead"] + 500


@pytest.mark.parametrize("node", ["does not die", "dies and returns", "the will of an older session"])
def test_a_node_lives_on_after_the_death_of_another_session_or_a_new_birth(life: HostLife, node: str) -> None:
    assert life.nodes[node].died_ms is None


@pytest.mark.parametrize("node", ["does not die", "the will of an older session"])
def test_a_death_of_another_session_is_counted(life: HostLife, node: str) -> None:
    assert life.counters[CounterKey(node, "rejected", "other_session")] == 1


def test_a_cut_host_has_its_will_published_and_forgets_whom_it_knew(life: HostLife) -> None:
    told = [p for p in life.heard if p.topic == STATE and p.at_ms >= life.marks["cut"]]
    assert json.loads(told[0].payload) == will(life, 0)
    # DATA of a node born before the cut is DATA before BIRTH now.
    assert life.connections[1].published("NCMD")[0].topic.endswith("/NCMD/all in order")


# A stop


def test_a_stop_publishes_offline_with_the_present_time_then_disconnects(life: HostLife) -> None:
    assert life.exit_code == 0
    last = life.connections[1].published()[-1]
    assert (last.topic, last.qos, last.retain) == (STATE, 1, True)
    said = json.loads(last.payload)
    assert said["online"] is False
    assert life.marks["stop"] <= said["timestamp"] <= life.marks["stopped"]
    assert life.connections[1].sent[-1].kind == DISCONNECT


def test_after_a_stop_the_world_is_told_offline_once_and_nothing_else(life: HostLife) -> None:
    told = [json.loads(p.payload)["online"] for p in life.heard if p.topic == STATE and p.at_ms >= life.marks["stop"]]
    assert told == [False]
    assert HOST in STATE
