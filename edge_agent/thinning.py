"""What a full spool gives up first: the detail of old analog signals; never totals, states or the ends of a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.plant.catalogue import SignalKind
from orewatch.telemetry.scan import Scans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.telemetry.schema import ScanGroup, Schema

SPACING_S: Final = (0, 10, 60)
"""Seconds between the scans that remain, by level of thinning; 60 s is still within every signal's hold."""


def thin(schema: Schema, scans: Sequence[Scans], level: int) -> tuple[list[Scans], int]:
    """Return the scans that remain at ``level`` (1 or 2), and how many went.

    Kept are: groups with a totaliser wholly; in others the first and last scan, each change of a
    digital signal or of quality with the scan before it, and one scan in :data:`SPACING_S`.
    """
    kept: list[Scans] = []
    gone = 0
    for s in scans:
        rows = _rows_to_keep(schema.groups[s.group], s, SPACING_S[level] * 1000)
        gone += len(s) - int(rows.sum())
        quality = None if s.quality is None else s.quality[rows]
        kept.append(Scans(s.group, s.time_ms[rows], s.steps[rows], quality))
    return kept, gone


def _rows_to_keep(group: ScanGroup, s: Scans, spacing_ms: int) -> NDArray[np.bool_]:
    n = len(s)
    if any(c.kind is SignalKind.TOTALISER for c in group.columns):
        return np.ones(n, dtype=bool)
    keep = np.zeros(n, dtype=bool)
    keep[[0, -1]] = True
    spaced = s.time_ms // spacing_ms
    keep[1:] |= np.diff(spaced) != 0
    digital = [i for i, c in enumerate(group.columns) if c.kind is SignalKind.DIGITAL]
    changed = np.zeros(n, dtype=bool)
    if digital:
        changed[1:] |= (np.diff(s.steps[:, digital], axis=0) != 0).any(axis=1)
    if s.quality is not None:
        changed[1:] |= (np.diff(s.quality.astype(np.int8), axis=0) != 0).any(axis=1)
    keep |= changed
    keep[:-1] |= changed[1:]
    return keep
