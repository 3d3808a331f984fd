from __future__ import annotations

import json

import pytest

from orewatch.sparkplug.actions import DeathCause, Disconnect, NodeDied, Publish, Subscribe
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.topics import TopicError, Verb
from tests.unit.sparkplug.host_rules import NOW, born, current, host, kinds, only, topic

STATE = "spBv1.0/STATE/scada"


def state(action: object) -> tuple[str, int, bool, dict[str, object]]:
    assert isinstance(action, Publish)
    return action.topic, action.qos, action.retain, json.loads(action.payload)


def test_the_will_and_the_birth_say_offline_and_online_with_the_same_time() -> None:
    session = HostSession(host="scada")
    will = session.will(NOW)
    assert state(will) == (STATE, 1, True, {"online": False, "timestamp": NOW})
    actions = session.connected(NOW + 250)
    assert [a.topic for a in only(actions[:-1], Subscribe)] == [STATE, "spBv1.0/#"]
    assert {a.qos for a in only(actions, Subscribe)} == {1}
    assert state(actions[-1]) == (STATE, 1, True, {"online": True, "timestamp": NOW})
    assert len(actions) == 3


def test_every_connection_has_its_own_time() -> None:
    session = host()
    session.disconnected(NOW + 1)
    will = session.will(NOW + 2)
    assert state(will)[3] == {"online": False, "timestamp": NOW + 2}
    assert state(session.connected(NOW + 3)[-1])[3] == {"online": True, "timestamp": NOW + 2}


@pytest.mark.parametrize(
    ("groups", "filters"),
    [
        (("+",), ["spBv1.0/#"]),
        (("a", "b"), ["spBv1.0/a/#", "spBv1.0/b/#"]),
    ],
)
def test_a_host_follows_its_groups(groups: tuple[str, ...], filters: list[str]) -> None:
    session = HostSession(host="scada", groups=groups, announce=False)
    assert [a.topic for a in only(session.connected(NOW), Subscribe)] == filters


def test_its_own_offline_state_is_contradicted_at_once() -> None:
    session = host()
    offline = b'{"online": false, "timestamp": 5}'
    [action] = session.received(STATE, offline, NOW + 9)
    assert state(action) == (STATE, 1, True, {"online": True, "timestamp": NOW})
    online = b'{"online": true, "timestamp": 5}'
    assert session.received(STATE, online, NOW) == ()
    assert session.received("spBv1.0/STATE/other", offline, NOW) == ()
    assert session.received(STATE, b"OFFLINE", NOW) == ()
    session.disconnected(NOW)
    assert session.received(STATE, offline, NOW) == ()


@pytest.mark.parametrize(("at", "said"), [(NOW + 60_000, NOW + 60_000), (NOW - 60_000, NOW)])
def test_a_clean_end_publishes_offline_with_the_time_of_the_end_then_disconnects(at: int, said: int) -> None:
    session = host()
    death, leave = session.close(at)
    assert state(death) == (STATE, 1, True, {"online": False, "timestamp": said})
    assert leave == Disconnect()
    assert session.received(STATE, b'{"online": false, "timestamp": 5}', at) == ()
    assert session.close(at) == (Disconnect(),)


def test_an_observer_says_nothing_of_itself() -> None:
    session = HostSession(host="api", announce=False)
    assert session.will(NOW) is None
    assert kinds(session.connected(NOW)) == ["Subscribe"]
    assert session.received("spBv1.0/STATE/api", b'{"online": false, "timestamp": 5}', NOW) == ()
    assert session.close(NOW) == (Disconnect(),)


def test_losing_the_broker_makes_every_living_node_stale() -> None:
    session = born()
    assert session.disconnected(NOW + 5) == (
        NodeDied(group="g", node="n", at_ms=NOW + 5, cause=DeathCause.HOST_OFFLINE),
    )
    assert session.disconnected(NOW + 6) == ()
    session.will(NOW)
    session.connected(NOW)
    actions = session.received(topic(Verb.DDATA, "jaw"), current(1.0, 2), NOW)
    assert kinds(actions) == ["Rejected", "NCMD", "RebirthAsked"]


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(TopicError, match="host id"):
        HostSession(host="a/b")
    with pytest.raises(TopicError, match="group id"):
        HostSession(host="a", groups=("x#",))
    with pytest.raises(ValueError, match="groups"):
        HostSession(host="a", groups=())
