"""The rules of Sparkplug B 3.0 for the payloads of an edge node, judged on a real ``orewatch agent``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.system.conformance_life import ASKING, Life
from tests.system.wire_peers import BOOLEAN, BYTES, DOUBLE, INT32, INT64, REBIRTH, STRING, named, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orewatch.sparkplug import sparkplug_b_pb2 as pb
    from tests.system.wire_relay import Packet

FIELDS = {INT32: "int_value", INT64: "long_value", DOUBLE: "double_value", BOOLEAN: "boolean_value"}
FIELDS |= {STRING: "string_value", BYTES: "bytes_value"}
DATA, BIRTHS = ("NDATA", "DDATA"), ("NBIRTH", "DBIRTH")


def metrics(life: Life, *verbs: str) -> Iterator[tuple[Packet, pb.Metric]]:
    for packet in life.published(*verbs):
        for metric in read(packet).metrics:
            yield packet, metric


# Births


def test_birth_metrics_have_name_datatype_timestamp_and_a_value_of_that_type_or_null(life: Life) -> None:
    for packet, metric in metrics(life, *BIRTHS):
        assert metric.name
        assert metric.datatype in FIELDS, metric.name
        assert 0 < metric.timestamp <= packet.at_ms + 1000
        value = metric.WhichOneof("value")
        assert value == (None if metric.is_null else FIELDS[metric.datatype]), metric.name
        assert not metric.is_historical


def test_nbirth_has_rebirth_boolean_false_without_an_alias(life: Life) -> None:
    for packet in life.published("NBIRTH"):
        rebirth = named(packet, REBIRTH)
        assert (rebirth.datatype, rebirth.WhichOneof("value"), rebirth.boolean_value) == (
            BOOLEAN,
            "boolean_value",
            False,
        )
        assert not rebirth.HasField("alias")


def test_nbirth_has_bdseq_int64_and_dbirth_has_neither(life: Life) -> None:
    assert {named(p, "bdSeq").datatype for p in life.published("NBIRTH")} == {INT64}
    assert not {"bdSeq", REBIRTH} & {m.name for _, m in metrics(life, "DBIRTH")}


def test_names_in_a_birth_differ_by_more_than_case(life: Life) -> None:
    for packet in life.published(*BIRTHS):
        names = [m.name.lower() for m in read(packet).metrics]
        assert len(set(names)) == len(names)


def test_aliases_are_unique_over_node_and_devices_and_the_same_after_a_restart(life: Life) -> None:
    owners: dict[int, tuple[str, str]] = {}
    for packet, metric in metrics(life, *BIRTHS):
        if metric.HasField("alias"):
            owner = (packet.topic, metric.name)
            assert owners.setdefault(metric.alias, owner) == owner
    assert len(set(owners.values())) == len(owners)


def test_values_in_a_birth_are_in_the_order_of_their_times(life: Life) -> None:
    for packet in life.published(*BIRTHS):
        times = [m.timestamp for m in read(packet).metrics]
        assert times == sorted(times)


def test_a_rebirth_states_the_present_values(life: Life) -> None:
    start = life.marks[f"asked {next(iter(ASKING))}"]
    birth = next(p for p in life.published("DBIRTH") if p.at_ms >= start and p.verb == "DBIRTH mill")
    power = named(birth, "power")
    assert not power.is_null
    assert birth.at_ms - power.timestamp < 1000
    assert named(birth, "running").boolean_value is True


# Data


def test_data_metrics_have_an_alias_of_the_birth_alone_a_timestamp_and_no_datatype(life: Life) -> None:
    for connection in life.connections:
        known: dict[str, dict[int, int]] = {}
        for packet in connection.published():
            if packet.verb.split()[0] in BIRTHS:
                known[packet.verb[1:].replace("BIRTH", "")] = {
                    m.alias: m.datatype for m in read(packet).metrics if m.HasField("alias")
                }
            elif packet.verb.split()[0] in DATA:
                declared = known[packet.verb[1:].replace("DATA", "")]
                for metric in read(packet).metrics:
                    assert metric.alias in declared
                    assert not metric.HasField("name")
                    assert not metric.HasField("datatype")
                    assert 0 < metric.timestamp <= packet.at_ms + 1000
                    value = metric.WhichOneof("value")
                    assert value == (None if metric.is_null else FIELDS[declared[metric.alias]])


def test_data_is_never_empty(life: Life) -> None:
    assert all(read(p).metrics for p in life.published(*DATA))


def test_values_that_are_not_historical_are_in_the_order_of_their_times(life: Life) -> None:
    for connection in life.connections:
        last: dict[int, int] = {}
        for packet in connection.published(*DATA):
            within = [m.timestamp for m in read(packet).metrics if not m.is_historical]
            assert within == sorted(within)
            for metric in read(packet).metrics:
                if not metric.is_historical:
                    assert metric.timestamp >= last.get(metric.alias, 0)
                    last[metric.alias] = metric.timestamp


def test_what_does_not_change_is_not_repeated(life: Life) -> None:
    alias = named(life.connections[0].published("DBIRTH")[1], "width").alias
    told = [m for p in life.connections[0].published("DDATA")[:280] for m in read(p).metrics if m.alias == alias]
    assert len(told) <= 1


def test_a_register_that_cannot_be_read_is_null_with_quality_bad_and_then_good_again(life: Life) -> None:
    alias = named(life.connections[0].published("DBIRTH")[0], "temperature").alias
    found = life.between(0, "sensor refused", f"asked {next(iter(ASKING))}")
    told = [m for p in found for m in read(p).metrics if m.alias == alias]
    assert [(m.is_null, quality(m)) for m in told] == [(True, 0), (False, 192)]


def quality(metric: pb.Metric) -> int:
    [at] = [i for i, key in enumerate(metric.properties.keys) if key == "Quality"]
    assert metric.properties.values[at].type == INT32
    return int(metric.properties.values[at].int_value)


def test_property_sets_are_parallel_typed_and_know_three_qualities(life: Life) -> None:
    for _, metric in metrics(life):
        properties = metric.properties
        assert len(properties.keys) == len(properties.values)
        assert len(set(properties.keys)) == len(properties.keys)
        for value in properties.values:
            assert value.WhichOneof("value") == FIELDS[value.type]
        if "Quality" in properties.keys:
            assert quality(metric) in {0, 192, 500}
