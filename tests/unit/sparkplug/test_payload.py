from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.fields import read_value
from orewatch.sparkplug.payload import (
    MAX_TIME_MS,
    DataSet,
    DataType,
    Metric,
    Payload,
    PayloadError,
    PayloadFault,
    decode,
    encode,
)

if TYPE_CHECKING:
    from orewatch.sparkplug.datatypes import MetricValue

SIGNED = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
UNSIGNED = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
FLOATS = st.floats(width=32, allow_nan=False)
DOUBLES = st.floats(allow_nan=False)


def ints(width: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(1 << width - 1), (1 << width - 1) - 1) if signed else st.integers(0, (1 << width) - 1)


SCALARS: dict[DataType, st.SearchStrategy[MetricValue]] = {
    **{t: ints(w, signed=True) for t, w in SIGNED.items()},
    **{t: ints(w, signed=False) for t, w in UNSIGNED.items()},
    DataType.DATETIME: st.integers(0, 1 << 62),
    DataType.FLOAT: FLOATS,
    DataType.DOUBLE: DOUBLES,
    DataType.BOOLEAN: st.booleans(),
    DataType.STRING: TEXT,
    DataType.TEXT: TEXT,
    DataType.UUID: TEXT,
}
NO_NUL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
ARRAYS: dict[DataType, st.SearchStrategy[MetricValue]] = {
    DataType(22 + place): st.lists(element, max_size=20).map(lambda values: tuple(values))  # type: ignore[arg-type]  # noqa: PLW0108
    for place, element in enumerate(
        [
            *(ints(w, signed=True) for w in (8, 16, 32, 64)),
            *(ints(w, signed=False) for w in (8, 16, 32, 64)),
            FLOATS,
            DOUBLES,
            st.booleans(),
            NO_NUL,
            st.integers(0, 1 << 62),
        ]
    )
}
TABLES = st.lists(st.tuples(TEXT, st.sampled_from(sorted(SCALARS))), max_size=4).flatmap(
    lambda columns: st.lists(st.tuples(*(SCALARS[t] for _, t in columns)), max_size=4).map(
        lambda rows: DataSet(tuple(n for n, _ in columns), tuple(t for _, t in columns), tuple(rows))
    )
)
VALUES: dict[DataType, st.SearchStrategy[MetricValue]] = {
    **SCALARS,
    **ARRAYS,
    DataType.BYTES: st.binary(max_size=50),
    DataType.FILE: st.binary(max_size=50),
    DataType.TEMPLATE: st.binary(max_size=50),
    DataType.DATASET: TABLES,
}
PROPERTIES = st.dictionaries(TEXT, st.none() | st.booleans() | ints(64, signed=True) | DOUBLES | TEXT, max_size=3)
NUMBERS = st.none() | st.integers(0, (1 << 64) - 1)
TIMES = st.none() | st.integers(0, MAX_TIME_MS)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    datatype = draw(st.sampled_from(sorted(VALUES)))
    value = draw(st.none() | VALUES[datatype])
    return Metric(
        name=draw(st.none() | TEXT),
        alias=draw(NUMBERS),
        datatype=datatype,
        value=value,
        timestamp_ms=draw(TIMES),
        is_historical=draw(st.booleans()),
        is_transient=draw(st.booleans()),
        is_null=value is None,
        properties=draw(PROPERTIES),
    )


PAYLOADS = st.builds(
    Payload,
    timestamp_ms=NUMBERS,
    metrics=st.lists(metrics(), max_size=5).map(tuple),
    seq=st.none() | st.integers(0, 255),
    uuid=st.none() | TEXT,
    body=st.none() | st.binary(max_size=20),
)


@given(PAYLOADS)
def test_a_payload_comes_back_as_it_went(payload: Payload) -> None:
    assert decode(encode(payload)) == payload


def decode_or_fault(raw: bytes) -> Payload | PayloadFault:
    try:
        return decode(raw)
    except PayloadError as error:
        return error.fault


