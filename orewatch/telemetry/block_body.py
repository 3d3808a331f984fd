"""The body of a block: columns as integer deltas, before compression.

Per group a row of times (second differences: scans come at a steady pace) and a row per signal
(first differences in steps). All differences of the block are zigzagged and laid in one stream of
bytes, 255 standing for «see the next stream»; the rare large ones follow as 16 and then as 64
bits. Signals without a resolution keep their float64 bits, XORed with the one before and
shuffled by byte. Quality is there only for groups that have other than GOOD values.

Layout, little-endian::

    groups u16 | per group: number u16, rows u32, has-quality u8 | wide u32 | huge u32
    | differences u8[...] | wide u16[...] | huge u64[...] | float bytes | quality u8[...]
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.telemetry.scan import Quality, Scans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.telemetry.schema import Schema

_COUNT: Final = struct.Struct("<H")
_ESCAPES: Final = struct.Struct("<II")
_GROUP: Final = np.dtype([("group", "<u2"), ("rows", "<u4"), ("quality", "u1")])
_BYTE: Final = 255
_WORD: Final = 65_535


class BodyError(ValueError):
    """A body does not hold what its schema and counts say."""


def _joined(scans: Sequence[Scans]) -> list[Scans]:
    """Join scans of the same group, in the order given."""
    parts: dict[int, list[Scans]] = {}
    for part in scans:
        parts.setdefault(part.group, []).append(part)
    joined = []
    for group in sorted(parts):
        same = parts[group]
        if len(same) == 1:
            joined.append(same[0])
            continue
        quality = None
        if any(s.quality is not None for s in same):
            quality = np.concatenate(
                [np.zeros(s.steps.shape, np.uint8) if s.quality is None else s.quality for s in same]
            )
        times = np.concatenate([s.time_ms for s in same])
        joined.append(Scans(group, times, np.concatenate([s.steps for s in same]), quality))
    return joined


def _filled(scans: Scans) -> NDArray[np.int64]:
    """Return the steps, BAD and ABSENT ones replaced by the one before: they say nothing and cost nothing."""
    if scans.quality is None:
        return scans.steps
    blank = (scans.quality == Quality.BAD) | (scans.quality == Quality.ABSENT)
    row = np.where(blank, 0, np.arange(len(scans))[:, None])
    np.maximum.accumulate(row, axis=0, out=row)
    filled = np.take_along_axis(scans.steps, row, axis=0)
    filled[np.logical_and.accumulate(blank, axis=0)] = 0
    return filled


def pack_body(schema: Schema, scans: Sequence[Scans], first_ms: int) -> bytes:
    """Return the body of these scans; ``first_ms`` is the earliest time among them."""
    joined = _joined(scans)
    differences: list[NDArray[np.int64]] = []
    floats: list[bytes] = []
    quality: list[bytes] = []
    index = np.empty(len(joined), _GROUP)
    for place, part in enumerate(joined):
        if part.steps.shape != (len(part), len(schema.groups[part.group].columns)):
            raise ValueError(f"scans: shape {part.steps.shape} of group {part.group} is not the schema's")
        index[place] = (part.group, len(part), part.quality is not None)
        steps = _filled(part)
        float_columns = schema.float_columns[part.group]
        if float_columns:
            bits = np.ascontiguousarray(steps[:, float_columns].T)
            bits[:, 1:] ^= bits[:, :-1].copy()
            floats.append(np.ascontiguousarray(bits.view(np.uint8).reshape(-1, 8).T).tobytes())
            steps = np.delete(steps, float_columns, axis=1)
        rows = np.empty((steps.shape[1] + 1, len(part)), np.int64)
        rows[0] = np.diff(part.time_ms, prepend=first_ms)
        rows[0, 2:] -= rows[0, 1:-1].copy()
        rows[1:, 0] = steps[0]
        np.subtract(steps[1:].T, steps[:-1].T, out=rows[1:, 1:])
        differences.append(rows.ravel())
        if part.quality is not None:
            quality.append(np.ascontiguousarray(part.quality.T).tobytes())
    flat = np.concatenate(differences)
    zigzag = ((flat << 1) ^ (flat >> 63)).view(np.uint64)
    wide = zigzag[zigzag >= _BYTE]
    huge = wide[wide >= _WORD]
    return b"".join(
        (
            _COUNT.pack(len(joined)),
            index.tobytes(),
            _ESCAPES.pack(len(wide), len(huge)),
            np.minimum(zigzag, _BYTE).astype(np.uint8).tobytes(),
            np.minimum(wide, _WORD).astype("<u2").tobytes(),
            huge.astype("<u8").tobytes(),
            *floats,
            *quality,
        )
    )


class _Reader:
    """Walks over a body; never past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> memoryview:
        end = self._at + count
        if end > len(self._data):
            raise BodyError(f"{len(self._data)} bytes, needs {end}")
        part = memoryview(self._data)[self._at : end]
        self._at = end
        return part

    def finish(self) -> None:
        if self._at != len(self._data):
            raise BodyError(f"{len(self._data) - self._at} bytes too many")


