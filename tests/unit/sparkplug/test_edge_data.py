from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug.actions import Publish
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import MetricDeclaration, Reading
from orewatch.sparkplug.payload import PayloadError
from tests.unit.sparkplug.edge_rules import BELT, BIRTHS, JAW, NCMD, NODE, NOW, REBIRTH, publishes, session, verbs


def test_data_carries_alias_time_and_value_alone() -> None:
    edge = session(connected=True)
    edge.data("jaw", [Reading("motor_current", 1.0, NOW)], NOW)  # the first says that it is GOOD now
    [action] = edge.data("jaw", [Reading("motor_current", 71.5, NOW + 1), Reading("running", False, NOW + 1)], NOW + 5)
    assert isinstance(action, Publish)
    assert (action.qos, action.retain) == (0, False)
    [(topic, payload)] = publishes([action])
    assert str(topic) == "spBv1.0/orewatch/DDATA/pb-01/jaw"
    assert (payload.seq, payload.timestamp_ms) == (4, NOW + 5)
    current, running = payload.metrics
    assert (current.name, current.alias, current.datatype) == (None, 10, None)
    assert (current.value, current.timestamp_ms, current.is_historical) == (71.5, NOW + 1, False)
    assert current.properties == {}
    assert (running.alias, running.value) == (11, False)


def test_a_metric_without_alias_goes_by_name() -> None:
    edge = session(connected=True)
    [(_, payload)] = publishes(edge.data("belt", [Reading("mass", 2.0, NOW)], NOW))
    assert (payload.metrics[0].name, payload.metrics[0].alias) == ("mass", None)


def test_nothing_known_is_null_and_its_quality_is_said_and_taken_back() -> None:
    edge = session(connected=True)
    said = []
    for step, (value, quality) in enumerate([(1.0, 192), (None, 0), (None, 500), (2.0, 192), (3.0, 192)]):
        reading = Reading("motor_current", value, NOW + step, quality)
        [metric] = publishes(edge.data("jaw", [reading], NOW + step))[0][1].metrics
        assert metric.is_null == (value is None)
        said.append(metric.quality)
    assert said == [192, 0, 500, 192, None]


def test_one_seq_counts_births_data_and_deaths_of_node_and_devices_and_goes_round() -> None:
    edge = session(connected=True)
    seqs = [0, 1, 2]
    for step in range(300):
        at = NOW + step
        actions = {
            0: lambda at=at: edge.data(None, [Reading("Live/Watched", 1, at)], at),
            1: lambda at=at: edge.data("jaw", [Reading("running", True, at)], at),
            2: lambda at=at: edge.device_lost("belt", at),
            3: lambda at=at: edge.device_back("belt", at),
        }[step % 4]()
        seqs += [p.seq if p.seq is not None else -1 for _, p in publishes(actions)]
    assert len(seqs) == 303
    assert seqs == [n % 256 for n in range(303)]


def test_data_before_birth_and_after_the_end_goes_nowhere_but_is_remembered() -> None:
    edge = session()
    reading = Reading("motor_current", 5.0, NOW)
    assert edge.data("jaw", [reading], NOW) == ()
    edge.will(NOW)
    assert edge.data("jaw", [reading], NOW) == ()
    births = publishes(edge.connected(NOW))
    assert next(m.value for m in births[1][1].metrics if m.name == "motor_current") == 5.0
    edge.disconnected(NOW)
    assert not edge.born
    assert edge.data("jaw", [reading], NOW) == ()


def test_empty_data_uses_no_seq() -> None:
    edge = session(connected=True)
    assert edge.data("jaw", [], NOW) == ()
    assert publishes(edge.data("jaw", [Reading("running", True, NOW)], NOW))[0][1].seq == 3


def test_a_value_that_does_not_fit_sends_nothing_and_uses_no_seq() -> None:
    edge = session(connected=True)
    with pytest.raises(PayloadError, match="motor_current"):
        edge.data("jaw", [Reading("running", True, NOW), Reading("motor_current", "x", NOW)], NOW)
    with pytest.raises(ValueError, match="not declared"):
        edge.data("jaw", [Reading("nothing", 1.0, NOW)], NOW)
    assert publishes(edge.data("jaw", [Reading("running", True, NOW)], NOW))[0][1].seq == 3


