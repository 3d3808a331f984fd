"""Scans: a machine's signals at one instant, with quality.

Values are integers, counts of the signal's resolution, from the moment they are read: what the
page shows, the spool keeps and the store answers is then the same number. A column without a
resolution holds the bits of a float64 instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.telemetry.schema import ScanGroup


class Quality(IntEnum):
    """What is known of one value. Absent (not read) is not the same as unchanged."""

    GOOD = 0
    BAD = 1
    STALE = 2
    ABSENT = 3


SPARKPLUG_QUALITY = {Quality.GOOD: 192, Quality.BAD: 0, Quality.STALE: 500, Quality.ABSENT: 500}


@dataclass(frozen=True, slots=True)
class Scans:
    """Scans of one group, ``n`` instants of ``k`` signals.

    ``time_ms`` int64[n], milliseconds since 1970 UTC by the edge's clock, in the order they were read;
    ``steps`` int64[n, k]; ``quality`` uint8[n, k] or None where every value is GOOD.
    """

    group: int
    time_ms: NDArray[np.int64]
    steps: NDArray[np.int64]
    quality: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.time_ms)


def quantise(group: ScanGroup, values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.uint8] | None]:
    """Turn physical ``values`` float64[n, k] into steps int64[n, k] and quality (None: all GOOD).

    NaN and infinities, and values too large for the resolution, become BAD with step 0.
    """
    steps = np.empty(values.shape, dtype=np.int64)
    bad = ~np.isfinite(values)
    for column, spec in enumerate(group.columns):
        if spec.resolution is None:
            steps[:, column] = np.ascontiguousarray(values[:, column]).view(np.int64)
            continue
        # Division by the inverse keeps decimal resolutions exact: 0.1 has none, 10 has.
        inverse = round(1 / spec.resolution) if spec.resolution < 1 else 0
        exact = inverse and abs(inverse * spec.resolution - 1) < 1e-12  # noqa: PLR2004 - rounding of the division
        scaled = values[:, column] * inverse if exact else values[:, column] / spec.resolution
        over = np.abs(scaled) > 2**52
        bad[:, column] |= over
        steps[:, column] = np.where(bad[:, column], 0, np.rint(np.where(bad[:, column], 0, scaled)))
    if not bad.any():
        return steps, None
    steps[bad] = 0
    return steps, np.where(bad, np.uint8(Quality.BAD), np.uint8(Quality.GOOD))


def physical(group: ScanGroup, steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Turn ``steps`` int64[n, k] back into physical values float64[n, k], each the decimal nearest to its step."""
    out = np.empty(steps.shape, dtype=np.float64)
    for column, spec in enumerate(group.columns):
        if spec.resolution is None:
            out[:, column] = np.ascontiguousarray(steps[:, column]).view(np.float64)
            continue
        inverse = round(1 / spec.resolution) if spec.resolution < 1 else 0
        if inverse and abs(inverse * spec.resolution - 1) < 1e-12:  # noqa: PLR2004 - as in quantise
            out[:, column] = steps[:, column] / inverse
        else:
            out[:, column] = steps[:, column] * spec.resolution
    return out
