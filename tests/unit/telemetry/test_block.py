"""Blocks give back exactly what was put in, and nothing else passes for one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.telemetry.block import (
    MAX_BLOCK_BYTES,
    BlockError,
    BlockFault,
    decode_block,
    encode_block,
    read_header,
)
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

SPOOL = uuid.UUID(int=7).bytes
SCHEMA = Schema(
    (
        ScanGroup("jaw", "jaw_crusher", 1.0, tuple(Column(f"s{i}", "%", 0.1) for i in range(4))),
        ScanGroup("mill", "ball_mill", 5.0, (Column("power", "kW", 0.1), Column("odd", "1", None))),
        ScanGroup("foreign", "device", 1.0, (Column("raw", "1", None),)),
    )
)
BASE_MS = 1_790_000_000_000


def block(scans: Sequence[Scans], *, number: int = 1, schema: Schema = SCHEMA) -> bytes:
    return encode_block(
        unit="pb-01",
        site="نخلک",
        province="Isfahan",
        mineral="lead",
        spool=SPOOL,
        number=number,
        schema=schema,
        scans=scans,
    )


def steady(group: int = 0, rows: int = 60) -> Scans:
    width = len(SCHEMA.groups[group].columns)
    steps = np.arange(rows * width, dtype=np.int64).reshape(rows, width) % 13
    return Scans(group, BASE_MS + 1000 * np.arange(rows, dtype=np.int64), steps)


int64 = st.integers(-(2**63), 2**63 - 1)
usual = st.integers(-300, 300)


@st.composite
def any_scans(draw: st.DrawFn) -> Scans:
    group = draw(st.integers(0, len(SCHEMA.groups) - 1))
    rows = draw(st.integers(1, 6))
    width = len(SCHEMA.groups[group].columns)
    times = draw(st.lists(st.integers(0, 2**45), min_size=rows, max_size=rows))
    flat = draw(st.lists(st.one_of(usual, int64), min_size=rows * width, max_size=rows * width))
    steps = np.array(flat, np.int64).reshape(rows, width)
    quality = None
    if draw(st.booleans()):
        marks = draw(st.lists(st.integers(0, 3), min_size=rows * width, max_size=rows * width))
        quality = np.array(marks, np.uint8).reshape(rows, width)
    return Scans(group, np.array(times, np.int64), steps, quality)


def known(scans: Scans) -> np.ndarray:
    """What a reader may expect: a value of BAD or ABSENT quality says nothing."""
    if scans.quality is None:
        return scans.steps
    return np.where((scans.quality == Quality.BAD) | (scans.quality == Quality.ABSENT), 0, scans.steps)


@given(st.lists(any_scans(), min_size=1, max_size=5))
def test_any_scans_come_back_as_they_were(scans: list[Scans]) -> None:
    decoded = {s.group: s for s in decode_block(block(scans), SCHEMA)}
    for group in {s.group for s in scans}:
        parts = [s for s in scans if s.group == group]
        got = decoded.pop(group)
        np.testing.assert_array_equal(got.time_ms, np.concatenate([s.time_ms for s in parts]))
        np.testing.assert_array_equal(got.steps, np.concatenate([known(s) for s in parts]))
        marks = np.concatenate([np.zeros(s.steps.shape, np.uint8) if s.quality is None else s.quality for s in parts])
        np.testing.assert_array_equal(np.zeros_like(marks) if got.quality is None else got.quality, marks)
    assert not decoded


def test_the_header_tells_identity_span_and_place() -> None:
    header = read_header(block([steady(0), steady(1)], number=41))
    assert (header.unit, header.site, header.province, header.mineral) == ("pb-01", "نخلک", "Isfahan", "lead")
    assert (header.spool, header.number, header.schema) == (SPOOL, 41, SCHEMA.hash)
    assert (header.first_ms, header.last_ms) == (BASE_MS, BASE_MS + 59_000)
    assert header.values == 60 * 6


def test_the_same_scans_make_the_same_bytes_and_other_scans_another_checksum() -> None:
    other = steady()
    other.steps[3, 2] += 1
    assert block([steady()]) == block([steady()])
    assert read_header(block([steady()])).checksum != read_header(block([other])).checksum


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    whole = bytearray(block([steady()]))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BlockError):
        read_header(bytes(whole))


@given(st.integers(0, 400))
def test_no_truncated_block_passes(length: int) -> None:
    whole = block([steady()])
    with pytest.raises(BlockError):
        read_header(whole[: min(length, len(whole) - 1)])


@given(st.binary(max_size=300))
def test_any_bytes_give_a_block_error_and_nothing_else(data: bytes) -> None:
    with pytest.raises(BlockError):
        read_header(data)


@given(st.binary(max_size=200))
def test_a_body_that_lies_gives_a_block_error_and_nothing_else(noise: bytes) -> None:
    whole = block([steady()])
    cut = len(whole) // 2
    with pytest.raises(BlockError):
        decode_block(whole[:cut] + noise, SCHEMA)


def test_another_schema_is_refused_by_name() -> None:
    other = Schema(SCHEMA.groups[:1])
    with pytest.raises(BlockError) as caught:
        decode_block(block([steady()]), other)
    assert caught.value.fault is BlockFault.WRONG_SCHEMA


def test_a_huge_block_is_refused_before_it_is_read() -> None:
    with pytest.raises(BlockError) as caught:
        read_header(bytes(MAX_BLOCK_BYTES + 1))
    assert caught.value.fault is BlockFault.TOO_LARGE


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"scans": []}, "scans"),
        ({"number": 0}, "number"),
        ({"spool": b"short"}, "spool"),
        ({"site": "a\0b"}, "tags"),
        ({"site": "x" * 2000}, "tags"),
    ],
)
def test_what_cannot_become_a_block_is_named(change: dict[str, object], word: str) -> None:
    good: dict[str, object] = {
        "unit": "u",
        "site": "s",
        "province": "p",
        "mineral": "m",
        "spool": SPOOL,
        "number": 1,
        "schema": SCHEMA,
        "scans": [steady()],
    }
    with pytest.raises(ValueError, match=word):
        encode_block(**{**good, **change})  # type: ignore[arg-type]


def test_a_minute_of_fifty_noisy_signals_costs_little() -> None:
    """The house limit on the wire is 1.2 bytes a value; this leaves room for the message around the block."""
    schema = Schema(
        tuple(ScanGroup(f"m{g}", "c", 1.0, tuple(Column(f"s{i}", "1", 0.1) for i in range(5))) for g in range(10))
    )
    noise = np.random.default_rng(3)
    times = BASE_MS + 1000 * np.arange(60, dtype=np.int64)
    scans = [
        Scans(g, times, np.rint(500 + noise.normal(0, 1.15, (60, 5))).astype(np.int64))
        for g in range(len(schema.groups))
    ]
    changed = np.mean([np.mean(np.diff(s.steps, axis=0) != 0) for s in scans])
    assert 0.74 < changed < 0.80
    assert len(block(scans, schema=schema)) / 3000 < 1.1