@given(st.lists(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=5), max_size=8))
def test_values_that_are_not_historical_are_chronological_on_the_wire(
    messages: list[list[tuple[int, bool]]],
) -> None:
    edge = session(connected=True)
    last = 0
    for batch in messages:
        readings = [Reading("motor_current", float(t), NOW + t, is_historical=h) for t, h in batch]
        for _, payload in publishes(edge.data("jaw", readings, NOW + 100)):
            for metric in payload.metrics:
                if not metric.is_historical:
                    assert metric.timestamp_ms is not None
                    assert metric.timestamp_ms >= last
                    last = metric.timestamp_ms


def test_a_clock_set_back_does_not_turn_the_present_into_history() -> None:
    edge = session(connected=True)
    edge.data("jaw", [Reading("motor_current", 1.0, NOW)], NOW)
    back = NOW - 3_600_000
    [(_, payload)] = publishes(edge.data("jaw", [Reading("motor_current", 2.0, back)], back))
    assert not payload.metrics[0].is_historical


def test_a_block_older_than_the_birth_or_than_one_already_sent_is_history() -> None:
    edge = session(connected=True)

    def sent(last_ms: int) -> list[bool]:
        readings = [Reading("Record/Block", b"x", last_ms)]
        return [m.is_historical for _, p in publishes(edge.data(None, readings, NOW + 5000)) for m in p.metrics]

    assert sent(NOW - 1) == [True]
    assert sent(NOW + 2000) == [False]
    assert sent(NOW + 1000) == [True]
    assert sent(NOW + 2000) == [False]
    edge.received(NCMD, REBIRTH, NOW + 4000)
    assert sent(NOW + 2000) == [True]


def test_a_lost_machine_dies_once_keeps_silent_and_is_born_again() -> None:
    edge = session(connected=True)
    [(topic, payload)] = publishes(edge.device_lost("jaw", NOW + 7))
    assert str(topic) == "spBv1.0/orewatch/DDEATH/pb-01/jaw"
    assert (payload.seq, payload.timestamp_ms) == (3, NOW + 7)
    assert edge.device_lost("jaw", NOW + 8) == ()
    assert edge.data("jaw", [Reading("running", True, NOW + 9)], NOW + 9) == ()
    assert verbs(edge.received(NCMD, REBIRTH, NOW)) == ["NBIRTH", "DBIRTH belt"]
    assert verbs(edge.device_back("jaw", NOW + 10)) == ["DBIRTH jaw"]
    assert edge.device_back("jaw", NOW + 11) == ()
    assert verbs(edge.data("jaw", [Reading("running", True, NOW + 12)], NOW + 12)) == ["DDATA jaw"]


def test_a_machine_lost_before_the_connection_is_not_born() -> None:
    edge = session()
    assert edge.device_lost("jaw", NOW) == ()
    edge.will(NOW)
    assert "DBIRTH jaw" not in verbs(edge.connected(NOW))


def test_redeclaring_buries_what_is_gone_subscribes_and_gives_birth_with_the_same_bdseq() -> None:
    edge = session(connected=True, bd_seq=7)
    edge.set_value("belt", "speed", 1.5, NOW)
    mill = (MetricDeclaration(name="power", datatype=DataType.DOUBLE, alias=30, writable=True),)
    actions = edge.redeclare(NODE, {"belt": BELT, "mill": mill}, NOW + 1)
    assert verbs(actions) == [
        "DDEATH jaw",
        "+ spBv1.0/orewatch/DCMD/pb-01/mill",
        "NBIRTH",
        "DBIRTH belt",
        "DBIRTH mill",
    ]
    births = publishes(actions)[1:]
    assert [p.seq for _, p in births] == [0, 1, 2]
    assert next(m.value for m in births[0][1].metrics if m.name == "bdSeq") == 8
    assert next(m.value for m in births[1][1].metrics if m.name == "speed") == 1.5


def test_redeclaring_while_offline_waits_for_the_next_connection() -> None:
    edge = session()
    assert edge.redeclare(NODE, {"jaw": JAW}, NOW) == ()
    edge.will(NOW)
    assert verbs(edge.connected(NOW))[1:] == ["+ spBv1.0/orewatch/DCMD/pb-01/jaw", "NBIRTH", "DBIRTH jaw"]
    assert BIRTHS[:2] == ["NBIRTH", "DBIRTH jaw"]
