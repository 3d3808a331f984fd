"""What is accepted, quarantined, rejected, and why."""

from __future__ import annotations

import math

import pytest

from orewatch.telemetry.acceptance import (
    ACCEPTED,
    Acceptance,
    Ground,
    claimed_identity,
    judge_header,
    judge_time,
    judge_value,
    open_block,
    open_header,
)
from orewatch.telemetry.block import read_header
from tests.contracts.history_harness import SCHEMA, START_MS, block, jaw

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("time_ms", "ground"),
    [
        (0, Ground.TOO_OLD),
        (-1, Ground.TOO_OLD),
        (946_684_800_000, Ground.TOO_OLD),
        (START_MS - 1000 * DAY_MS, Ground.NONE),
        (START_MS, Ground.NONE),
        (START_MS + DAY_MS, Ground.NONE),
        (START_MS + DAY_MS + 1, Ground.AHEAD),
        (2**32 * 1000, Ground.AHEAD),
        (2**63 - 1, Ground.AHEAD),
    ],
)
def test_times(time_ms: int, ground: Ground) -> None:
    assert judge_time(time_ms, START_MS) is ground


@pytest.mark.parametrize(
    ("value", "ground"),
    [
        (1, Ground.NONE),
        (True, Ground.NONE),
        (-0.5, Ground.NONE),
        (math.nan, Ground.NOT_FINITE),
        (math.inf, Ground.NOT_FINITE),
        ("1", Ground.NOT_NUMERIC),
        (None, Ground.NOT_NUMERIC),
        (b"1", Ground.NOT_NUMERIC),
    ],
)
def test_values(value: object, ground: Ground) -> None:
    assert judge_value(value) is ground


def test_headers() -> None:
    good = read_header(block(1, jaw(START_MS, 3)).data)
    assert judge_header(good, node="pb-01", received_ms=START_MS) == ACCEPTED
    other = judge_header(good, node="zn-01", received_ms=START_MS)
    assert (other.acceptance, other.ground) == (Acceptance.REJECT, "other_unit")
    assert "pb-01" in other.detail
    late = judge_header(good, node="pb-01", received_ms=START_MS - 2 * DAY_MS)
    assert (late.acceptance, late.ground) == (Acceptance.QUARANTINE, "time_in_future")
    long = read_header(block(1, jaw(START_MS, 2), jaw(START_MS + 2 * DAY_MS, 2)).data)
    assert judge_header(long, node="pb-01", received_ms=START_MS + 2 * DAY_MS).ground == "span_too_long"


def test_bodies() -> None:
    data = block(1, jaw(START_MS, 3)).data
    assert len(open_block(data, SCHEMA)[0]) == 1
    other = type(SCHEMA)(SCHEMA.groups[:1])
    scans, judgement = open_block(data, other)
    assert (scans, judgement.acceptance, judgement.ground) == ([], Acceptance.REJECT, "wrong_schema")


def test_damage() -> None:
    data = block(7, jaw(START_MS, 3)).data
    assert claimed_identity(data) == (b"s" * 16, 7)
    assert claimed_identity(data[:40]) == (b"s" * 16, 7)
    assert claimed_identity(data[:20]) is None
    assert claimed_identity(b"x" * 99) is None
    header, judgement = open_header(data[:-1])
    assert header is None
    assert judgement.ground == "checksum"
