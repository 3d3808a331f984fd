"""Reads DATA whose bytes differ only in numbers and times from a message seen before, all metrics at once.

A node that reports the same doubles again and again sends payloads in which every other byte stands
still. Comparing those bytes and gathering the rest with numpy costs a quarter of parsing the message
field by field. Whatever differs in any other byte is left to the ordinary way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TIME_BYTES = 6  # of a varint of milliseconds between 1971 and 2109
_VALUE_BYTES = 8
_MORE = 0x80
_WEIGHTS = (128.0 ** np.arange(_TIME_BYTES)).reshape(_TIME_BYTES, 1)

# Tags: field number << 3 | wire type.
_TIMESTAMP, _METRIC, _SEQ = 0x08, 0x12, 0x18
_ALIAS, _METRIC_TIME, _DOUBLE = 0x10, 0x18, 0x69


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where a payload of ``count`` doubles has its numbers; ``fixed`` the other bits, ``mask`` which they are."""

    count: int
    fixed: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    values_at: NDArray[np.intp]
    times_at: NDArray[np.intp]
    seq_at: int

    def seq(self, raw: bytes) -> int:
        """The sequence number of a payload that fits."""
        number = raw[self.seq_at]
        return number if number < _MORE else number & 0x7F | raw[-1] << 7

    def read(self, raw: bytes) -> tuple[list[float], list[int]] | None:
        """Values and times (ms) of a payload of the same length; None where it does not fit."""
        data = np.frombuffer(raw, np.uint8)
        if ((data ^ self.fixed) & self.mask).any():
            return None
        values = data[self.values_at].view("<f8")
        digits = (data[self.times_at] & 0x7F).reshape(self.count, _TIME_BYTES)
        times = digits.astype(np.float64) @ _WEIGHTS  # exact: below 2**53
        return values.tolist(), times[:, 0].astype(np.int64).tolist()


def learn(raw: bytes) -> Pattern | None:
    """Make a pattern of a payload; None where it holds anything but doubles by alias, each with its time."""
    mask = bytearray(b"\xff" * len(raw))
    values: list[int] = []
    times: list[int] = []
    at = _time(raw, 0, _TIMESTAMP, mask)
    while at and raw[at : at + 1] == bytes([_METRIC]):
        end = at + 2 + raw[at + 1] if len(raw) > at + 1 else 0
        at = _time(raw, _varint(raw, at + 2, _ALIAS), _METRIC_TIME, mask)
        if not at or raw[at : at + 1] != bytes([_DOUBLE]) or at + 1 + _VALUE_BYTES != end:
            return None
        times.append(at - _TIME_BYTES)
        values.append(at + 1)
        mask[at + 1 : end] = bytes(_VALUE_BYTES)
        at = end
    seq_at = at + 1
    if not values or _varint(raw, at, _SEQ) != len(raw) or len(raw) - seq_at > 2:  # noqa: PLR2004 - up to 255
        return None
    mask[seq_at:] = bytes([_MORE]) * (len(raw) - seq_at)
    return Pattern(
        count=len(values),
        fixed=np.frombuffer(raw, np.uint8),
        mask=np.frombuffer(bytes(mask), np.uint8),
        values_at=(np.array(values)[:, None] + np.arange(_VALUE_BYTES)).ravel(),
        times_at=(np.array(times)[:, None] + np.arange(_TIME_BYTES)).ravel(),
        seq_at=seq_at,
    )


def _varint(raw: bytes, at: int, tag: int) -> int:
    """Where the varint field ``tag`` at ``at`` ends; 0 where there is none."""
    if not at or raw[at : at + 1] != bytes([tag]):
        return 0
    for place in range(at + 1, min(at + 11, len(raw))):
        if raw[place] < _MORE:
            return place + 1
    return 0


def _time(raw: bytes, at: int, tag: int, mask: bytearray) -> int:
    """The end of a field that holds a time of the present; its digits are let free in ``mask``."""
    end = at + 1 + _TIME_BYTES
    if (not at and tag != _TIMESTAMP) or raw[at : at + 1] != bytes([tag]) or len(raw) < end or raw[end - 1] >= _MORE:
        return 0
    if any(byte < _MORE for byte in raw[at + 1 : end - 1]):
        return 0
    mask[at + 1 : end] = bytes([_MORE]) * _TIME_BYTES
    return end
