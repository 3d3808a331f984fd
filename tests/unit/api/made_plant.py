"""A plant made of phases, and an in-memory history store over it: what judge, replay and HTTP are tested with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.query import Aggregate, Latest, Series, StoreError, Table, empty_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import Query

T0 = 1_795_000_000_000 // 900_000 * 900_000
Phase = tuple[str, int]  # what the plant does, for how many seconds


def made_unit(
    unit_id: str = "mn-01", circuit: str = "manganese", *, grace_s: float = 600.0, target_tph: float | None = None
) -> Unit:
    return unit_from_circuit(
        unit_id=unit_id,
        circuit=circuit,
        site="Venarch",
        province="Qom",
        model="MPU-15",
        comms_grace_s=grace_s,
        target_tph=target_tph,
    )


def values_of(unit: Unit, doing: str) -> dict[SignalRef, float]:
    """Return what the signals that states need show while the plant runs, is slow, has no feed, or is off."""
    roles = unit.roles
    share = {"run": 0.95, "slow": 0.6}.get(doing, 0.0)
    runs, on = doing in {"run", "slow"}, doing != "off"
    span = roles.full_load - roles.no_load
    shown = dict.fromkeys(roles.refs(), 0.0)
    shown[roles.flow] = share * unit.target_tph
    shown[roles.main] = (roles.no_load + 0.7 * span * share) if on else 0.0
    if roles.hopper:
        shown[roles.hopper] = 50.0
    shown |= {ref: float(runs) for ref in roles.upstream}
    shown |= {ref: float(on) for ref in roles.drives}
    shown |= {ref: 1500.0 * on if ref.signal == "engine_speed" else float(on) for ref in roles.energised}
    return shown


class MadeStore:
    """A history store over phases of one or more units; ``silent`` phases leave no readings."""

    def __init__(self) -> None:
        self.series_of: dict[str, dict[SignalRef, tuple[np.ndarray, np.ndarray]]] = {}
        self.down = False
        self.asked = 0
        # Retention: before this only what windows of minutes answer is left.
        self.pruned_ms = 0

    def make(self, unit: Unit, phases: Sequence[Phase], start_ms: int = T0) -> int:
        """Lay out a unit's phases from ``start_ms``; returns when they end."""
        at_ms, total = start_ms, 100.0
        rows: dict[int, dict[SignalRef, float]] = {}
        for doing, seconds in phases:
            shown = values_of(unit, doing)
            for _ in range(seconds):
                total += shown[unit.roles.flow] / 3600
                if doing != "silent":
                    rows[at_ms] = shown | {unit.roles.total: round(total, 3)}
                at_ms += 1000
        times = np.array(list(rows), np.int64)
        self.series_of[unit.id] = {
            ref: (times, np.array([row[ref] for row in rows.values()])) for ref in unit.roles.refs()
        }
        return at_ms

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> Mapping[SignalRef, Series]:
        self.asked += 1
        if self.down:
            raise StoreError("made to be down")
        found = {}
        for ref in refs:
            times, values = self.series_of.get(unit, {}).get(ref, (np.empty(0, np.int64), np.empty(0)))
            first, last = np.searchsorted(times, (start_ms, end_ms))
            found[ref] = Series(times[first:last], values[first:last])
        return found

    def series(self, query: Query) -> Series:
        raw = self.many(query.unit, [query.ref], query.start_ms, query.end_ms)[query.ref]
        if query.table is Table.RAW and query.start_ms < self.pruned_ms:
            kept = raw.time_ms >= self.pruned_ms
            return Series(raw.time_ms[kept], raw.values[kept], complete_from_ms=min(self.pruned_ms, query.end_ms))
        if query.aggregate is Aggregate.RAW or not len(raw):
            return raw if len(raw) else empty_series(query.table)
        window = raw.time_ms // (query.step_ms or 1)
        starts = np.unique(window)
        means = np.array([raw.values[window == w].mean() for w in starts])
        return Series(starts * (query.step_ms or 1), means, query.table)

    def latest(self, unit: str) -> Mapping[SignalRef, Latest]:
        if self.down:
            raise StoreError("made to be down")
        return {
            ref: Latest(int(times[-1]), float(values[-1]))
            for ref, (times, values) in self.series_of.get(unit, {}).items()
            if len(times)
        }
