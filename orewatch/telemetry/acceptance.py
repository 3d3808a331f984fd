"""What is accepted, quarantined, rejected, and why.

A block whose times cannot be true is quarantined: its bytes are sound and people may release it, but history
must not hold a scan of 1970 or 2106. What can never be read is rejected. Times are judged against the time of
receipt and nothing else: a late block is welcome, however late it is.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from orewatch.telemetry.block import BlockError, decode_block, read_header

if TYPE_CHECKING:
    from orewatch.telemetry.block import BlockHeader
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema

# 2020-01-01: no scan can be older than the system; gateways without a clock battery start in 1970 or 2000.
EARLIEST_MS: Final = 1_577_836_800_000
DAY_MS: Final = 86_400_000
# A clock that runs a day ahead is a wrong time zone or worse; less is told by CLOCK_BAD and kept.
MAX_AHEAD_MS: Final = DAY_MS
MAX_SPAN_MS: Final = DAY_MS
_IDENTITY: Final = struct.Struct("<4sBBH16sQ")
_MAGIC: Final = b"OWBK"


class Acceptance(StrEnum):
    """What is done with it."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Ground(StrEnum):
    """Why something was not accepted. Blocks that cannot be read carry the block fault's own word instead."""

    NONE = ""
    TOO_OLD = "time_before_2020"
    AHEAD = "time_in_future"
    SPAN = "span_too_long"
    NOT_FINITE = "not_finite"
    NOT_NUMERIC = "not_numeric"
    TOO_MANY = "too_many_metrics"
    OTHER_UNIT = "other_unit"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its ground and, for people, the figures."""

    acceptance: Acceptance
    ground: str = Ground.NONE.value
    detail: str = ""


ACCEPTED: Final = Judgement(Acceptance.ACCEPT)


def judge_time(time_ms: int, received_ms: int) -> Ground:
    """Return the ground on which one time of reading cannot be true, or NONE. Both in ms UTC."""
    if time_ms < EARLIEST_MS:
        return Ground.TOO_OLD
    if time_ms > received_ms + MAX_AHEAD_MS:
        return Ground.AHEAD
    return Ground.NONE


def judge_value(value: object) -> Ground:
    """Return the ground on which a foreign metric's value cannot be recorded, or NONE."""
    if not isinstance(value, bool | int | float):
        return Ground.NOT_NUMERIC
    if not math.isfinite(value):
        return Ground.NOT_FINITE
    return Ground.NONE


def judge_header(header: BlockHeader, *, node: str, received_ms: int) -> Judgement:
    """Judge a block by its header: whether it is ``node``'s own, and whether its times can be true."""
    if header.unit != node:
        return Judgement(
            Acceptance.REJECT, Ground.OTHER_UNIT.value, f"block of unit {header.unit!r} sent by node {node!r}"
        )
    span = f"{header.first_ms}..{header.last_ms}, received {received_ms}"
    for time_ms in (header.first_ms, header.last_ms):
        ground = judge_time(time_ms, received_ms)
        if ground is not Ground.NONE:
            return Judgement(Acceptance.QUARANTINE, ground.value, span)
    if header.last_ms - header.first_ms > MAX_SPAN_MS:
        return Judgement(Acceptance.QUARANTINE, Ground.SPAN.value, span)
    return ACCEPTED


def open_block(data: bytes, schema: Schema) -> tuple[list[Scans], Judgement]:
    """Decode a block whose header was accepted; no scans and a rejection where its body is not what it says."""
    try:
        return decode_block(data, schema), ACCEPTED
    except BlockError as error:
        return [], Judgement(Acceptance.REJECT, error.fault.value, str(error))


def open_header(data: bytes) -> tuple[BlockHeader | None, Judgement]:
    """Read a block's header; None and a rejection where the bytes are no sound block."""
    try:
        return read_header(data), ACCEPTED
    except BlockError as error:
        return None, Judgement(Acceptance.REJECT, error.fault.value, str(error))


def claimed_identity(data: bytes) -> tuple[bytes, int] | None:
    """Return the spool and number that damaged bytes claim, or None. Enough to acknowledge, not to believe."""
    if len(data) < _IDENTITY.size or data[:4] != _MAGIC:
        return None
    _, _, _, _, spool, number = _IDENTITY.unpack_from(data)
    return spool, number