@given(PAYLOADS, st.data())
def test_a_truncated_or_damaged_payload_is_a_payload_or_a_named_fault(payload: Payload, data: st.DataObject) -> None:
    raw = bytearray(encode(payload))
    cut = data.draw(st.integers(0, len(raw)))
    del raw[cut:]
    for place in data.draw(st.lists(st.integers(0, max(len(raw) - 1, 0)), max_size=3)):
        if raw:
            raw[place] ^= data.draw(st.integers(1, 255))
    decode_or_fault(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_a_named_fault(raw: bytes) -> None:
    decode_or_fault(raw)


@given(st.sampled_from(sorted(SIGNED)), st.data())
def test_peers_may_write_a_negative_integer_at_any_width_in_either_field(
    datatype: DataType, data: st.DataObject
) -> None:
    width = SIGNED[datatype]
    value = data.draw(ints(width, signed=True))
    for bits in (w for w in (width, 32, 64) if w >= width):
        unsigned = value & (1 << bits) - 1
        if bits <= 32:
            assert read_value(pb.Metric(int_value=unsigned), datatype) == value
        assert read_value(pb.Metric(long_value=unsigned), datatype) == value


@pytest.mark.parametrize("unsigned", [251, 4294967291, 2**64 - 5])
def test_three_ways_of_saying_minus_five(unsigned: int) -> None:
    assert read_value(pb.Metric(long_value=unsigned), DataType.INT8) == -5


@pytest.mark.parametrize(
    ("metric", "datatype", "changed"),
    [
        (pb.Metric(string_value="1"), DataType.DOUBLE, True),
        (pb.Metric(double_value=1.0), DataType.INT32, True),
        (pb.Metric(double_value=1.0), DataType.BOOLEAN, True),
        (pb.Metric(boolean_value=True), DataType.DOUBLE, True),
        (pb.Metric(int_value=1), DataType.STRING, True),
        (pb.Metric(bytes_value=b"x"), DataType.STRING, True),
        (pb.Metric(dataset_value=pb.DataSet()), DataType.DOUBLE, True),
        (pb.Metric(int_value=300), DataType.UINT8, False),
        (pb.Metric(long_value=1 << 40), DataType.INT32, False),
        (pb.Metric(bytes_value=b"123"), DataType.INT32_ARRAY, False),
        (pb.Metric(bytes_value=struct.pack("<I", 9) + b"\xff"), DataType.BOOLEAN_ARRAY, False),
        (pb.Metric(bytes_value=b"\xff\0"), DataType.STRING_ARRAY, False),
    ],
)
def test_a_value_unlike_its_datatype_is_told_apart(metric: pb.Metric, datatype: DataType, changed: bool) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_value(metric, datatype)
    assert getattr(caught.value, "changed", None) is changed


def test_booleans_of_an_array_are_packed_from_the_highest_bit_behind_a_count() -> None:
    values = (False, False, True, True, False, True, False, False, True, True, False, True)
    raw = encode(Payload(timestamp_ms=1, metrics=(Metric(name="b", datatype=DataType.BOOLEAN_ARRAY, value=values),)))
    assert bytes([0x0C, 0, 0, 0, 0x34, 0xD0]) in raw


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (DataType.INT8, 128),
        (DataType.UINT8, -1),
        (DataType.INT64, 1 << 63),
        (DataType.INT32, 1.5),
        (DataType.INT32, True),
        (DataType.BOOLEAN, 1),
        (DataType.DOUBLE, "1"),
        (DataType.DOUBLE, True),
        (DataType.FLOAT, 1e300),
        (DataType.STRING, b"x"),
        (DataType.BYTES, "x"),
        (DataType.INT8_ARRAY, (1, 200)),
        (DataType.INT8_ARRAY, [1]),
        (DataType.STRING_ARRAY, ("a\0b",)),
        (DataType.DATASET, 1),
        (DataType.DATASET, DataSet(("a",), (), ())),
        (DataType.DATASET, DataSet(("a",), (DataType.INT32,), ((1, 2),))),
        (DataType.PROPERTY_SET, 1),
        (None, (1, 2)),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_metric_and_type(datatype: DataType | None, value: object) -> None:
    metric = Metric(name="jaw.current", datatype=datatype, value=value)  # type: ignore[arg-type]
    with pytest.raises(PayloadError, match=r"jaw\.current") as caught:
        encode(Payload(timestamp_ms=1, metrics=(metric,)))
    assert caught.value.fault is PayloadFault.BAD_VALUE


def test_a_payload_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(PayloadError) as caught:
        decode(b"\xff" * 11, max_bytes=10)
    assert caught.value.fault is PayloadFault.TOO_LARGE


def test_a_payload_of_very_many_empty_metrics_is_refused() -> None:
    with pytest.raises(PayloadError) as caught:
        decode(b"\x12\x00" * 70_000)
    assert caught.value.fault is PayloadFault.TOO_LARGE


@pytest.mark.parametrize(
    "raw",
    [
        b"\x12\x04\x0a\x02\xff\xfe",  # a name
        b"\x22\x02\xff\xfe",  # the payload's uuid
        b"\x12\x05\x7a\x03a\xff\xfe",  # a value
    ],
)
def test_text_that_is_not_utf8_is_a_named_fault(raw: bytes) -> None:
    with pytest.raises(PayloadError):
        decode(raw)


def test_quality_is_an_int32_property() -> None:
    raw = encode(Payload(timestamp_ms=1, metrics=(Metric(name="a", value=1.0, properties={"Quality": 192}),)))
    wire = pb.Payload.FromString(raw).metrics[0].properties
    assert (list(wire.keys), wire.values[0].type, wire.values[0].int_value) == (["Quality"], 3, 192)
    assert decode(raw).metrics[0].quality == 192