def unpack_body(schema: Schema, body: bytes, first_ms: int) -> list[Scans]:
    """Return the scans of a body; :class:`BodyError` where it does not hold what it should."""
    reader = _Reader(body)
    (count,) = _COUNT.unpack(reader.take(_COUNT.size))
    index = [(int(g), int(n), bool(q)) for g, n, q in np.frombuffer(reader.take(count * _GROUP.itemsize), _GROUP)]
    numbers = [g for g, _, _ in index]
    if any(g >= len(schema.groups) or not n for g, n, _ in index) or len(set(numbers)) != count:
        raise BodyError("groups are not those of the schema")
    float_columns = {g: schema.float_columns[g] for g in numbers}
    widths = {g: len(schema.groups[g].columns) for g in numbers}
    n_wide, n_huge = _ESCAPES.unpack(reader.take(_ESCAPES.size))
    total = sum(n * (widths[g] - len(float_columns[g]) + 1) for g, n, _ in index)
    lengths = [n for g, n, _ in index for _ in range(widths[g] - len(float_columns[g]) + 1)]
    flat = _row_sums(_differences(reader, total, n_wide, n_huge), np.array(lengths, np.int64))
    bits = {g: _float_bits(reader.take(8 * n * len(float_columns[g])), n) for g, n, _ in index if float_columns[g]}
    scans = []
    at = 0
    for g, n, has_quality in index:
        integers = widths[g] - len(float_columns[g])
        rows = flat[at : at + n * (integers + 1)].reshape(integers + 1, n)
        at += rows.size
        # Of times, differences of differences are kept, and the first difference was taken against first_ms.
        start_ms = int(rows[0, 0])
        time_ms = (rows[0] - start_ms).cumsum() + (start_ms + first_ms)
        steps = rows[1:].T
        if float_columns[g]:
            whole = np.empty((n, widths[g]), np.int64)
            whole[:, float_columns[g]] = bits[g].T
            whole[:, [c for c in range(widths[g]) if c not in float_columns[g]]] = steps
            steps = whole
        quality = None
        if has_quality:
            quality = np.frombuffer(reader.take(n * widths[g]), np.uint8).reshape(widths[g], n).T
            if quality.max() > max(Quality):
                raise BodyError(f"quality {quality.max()}")
            steps = np.where((quality == Quality.BAD) | (quality == Quality.ABSENT), 0, steps)
        scans.append(Scans(g, time_ms, steps, quality))
    reader.finish()
    return scans


def _differences(reader: _Reader, total: int, n_wide: int, n_huge: int) -> NDArray[np.int64]:
    small = np.frombuffer(reader.take(total), np.uint8)
    wide = np.frombuffer(reader.take(2 * n_wide), "<u2")
    huge = np.frombuffer(reader.take(8 * n_huge), "<u8")
    zigzag = small.astype(np.uint64)
    escaped = np.flatnonzero(small == _BYTE)
    escaped_wide = np.flatnonzero(wide == _WORD)
    if len(escaped) != n_wide or len(escaped_wide) != n_huge:
        raise BodyError("escapes do not match their streams")
    if n_wide:
        widened = wide.astype(np.uint64)
        widened[escaped_wide] = huge
        zigzag[escaped] = widened
    return (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)


def _row_sums(flat: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the running sums of each row of ``flat``, rows of these lengths one after the other: one pass for all."""
    sums = flat.cumsum()
    ends = lengths.cumsum()
    before = np.concatenate(([0], sums[ends[:-1] - 1])) if len(ends) else ends
    sums -= before.repeat(lengths)
    return sums


def _float_bits(data: memoryview, rows: int) -> NDArray[np.int64]:
    shuffled = np.frombuffer(data, np.uint8).reshape(8, -1)
    bits = np.ascontiguousarray(shuffled.T).view(np.int64).reshape(-1, rows)
    return np.bitwise_xor.accumulate(bits, axis=1)
