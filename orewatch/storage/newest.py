"""The newest reading of every signal, by event time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.query import Latest
from orewatch.telemetry.scan import Quality, physical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.storage.projection import DecodedBlock
    from orewatch.telemetry.scan import Scans


def bearing_news(blocks: Sequence[DecodedBlock]) -> list[DecodedBlock]:
    """Return, in the same order, the blocks that may hold a newest reading: most of a backlog does not."""
    covered: dict[tuple[str, bytes], int] = {}
    for block in blocks:
        whole = len(block.scans) == len(block.schema.groups) and all(s.quality is None for s in block.scans)
        if whole:
            key = (block.header.unit, block.header.schema)
            covered[key] = max(covered.get(key, 0), block.header.first_ms)
    return [b for b in blocks if b.header.last_ms >= covered.get((b.header.unit, b.header.schema), 0)]


def merge_newest(newest: dict[SignalRef, Latest], block: DecodedBlock) -> None:
    """Let a block's readings replace those in ``newest`` that are not newer; ABSENT ones say nothing."""
    for scans in block.scans:
        group = block.schema.groups[scans.group]
        rows = _newest_rows(scans)
        taken = scans.steps[np.maximum(rows, 0), np.arange(len(rows))]
        values = physical(group, taken[None, :])[0]
        for at, (row, column) in enumerate(zip(rows, group.columns, strict=True)):
            if row < 0:
                continue
            ref = SignalRef(group.machine, column.name)
            time_ms = int(scans.time_ms[row])
            known = newest.get(ref)
            if known is not None and known.time_ms > time_ms:
                continue
            quality = Quality.GOOD if scans.quality is None else Quality(int(scans.quality[row, at]))
            value = float(values[at])
            if quality is Quality.GOOD and not np.isfinite(value):
                quality = Quality.BAD
            newest[ref] = Latest(time_ms, value if quality is Quality.GOOD else None, quality)


def _newest_rows(scans: Scans) -> list[int]:
    """Return, per column, the row of the newest reading that is not ABSENT; -1 where there is none."""
    width = scans.steps.shape[1]
    # Of equal times the later row counts.
    newest = len(scans) - 1 - int(np.argmax(scans.time_ms[::-1]))
    if scans.quality is None or not (scans.quality[newest] == Quality.ABSENT).any():
        return [newest] * width
    rows = []
    for at in range(width):
        usable = np.flatnonzero(scans.quality[:, at] != Quality.ABSENT)
        if not len(usable):
            rows.append(-1)
            continue
        times = scans.time_ms[usable]
        rows.append(int(usable[len(times) - 1 - int(np.argmax(times[::-1]))]))
    return rows
