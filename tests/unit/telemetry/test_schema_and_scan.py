"""Schemas keep their hash, and quantising loses nothing a sensor could tell."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.plant.catalogue import SignalRef
from orewatch.plant.unit import unit_from_circuit
from orewatch.telemetry.scan import Quality, physical, quantise
from orewatch.telemetry.schema import Column, ScanGroup, SchemaError, schema_from_text, schema_of

UNIT = unit_from_circuit(unit_id="pb-01", circuit="lead", site="Nakhlak", province="Isfahan", model="OW-6")


def test_a_schema_comes_back_from_its_text_with_the_same_hash() -> None:
    schema = schema_of(UNIT)
    again = schema_from_text(schema.text)
    assert again == schema
    assert again.hash == schema.hash


def test_every_signal_of_the_unit_is_in_exactly_one_place() -> None:
    schema = schema_of(UNIT)
    assert set(schema.where) == {ref for ref, _ in UNIT.signals()}
    assert sum(len(g.columns) for g in schema.groups) == len(schema.where)
    for ref, (group, column) in schema.where.items():
        assert schema.groups[group].machine == ref.machine
        assert schema.groups[group].columns[column].name == ref.signal
        assert schema.groups[group].period_s == UNIT.signal(ref).rate_s


def test_a_changed_resolution_changes_the_hash() -> None:
    schema = schema_of(UNIT)
    text = schema.text.replace("0.001", "0.002", 1)
    assert text != schema.text
    assert schema_from_text(text).hash != schema.hash


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"v":2,"groups":[]}',
        '{"v":1,"groups":[["m","c",1.0,[["s","1",0,"analog"]]]]}',
        '{"v":1,"groups":[["m","c",1.0,[["s","1",-1,"analog"]]]]}',
        '{"v":1,"groups":[["m","c",1.0,[["s","1",NaN,"analog"]]]]}',
        '{"v":1,"groups":[["m","c",1.0,[["s","1",1,"other"]]]]}',
        '{"v":1,"groups":[["m"]]}',
    ],
)
def test_what_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        schema_from_text(text)


def test_a_schema_of_too_many_groups_is_refused() -> None:
    groups = [["m", "c", 1.0, []]] * 5000
    with pytest.raises(SchemaError, match="5000 groups"):
        schema_from_text(json.dumps({"v": 1, "groups": groups}))


RESOLUTIONS = st.sampled_from([0.001, 0.01, 0.1, 0.125, 0.5, 1.0, 4.0, 0.03125, 0.4])


@given(RESOLUTIONS, st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=20))
def test_a_value_on_the_grid_comes_back_exactly(resolution: float, steps: list[int]) -> None:
    group = ScanGroup("m", "c", 1.0, (Column("s", "1", resolution),))
    whole = np.array(steps, np.int64)[:, None]
    values = physical(group, whole)
    again, quality = quantise(group, values)
    assert quality is None
    np.testing.assert_array_equal(again, whole)


@given(RESOLUTIONS, st.floats(-1e6, 1e6))
def test_a_value_off_the_grid_moves_at_most_half_a_step(resolution: float, value: float) -> None:
    group = ScanGroup("m", "c", 1.0, (Column("s", "1", resolution),))
    steps, _ = quantise(group, np.array([[value]]))
    assert abs(physical(group, steps)[0, 0] - value) <= resolution / 2 * (1 + 1e-9)


def test_tenths_read_as_people_write_them() -> None:
    group = ScanGroup("m", "c", 1.0, (Column("s", "1", 0.1),))
    assert physical(group, np.array([[3], [7], [1234567]]))[:, 0].tolist() == [0.3, 0.7, 123456.7]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_no_sensor_can_say_is_bad_and_only_that(value: float) -> None:
    group = ScanGroup("m", "c", 1.0, (Column("a", "1", 0.1), Column("b", "1", 0.1)))
    steps, quality = quantise(group, np.array([[value, 2.0]]))
    assert quality is not None
    assert quality.tolist() == [[Quality.BAD, Quality.GOOD]]
    assert steps.tolist() == [[0, 20]]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_signal_without_a_resolution_keeps_every_bit(values: list[float]) -> None:
    group = ScanGroup("m", "c", 1.0, (Column("s", "1", None),))
    steps, quality = quantise(group, np.array(values)[:, None])
    assert quality is None
    assert physical(group, steps)[:, 0].tobytes() == np.array(values).tobytes()


def test_where_names_group_and_column() -> None:
    schema = schema_of(UNIT)
    group, column = schema.where[SignalRef("mill", "power")]
    assert schema.groups[group].columns[column].unit == "kW"
