"""Scans as plain bytes, for the few seconds until they are sealed into a block: quick to write, not small."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.telemetry.scan import Scans

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD: Final = struct.Struct("<HIHB")


def pack_scans(scans: Sequence[Scans]) -> bytes:
    """Return the bytes that :func:`unpack_scans` reads."""
    parts: list[bytes] = []
    for s in scans:
        n, k = s.steps.shape
        parts += (_HEAD.pack(s.group, n, k, s.quality is not None), s.time_ms.tobytes(), s.steps.tobytes())
        if s.quality is not None:
            parts.append(s.quality.tobytes())
    return b"".join(parts)


def unpack_scans(data: bytes) -> list[Scans]:
    """Read :func:`pack_scans`; ValueError where the bytes end too early."""
    out: list[Scans] = []
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise ValueError(f"open scans: {len(data) - at} bytes left over")
        group, n, k, has_quality = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        time_ms = np.frombuffer(data, np.int64, n, at)
        at += 8 * n
        steps = np.frombuffer(data, np.int64, n * k, at).reshape(n, k)
        at += 8 * n * k
        quality = None
        if has_quality:
            quality = np.frombuffer(data, np.uint8, n * k, at).reshape(n, k)
            at += n * k
        out.append(Scans(group, time_ms, steps, quality))
    return out
