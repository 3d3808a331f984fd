"""What the scale of a unit says of each minute: tonnes, flow, and for how long it has been silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orewatch.plant.evidence import hold_on_change
from orewatch.plant.totaliser import CounterEvent, accept, by_epoch, rule_for
from orewatch.storage.query import HOUR_MS, MINUTE_MS, Aggregate, Query

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore

BEFORE_MS = 900_000
# A unit that was silent for longer begins to be weighed anew.
FURTHEST_MS = 7 * 24 * HOUR_MS
_NOTHING = {CounterEvent.FIRST, CounterEvent.BAD, CounterEvent.IMPLAUSIBLE}


class Scans(NamedTuple):
    """Readings of flow and totaliser, times int64[n] (ms, ascending) and values float64[n]."""

    flow_ms: NDArray[np.int64]
    flow: NDArray[np.float64]
    total_ms: NDArray[np.int64]
    total: NDArray[np.float64]


def read_scans(store: HistoryStore, unit: Unit, start_ms: int, end_ms: int) -> Scans:
    """Return the scans of ``[start_ms, end_ms)``, and before it as far as the first minute needs. Blocking; StoreError.

    Where the unit was silent before, the counter's last reading comes from the rollups.
    """
    flow_ref, total_ref = unit.roles.flow, unit.roles.total
    found = store.many(unit.id, [flow_ref, total_ref], start_ms - BEFORE_MS, end_ms)
    flow, total = found[flow_ref], found[total_ref]
    total_ms, values = total.time_ms, total.values
    if not len(total_ms) or total_ms[0] >= start_ms:
        first_ms = (start_ms - FURTHEST_MS) // HOUR_MS * HOUR_MS
        last_ms = start_ms // HOUR_MS * HOUR_MS
        before = store.series(
            Query(
                unit=unit.id,
                ref=total_ref,
                start_ms=first_ms,
                end_ms=last_ms,
                step_ms=HOUR_MS,
                aggregate=Aggregate.MAX,
            )
        )
        if len(before):
            total_ms = np.append(before.time_ms[-1:] + (HOUR_MS - 1), total_ms)
            values = np.append(before.values[-1:], values)
    return Scans(flow.time_ms, flow.values, total_ms, values)


def minute_tonnes(scans: Scans, unit: Unit, said: UnitInputs, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """Return dry tonnes of each minute of ``[start_ms, end_ms)``, float64[k]; NaN where nothing was weighed.

    What rose over a silence belongs to the minute in which the unit is heard again, so that sums are right.
    """
    minutes = (end_ms - start_ms) // MINUTE_MS
    tonnes = np.full(minutes, np.nan)
    inside = scans.total_ms < start_ms + minutes * MINUTE_MS
    times, values = scans.total_ms[inside], scans.total[inside]
    if not len(times):
        return tonnes
    # By the minute: only over a while can the drift of a scale be told from ore.
    kept = np.append(np.diff(times // MINUTE_MS) > 0, True)
    # Of the first minute its beginning, too: nothing was weighed before.
    kept[0] = True
    times, values = times[kept], values[kept]
    rule = rule_for(unit, unit.roles.total)
    for _, at_ms, shown in by_epoch(times, values, said.epochs_ms, int(times[0])):
        counted = accept(None, at_ms, shown, rule)
        for time_ms, delta, event in zip(
            counted.time_ms.tolist(), counted.delta.tolist(), counted.event.tolist(), strict=True
        ):
            if time_ms >= start_ms and event not in _NOTHING:
                tonnes[(time_ms - start_ms) // MINUTE_MS] = delta * said.dry_share(time_ms)
    return tonnes


def minute_flow(scans: Scans, unit: Unit, said: UnitInputs, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """Return the flow at the start of each minute, dry t/h, float64[k]; NaN where it is older than it may be held."""
    at_ms = np.arange(start_ms, end_ms, MINUTE_MS)
    if not len(scans.flow_ms):
        return np.full(len(at_ms), np.nan)
    place = np.searchsorted(scans.flow_ms, at_ms, side="right") - 1
    held_ms = at_ms - scans.flow_ms[place]
    known = (place >= 0) & (held_ms <= 1000 * hold_on_change(unit.signal(unit.roles.flow)))
    dry = np.array([said.dry_share(at) for at in at_ms.tolist()])
    return np.where(known, np.round(scans.flow[place] * dry, 3), np.nan)


def minute_silence(scans: Scans, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """Return how old the last scan was at the start of each minute, s, float64[k]; NaN where there was none."""
    at_ms = np.arange(start_ms, end_ms, MINUTE_MS)
    newest = np.full(len(at_ms), -1, np.int64)
    for times in (scans.flow_ms, scans.total_ms):
        if len(times):
            place = np.searchsorted(times, at_ms, side="right") - 1
            newest = np.where(place >= 0, np.maximum(newest, times[place]), newest)
    return np.where(newest >= 0, (at_ms - newest) / 1000, np.nan)
