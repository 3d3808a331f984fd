"""Samples to scans: one instant per group, each value quantised to its signal's resolution, once and for all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from orewatch.telemetry.scan import Quality, Scans, quantise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_agent.sources.source import Sample
    from orewatch.telemetry.schema import Schema

NAN = float("nan")


class Conditioner:
    """Turns samples into the scans of one schema.

    A signal that was not read at an instant when others of its group were is ABSENT there; a number
    that is none, or too large for the resolution, is BAD. Samples of no signal of the schema are counted.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.counters: Counter[str] = Counter()

    def scans(self, samples: Iterable[Sample]) -> list[Scans]:
        """Return one :class:`Scans` per group that was read, rows in order of time."""
        where = self._schema.where
        rows: dict[int, dict[int, tuple[list[float], list[int]]]] = {}
        for sample in samples:
            place = where.get(sample.ref)
            if place is None:
                self.counters["unknown_signal"] += 1
                continue
            group, column = place
            instants = rows.setdefault(group, {})
            if sample.time_ms not in instants:
                width = len(self._schema.groups[group].columns)
                instants[sample.time_ms] = ([NAN] * width, [int(Quality.ABSENT)] * width)
            values, quality = instants[sample.time_ms]
            if sample.value is not None and sample.quality is not Quality.BAD:
                values[column] = sample.value
            quality[column] = int(sample.quality if sample.value is not None else Quality.BAD)
        return [self._group(group, rows[group]) for group in sorted(rows)]

    def _group(self, group: int, instants: dict[int, tuple[list[float], list[int]]]) -> Scans:
        times = sorted(instants)
        values = np.array([instants[t][0] for t in times], dtype=np.float64)
        quality = np.array([instants[t][1] for t in times], dtype=np.uint8)
        steps, bad = quantise(self._schema.groups[group], values)
        if bad is not None:
            # What was never read stays ABSENT; what was read and is no number is BAD.
            quality = np.where((bad == Quality.BAD) & (quality != Quality.ABSENT), np.uint8(Quality.BAD), quality)
            self.counters["not_finite"] += int(((bad == Quality.BAD) & np.isfinite(values)).sum())
        return Scans(group, np.array(times, dtype=np.int64), steps, quality if quality.any() else None)
