"""History through the same judge: the store's raw scans, in event time, unit by unit side by side."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from api.live.paces import CHUNK_MS
from orewatch.plant.evidence import Evidence
from orewatch.plant.evidence_history import evidence_from_series
from orewatch.plant.inputs import nothing_said, spans_of
from orewatch.plant.performance import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from api.alerting.engine import Mode
    from api.live.judge import Judge
    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore, Series

    Columns = tuple[NDArray[np.int64], NDArray[np.float64]]

READ_MS = 3_600_000
# Readings before a span that still hold in it: three periods of the slowest signal that decides.
LEAD_MS = 60_000


def replay(
    judge: Judge,
    store: HistoryStore,
    end_ms: int,
    *,
    recorded_ms: int,
    mode: Mode,
    below: Callable[[str], bool],
    inputs: Callable[[str, int], UnitInputs] = nothing_said,
) -> Iterator[int]:
    """Judge from where the judge stands to ``end_ms``; yields the time reached after each chunk.

    ``below``: whether a unit counts as underperforming now; ``inputs(unit, since_ms)``: what people said.
    StoreError comes through.
    """
    while judge.now_ms < end_ms:
        read_end_ms = min(end_ms, judge.now_ms + READ_MS)
        series = [_read(store, unit, judge.now_ms, read_end_ms) for unit in judge.units]
        while judge.now_ms < read_end_ms:
            start_ms = judge.now_ms
            # Steps end where quarters are judged, so that a verdict takes effect where it would have live.
            stop_ms = min(read_end_ms, (start_ms - CHUNK_MS) // WINDOW_MS * WINDOW_MS + WINDOW_MS + CHUNK_MS)
            said = [inputs(unit.id, start_ms) for unit in judge.units]
            evidence = [
                _evidence(unit, own, start_ms, stop_ms, below=below(unit.id), said=one)
                for unit, own, one in zip(judge.units, series, said, strict=True)
            ]
            for number, one in enumerate(said):
                flags = one.flags(stop_ms - 1)
                judge.coded(number, flags.coded and not flags.planned)
            totals = {
                number: _between(own[unit.roles.total], start_ms, stop_ms)
                for number, (unit, own) in enumerate(zip(judge.units, series, strict=True))
            }
            judge.advance(
                side_by_side(evidence),
                {n: columns for n, columns in totals.items() if len(columns[0])},
                recorded_ms=recorded_ms,
                mode=mode,
            )
            yield judge.now_ms


def side_by_side(evidence: Sequence[Evidence]) -> Evidence:
    """Join evidence [T, 1] of several units into [T, U]."""
    columns = {
        f.name: np.concatenate([getattr(one, f.name) for one in evidence], axis=1)
        for f in fields(Evidence)
        if f.name != "time_ms"
    }
    return Evidence(time_ms=evidence[0].time_ms, **columns)


def _read(store: HistoryStore, unit: Unit, start_ms: int, end_ms: int) -> Mapping[SignalRef, Columns]:
    found: Mapping[SignalRef, Series] = store.many(unit.id, unit.roles.refs(), start_ms - LEAD_MS, end_ms)
    return {ref: (series.time_ms, series.values) for ref, series in found.items()}


def _evidence(
    unit: Unit, series: Mapping[SignalRef, Columns], start_ms: int, end_ms: int, *, below: bool, said: UnitInputs
) -> Evidence:
    near = {ref: _between(columns, start_ms - LEAD_MS, end_ms) for ref, columns in series.items()}
    spans = [(start_ms, end_ms)] if below else []
    return evidence_from_series(unit, near, start_ms, end_ms, underperforming=spans, **spans_of(said))


def _between(columns: Columns, start_ms: int, end_ms: int) -> Columns:
    time_ms, values = columns
    first, last = np.searchsorted(time_ms, (start_ms, end_ms))
    return time_ms[first:last], values[first:last]
