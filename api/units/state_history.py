"""A unit's states over a span, from the store's raw scans by the same classifier, cached by the hour.

Pace is judged afterwards: what is cached is RUNNING, and :func:`paced` says which of it was underperforming.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from orewatch.plant.classifier import Classifier, classify
from orewatch.plant.evidence_history import evidence_from_series
from orewatch.plant.inputs import nothing_said, spans_of
from orewatch.plant.states import PACED, PRODUCING, UNKNOWN, State, StateReason
from orewatch.plant.stop_codes import StopEffect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore

HOUR_MS = 3_600_000
# Long enough for every latch, for the 15 minutes of STARTUP, and for what holds from before.
WARM_UP_MS = 30 * 60_000
# Hours that end within this may still get blocks in the ordinary way.
SETTLING_MS = 600_000
# Blocks are sealed after a minute; younger scans may be missing still.
UNSEALED_MS = 180_000
# How much of a unit's newest states comes from the live watch rather than from the store.
TAIL_MS = 600_000
MAX_HOURS = 20_000
LONGEST_MS = 32 * 24 * HOUR_MS
_SLOW = (State.UNDERPERFORMING, StateReason.BELOW_TARGET)
_PLAIN = (State.RUNNING, StateReason.PRODUCING)
_EXPLAINED = {
    StopEffect.PLANNED: (State.PLANNED_STOP, StateReason.PLANNED),
    StopEffect.DELAY: (State.PLANNED_STOP, StateReason.CODED),
    StopEffect.FAILURE: (State.BREAKDOWN, StateReason.FAILURE_CODE),
}


class StateHistories:
    """Classified hours. ``late`` may be called from the event loop while a thread computes.

    ``inputs(unit, since_ms)``: what people said of a unit.
    """

    def __init__(self, *, store: HistoryStore | None, inputs: Callable[[str, int], UnitInputs] = nothing_said) -> None:
        self._store = store
        self._inputs = inputs
        self._hours: OrderedDict[tuple[str, int], list[Interval]] = OrderedDict()
        self._lock = threading.Lock()
        self._generation = 0

    def late(self, unit_id: str, first_ms: int, last_ms: int) -> None:
        """History came for a span: what was computed of it, and what its evidence reaches into, is void."""
        with self._lock:
            self._generation += 1
            # Onsets date back, so what comes early in an hour may say something of the one before.
            first_ms, reach = first_ms - SETTLING_MS, last_ms + WARM_UP_MS
            if (reach - first_ms) // HOUR_MS > len(self._hours):
                for key in [k for k in self._hours if k[0] == unit_id and first_ms - HOUR_MS < k[1] <= reach]:
                    del self._hours[key]
                return
            for hour_ms in range(first_ms // HOUR_MS * HOUR_MS, reach + 1, HOUR_MS):
                self._hours.pop((unit_id, hour_ms), None)

    def keep(self, unit_id: str, intervals: Sequence[Interval], start_ms: int, end_ms: int) -> None:
        """Take over states that were classified from the store's scans elsewhere: the whole hours of the span."""
        plain = joined(paced(intervals, ()), [])
        with self._lock:
            for hour_ms in range(-(-start_ms // HOUR_MS) * HOUR_MS, end_ms - SETTLING_MS - HOUR_MS + 1, HOUR_MS):
                self._hours[unit_id, hour_ms] = _cut(plain, hour_ms, hour_ms + HOUR_MS)

    def intervals(self, unit: Unit, start_ms: int, end_ms: int, now_ms: int) -> list[Interval]:
        """Return the states over ``[start_ms, end_ms)``, whole and in order. Blocking; StoreError comes through.

        Spans that may still change are provisional.
        """
        if self._store is None or end_ms <= start_ms:
            return []
        settled_ms = (now_ms - SETTLING_MS) // HOUR_MS * HOUR_MS
        found: list[Interval] = []
        at_ms = start_ms // HOUR_MS * HOUR_MS
        while at_ms < end_ms:
            cached = self._cached(unit.id, at_ms)
            if cached is not None:
                found += cached
                at_ms += HOUR_MS
                continue
            stop_ms = at_ms + HOUR_MS
            while stop_ms < end_ms and self._cached(unit.id, stop_ms) is None:
                stop_ms += HOUR_MS
            # Whole hours, so that they can be kept; of the present one what there is.
            stop_ms = max(at_ms + 1000, min(stop_ms, -(-now_ms // 1000) * 1000))
            found += self._compute(unit, at_ms, stop_ms, settled_ms)
            at_ms = stop_ms
        final_ms = now_ms - UNSEALED_MS
        return [
            replace(one, provisional=(one.end_ms or end_ms) > final_ms)
            for one in joined(_cut(found, start_ms, end_ms), [])
        ]

    def _cached(self, unit_id: str, hour_ms: int) -> list[Interval] | None:
        with self._lock:
            found = self._hours.get((unit_id, hour_ms))
            if found is not None:
                self._hours.move_to_end((unit_id, hour_ms))
            return found

    def _compute(self, unit: Unit, start_ms: int, end_ms: int, settled_ms: int) -> list[Interval]:
        assert self._store is not None  # noqa: S101 - the caller has looked
        generation = self._generation
        from_ms = start_ms - WARM_UP_MS
        # Back-dated onsets need what comes after, too.
        until_ms = end_ms if end_ms > settled_ms else end_ms + SETTLING_MS
        series = self._store.many(unit.id, unit.roles.refs(), from_ms - 60_000, until_ms)
        columns = {ref: (one.time_ms, one.values) for ref, one in series.items()}
        evidence = evidence_from_series(unit, columns, from_ms, until_ms, **spans_of(self._inputs(unit.id, from_ms)))
        intervals = _cut(classify(unit, evidence), start_ms, end_ms)
        with self._lock:
            if generation == self._generation:
                for hour_ms in range(start_ms, min(end_ms, settled_ms) - HOUR_MS + 1, HOUR_MS):
                    self._hours[unit.id, hour_ms] = _cut(intervals, hour_ms, hour_ms + HOUR_MS)
                while len(self._hours) > MAX_HOURS:
                    self._hours.popitem(last=False)
        return intervals


def _cut(intervals: Sequence[Interval], start_ms: int, end_ms: int) -> list[Interval]:
    cut = []
    for one in intervals:
        first, last = max(one.start_ms, start_ms), min(one.end_ms or end_ms, end_ms)
        if first < last:
            cut.append(replace(one, start_ms=first, end_ms=last))
    return cut


def joined(first: Sequence[Interval], second: Sequence[Interval]) -> list[Interval]:
    """Return both in one list, neighbours of the same state and reason as one interval."""
    merged: list[Interval] = []
    for one in (*first, *second):
        last = merged[-1] if merged else None
        if last is not None and (last.state, last.reason, last.end_ms) == (one.state, one.reason, one.start_ms):
            merged[-1] = replace(last, end_ms=one.end_ms, provisional=one.provisional)
        else:
            merged.append(one)
    return merged


def paced(intervals: Sequence[Interval], below: Sequence[tuple[int, int]]) -> list[Interval]:
    """Return the intervals, what ran within ``below`` (spans in ms) as underperforming, all else as running."""
    told: list[Interval] = []
    for one in intervals:
        if one.state not in PACED or one.end_ms is None:
            told.append(one)
            continue
        edges = sorted({one.start_ms, one.end_ms, *(at for span in below for at in span)})
        for start_ms, end_ms in pairwise(at for at in edges if one.start_ms <= at <= one.end_ms):
            slow = any(first <= start_ms < last for first, last in below)
            state, reason = _SLOW if slow else _PLAIN
            told.append(replace(one, state=state, reason=reason, start_ms=start_ms, end_ms=end_ms))
    return told


def explained(intervals: Sequence[Interval], said: UnitInputs) -> list[Interval]:
    """Return live intervals as people explained them since: the watch heard of it later than it happened."""
    told: list[Interval] = []
    for one in intervals:
        if one.state in PRODUCING or one.state in UNKNOWN or one.end_ms is None:
            told.append(one)
            continue
        edges = {at for stop in said.stops for at in (stop.start_ms, stop.end_ms) if at is not None}
        cuts = sorted({one.start_ms, one.end_ms, *(at for at in edges if one.start_ms < at < one.end_ms)})
        for start_ms, end_ms in pairwise(cuts):
            part = replace(one, start_ms=start_ms, end_ms=end_ms)
            stop = said.stop_at(start_ms)
            if stop is not None and one.state is not State.BREAKDOWN:
                state, reason = _EXPLAINED[stop.effect]
                part = replace(part, state=state, reason=reason)
            told.append(part)
    return joined(told, [])


def live_tail(classifier: Classifier, number: int, start_ms: int, end_ms: int) -> list[Interval]:
    """Return what the live watch knows of a span. It is provisional: values are held up to their longest silence."""
    if start_ms >= end_ms:
        return []
    return [
        replace(one, end_ms=one.end_ms or end_ms, provisional=True)
        for one in classifier.intervals(number, start_ms, end_ms)
        if one.reason is not StateReason.LEARNING
    ]
