from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug.actions import Data, Publish, Rejected, RejectReason
from orewatch.sparkplug.payload import Metric, decode
from orewatch.sparkplug.topics import Verb
from tests.unit.sparkplug.host_rules import (
    JAW_METRICS,
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
ASKED = ["NCMD", "RebirthAsked"]


@given(st.integers(0, 300), st.permutations(range(8)), st.data())
def test_within_the_window_any_order_comes_out_in_order(start: int, order: list[int], data: st.DataObject) -> None:
    session = born()
    for n in range(start):
        session.received(DDATA, current(-1.0, (2 + n) % 256), NOW)
    out: list[object] = []
    for place in order:
        at = NOW + data.draw(st.integers(0, 1900))
        out += session.received(DDATA, current(float(place), (2 + start + place) % 256), at)
    assert [d.values[0] for d in only(out, Data)] == [float(n) for n in range(8)]  # type: ignore[arg-type]
    assert session.tick(NOW + 10_000) == ()


def test_a_gap_that_stays_open_hands_on_what_came_and_asks_for_a_rebirth() -> None:
    session = born()
    assert session.received(DDATA, current(3.0, 3), NOW) == ()
    assert session.received(DDATA, current(5.0, 5), NOW + 1500) == ()
    assert session.tick(NOW + 1999) == ()
    actions = session.tick(NOW + 2000)
    assert kinds(actions) == ["Data", "Data", *ASKED]
    assert [d.values for d in only(actions, Data)] == [[3.0], [5.0]]
    assert kinds(session.received(DDATA, current(6.0, 6), NOW + 2001)) == ["Data"]
    assert session.tick(NOW + 9000) == ()


def test_a_gap_that_is_filled_in_time_asks_for_nothing() -> None:
    session = born()
    session.received(DDATA, current(3.0, 3), NOW)
    assert kinds(session.received(DDATA, current(2.0, 2), NOW + 100)) == ["Data", "Data"]
    assert session.tick(NOW + 60_000) == ()


@pytest.mark.parametrize("timeout", [0, 300])
def test_the_reorder_timeout_is_a_setting(timeout: int) -> None:
    session = born(reorder_ms=timeout)
    actions = [*session.received(DDATA, current(3.0, 3), NOW), *session.tick(NOW + timeout)]
    assert kinds(actions) == ["Data", *ASKED]


def test_a_birth_out_of_order_waits_its_turn_too() -> None:
    session = host()
    session.received(topic(Verb.NBIRTH), nbirth(), NOW)
    assert session.received(DDATA, current(1.0, 2), NOW) == ()
    birth = payload(*JAW_METRICS, seq=1)
    assert kinds(session.received(topic(Verb.DBIRTH, "jaw"), birth, NOW)) == ["DeviceBorn", "Data"]


def test_the_same_message_twice_is_handed_on_once() -> None:
    session = born()
    session.received(DDATA, current(1.0, 2), NOW)
    [rejected] = session.received(DDATA, current(1.0, 2), NOW)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.DUPLICATE
    session.received(DDATA, current(4.0, 4), NOW)
    assert only(session.received(DDATA, current(4.0, 4), NOW), Rejected)[0].reason is RejectReason.DUPLICATE


def test_a_number_used_twice_in_the_window_ends_the_wait() -> None:
    session = born()
    session.received(DDATA, current(4.0, 4), NOW)
    actions = session.received(DDATA, current(44.0, 4), NOW)
    assert kinds(actions)[0] == "Data"
    assert kinds(actions)[-2:] == ASKED


def test_a_death_hands_on_what_was_waiting() -> None:
    session = born()
    session.received(DDATA, current(3.0, 3), NOW)
    assert kinds(session.received(topic(Verb.NDEATH), ndeath(), NOW)) == ["Data", "NodeDied"]
    session = born()
    session.received(DDATA, current(3.0, 3), NOW)
    assert kinds(session.disconnected(NOW)) == ["Data", "NodeDied"]
    assert session.tick(NOW + 9000) == ()


def test_a_new_birth_closes_the_gap() -> None:
    session = born()
    session.received(DDATA, current(3.0, 3), NOW)
    assert kinds(session.received(topic(Verb.NBIRTH), nbirth(), NOW)) == ["Data", "NodeBorn"]
    assert session.tick(NOW + 9000) == ()


def test_a_clock_set_back_does_not_keep_a_gap_open() -> None:
    session = born()
    session.received(DDATA, current(3.0, 3), NOW)
    assert kinds(session.tick(NOW - 3_600_000))[0] == "Data"


def test_a_peer_that_does_not_number_is_taken_as_it_comes() -> None:
    session = born()
    for value in (1.0, 2.0):
        assert kinds(session.received(DDATA, current(value, None), NOW)) == ["Data"]
    assert session.tick(NOW + 9000) == ()


def asks(session_actions: object) -> int:
    return len([a for a in only(session_actions, Publish) if "/NCMD/" in a.topic])  # type: ignore[arg-type]


def test_an_unanswered_node_is_asked_at_growing_distances() -> None:
    session = host(rebirth_spacing_ms=1000)
    asked = []
    for second in range(40):
        at = NOW + second * 1000
        if asks(session.received(DDATA, current(1.0, second), at)) + asks(session.tick(at)):
            asked.append(second)
    assert asked == [0, 1, 3, 7, 15, 31]


def test_a_request_too_early_waits_and_a_birth_cancels_it() -> None:
    session = born(reorder_ms=0, rebirth_spacing_ms=1000)
    assert asks(session.received(DDATA, current(3.0, 3), NOW)) == 1
    assert asks(session.received(DDATA, current(5.0, 5), NOW + 10)) == 0
    assert asks(session.tick(NOW + 999)) == 0
    assert asks(session.tick(NOW + 1000)) == 1
    session.received(DDATA, current(9.0, 9), NOW + 1010)
    session.received(topic(Verb.NBIRTH), nbirth(), NOW + 1020)
    assert asks(session.tick(NOW + 60_000)) == 0


def test_many_unknown_nodes_are_asked_one_after_another() -> None:
    session = host(rebirth_stagger_ms=20)
    raw = payload(Metric(name="x", value=1.0), seq=4)
    at_once = sum(asks(session.received(topic(Verb.NDATA, node=f"n{i}"), raw, NOW)) for i in range(30))
    assert at_once == 1
    later = [asks(session.tick(NOW + step * 100)) for step in range(1, 31)]
    assert set(later) == {0, 1}
    assert sum(later) == 29


def test_a_peer_that_answers_only_typed_commands_gets_types() -> None:
    session = host(rebirth_spacing_ms=1000)
    requests = []
    for at in (NOW, NOW + 1000):
        actions = session.received(DDATA, current(1.0, 1), at)
        requests += [decode(p.payload).metrics[0].datatype for p in only(actions, Publish)]
    assert [r is not None for r in requests] == [False, True]
    session.received(topic(Verb.NBIRTH), nbirth(), NOW + 1100)
    [command] = session.rebirth("g", "n", "asked by hand", NOW + 9000)[:1]
    assert isinstance(command, Publish)
    assert decode(command.payload).metrics[0].datatype is not None
