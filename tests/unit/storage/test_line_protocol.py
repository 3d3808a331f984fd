"""Lines are read back by a small reader of the published grammar, and must say what the scans said."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.storage.line_protocol import LineEncoder, encode_rollups
from orewatch.storage.projection import DecodedBlock, RollupRows
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans, physical
from orewatch.telemetry.schema import Column, ScanGroup, Schema

START_MS = 1_795_363_200_000
RESOLUTIONS = [1.0, 0.1, 0.01, 0.001, 0.5, 4.0, 0.25, 10.0, 0.0001, 0.0003, None]

Point = tuple[str, dict[str, str], dict[str, float], int]


def block(schema: Schema, *scans: Scans, site: str = "Nakhlak", number: int = 1) -> DecodedBlock:
    data = encode_block(
        unit="pb-01",
        site=site,
        province="Isfahan",
        mineral="lead",
        spool=b"s" * 16,
        number=number,
        schema=schema,
        scans=scans,
    )
    return DecodedBlock(read_header(data), schema, decode_block(data, schema))


def unescape(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def split(text: str, at: str, limit: int = 0) -> list[str]:
    return re.split(rf"(?<!\\){at}", text, maxsplit=limit)


def read(lines: bytes) -> list[Point]:
    points = []
    assert lines.endswith(b"\n") or not lines
    for line in lines.decode().splitlines():
        series, fields, time = split(line, " ")
        measurement, *tags = split(series, ",")
        pairs = dict(split(t, "=", 1) for t in tags)
        assert list(pairs) == sorted(pairs)
        values = [split(f, "=", 1) for f in split(fields, ",")]
        named = {unescape(k): float(v) for k, v in values}
        assert len(named) == len(values)
        tagged = {unescape(k): unescape(v) for k, v in pairs.items()}
        points.append((unescape(measurement), tagged, named, int(time)))
    return points


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@given(data=st.data())
def test_every_value_reads_back_as_it_was(resolution: float | None, data: st.DataObject) -> None:
    columns = (Column("first", "1", resolution), Column("second", "1", 0.1))
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, columns),))
    large = st.one_of(st.integers(-(2**52), 2**52), st.integers(-2000, 2000))
    rows = data.draw(st.lists(st.tuples(large, large, st.sampled_from([0, 1, 2, 3])), min_size=1, max_size=8))
    steps = np.array([r[:2] for r in rows], np.int64)
    quality = np.array([[r[2], 0] for r in rows], np.uint8)
    times = START_MS + 1000 * np.arange(len(rows))
    decoded = block(schema, Scans(0, times, steps, quality))
    values = physical(schema.groups[0], decoded.scans[0].steps)
    expected = [
        {"second": values[i, 1]}
        | ({"first": values[i, 0]} if quality[i, 0] == Quality.GOOD and np.isfinite(values[i, 0]) else {})
        for i in range(len(rows))
    ]
    points = [p for p in read(LineEncoder().encode([decoded])) if p[0] == "jaw_crusher"]
    assert [p[3] for p in points] == times.tolist()
    found = [p[2] for p in points]
    if resolution == 0.0003:
        # Neither a decimal fraction nor its inverse: the last bit of the float may differ from the decimal's.
        assert [pytest.approx(f, rel=1e-15) for f in found] == expected
    else:
        assert found == expected


@pytest.mark.parametrize("time_ms", [0, -1, 999_999_999_999, 10**12, 10**13 - 1, 10**13, START_MS + 1])
def test_times_of_every_length(time_ms: int) -> None:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("x", "1", 0.1),)),))
    decoded = block(schema, Scans(0, np.array([time_ms, START_MS]), np.array([[1], [2]])))
    assert [(p[3], p[2]["x"]) for p in read(LineEncoder().encode([decoded]))] == [(time_ms, 0.1), (START_MS, 0.2)]


def test_what_does_not_fit_the_tables_takes_nothing_else_with_it() -> None:
    groups = tuple(ScanGroup(m, "jaw_crusher", 1.0, (Column("x", "1", 0.1),)) for m in ("a", "b", "c"))
    schema = Schema(groups)
    steps = [5, 2**52, -7]
    decoded = block(schema, *(Scans(i, np.array([START_MS]), np.array([[s]])) for i, s in enumerate(steps)))
    points = read(LineEncoder().encode([decoded]))
    assert {p[1]["machine"]: p[2]["x"] for p in points} == {"a": 0.5, "b": 2**52 / 10, "c": -0.7}


def test_one_wide_line_for_a_machine_and_scan() -> None:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, tuple(Column(f"s{i}", "1", 0.1) for i in range(50))),))
    steps = np.arange(100).reshape(2, 50)
    points = read(LineEncoder().encode([block(schema, Scans(0, START_MS + np.arange(2), steps))]))
    assert len(points) == 2
    assert points[1][2] == {f"s{i}": (50 + i) / 10 for i in range(50)}
    tags = {"machine": "jaw", "mineral": "lead", "province": "Isfahan", "site": "Nakhlak", "unit": "pb-01"}
    assert points[0][:2] == ("jaw_crusher", tags)


def test_tags_follow_the_block_not_the_unit() -> None:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("x", "1", 0.1),)),))
    scans = Scans(0, np.array([START_MS]), np.array([[1]]))
    points = read(LineEncoder().encode([block(schema, scans), block(schema, scans, site="", number=2)]))
    assert [p[1].get("site") for p in points] == ["Nakhlak", None]


def test_quality_is_written_where_it_changes_and_at_the_ends_of_a_bad_block() -> None:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("a", "1", 0.1), Column("b", "1", 0.1))),))
    good, bad, stale, absent = Quality.GOOD, Quality.BAD, Quality.STALE, Quality.ABSENT
    of_a = [bad, bad, good, absent, stale, stale, bad, bad]
    quality = np.array([[a, good] for a in of_a], np.uint8)
    decoded = block(schema, Scans(0, START_MS + np.arange(8), np.zeros((8, 2), np.int64), quality))
    points = [p for p in read(LineEncoder().encode([decoded])) if p[0] == "signal_quality"]
    assert {p[1]["signal"] for p in points} == {"a"}
    assert {p[1]["machine"] for p in points} == {"jaw"}
    assert [(p[3] - START_MS, p[2]["code"]) for p in points] == [(0, 0), (2, 192), (4, 500), (6, 0), (7, 0)]


def test_a_scan_without_a_good_value_is_no_line() -> None:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("a", "1", 0.1),)),))
    quality = np.array([[Quality.ABSENT], [Quality.GOOD]], np.uint8)
    lines = LineEncoder().encode([block(schema, Scans(0, START_MS + np.arange(2), np.array([[1], [2]]), quality))])
    assert [p[3] for p in read(lines)] == [START_MS + 1]


def test_nothing_gives_nothing() -> None:
    assert LineEncoder().encode([]) == b""
    assert encode_rollups([]) == b""


def test_rollups_leave_out_what_has_no_values() -> None:
    rows = RollupRows(
        unit="pb-01",
        site="Nakhlak",
        province="Isfahan",
        mineral="lead",
        machine="jaw",
        cls="jaw_crusher",
        step_ms=60_000,
        names=("a", "b c"),
        time_ms=np.array([START_MS, START_MS + 60_000]),
        mean=np.array([[1.5, 0.1], [0.0, np.nan]]),
        low=np.array([[1.0, 0.1], [0.0, np.nan]]),
        high=np.array([[2.0, 0.1], [0.0, np.nan]]),
        count=np.array([[2, 1], [0, 0]]),
        last=np.array([[1.25, 0.1], [0.0, np.nan]]),
    )
    (point,) = read(encode_rollups([rows]))
    assert point[0] == "jaw_crusher_1m"
    assert point[2] == {
        "mean_a": 1.5, "min_a": 1.0, "max_a": 2.0, "last_a": 1.25, "count_a": 2,
        "mean_b c": 0.1, "min_b c": 0.1, "max_b c": 0.1, "last_b c": 0.1, "count_b c": 1,
    }  # fmt: skip
    assert point[3] == START_MS
