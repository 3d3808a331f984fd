"""Rollups: windows of one minute and one hour, computed from decoded blocks and from nothing else.

A window is always computed as a whole, from every block that touches it. Late, overlapping and resent
blocks therefore need no rules of their own: they mark windows dirty, and those are computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from orewatch.storage.projection import RollupRows
from orewatch.storage.query import Aggregate
from orewatch.telemetry.scan import Quality, physical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef
    from orewatch.storage.projection import DecodedBlock
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import ScanGroup


@dataclass(frozen=True, slots=True)
class Windows:
    """One signal's windows: starts int64[n] ascending, mean, low, high, last float64[n], count int64[n] above 0.

    ``last`` is the last GOOD value by event time; NaN where it is unknown, in windows rolled up before it was kept.
    """

    time_ms: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]
    last: NDArray[np.float64]

    def of(self, aggregate: Aggregate) -> NDArray[np.float64]:
        """Return what ``aggregate`` (mean, min, max, count or last) makes of each window."""
        return {
            Aggregate.MEAN: self.mean,
            Aggregate.MIN: self.low,
            Aggregate.MAX: self.high,
            Aggregate.COUNT: self.count.astype(np.float64),
            Aggregate.LAST: self.last,
        }[aggregate]


class _Group(NamedTuple):
    """One scan group over several blocks: times [n], values [n, k], which of them are GOOD [n, k]."""

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    good: NDArray[np.bool_]


def touched(block: DecodedBlock, step_ms: int) -> set[int]:
    """Return the starts of the windows of ``step_ms`` in which this block has scans."""
    times = [s.time_ms for s in block.scans]
    if not times:
        return set()
    return {int(w) * step_ms for w in np.unique(np.concatenate(times) // step_ms)}


def column(blocks: Sequence[DecodedBlock], ref: SignalRef) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return one signal's GOOD, finite values: times ascending, none twice; of equal times the later block's counts."""
    times, values = [], []
    # Block by block the same few calls would cost more than the work: all blocks of a schema at once.
    for _, same in groupby(blocks, key=lambda block: id(block.schema)):
        together = list(same)
        schema = together[0].schema
        place = schema.where.get(ref)
        if place is None:
            continue
        number, at = place
        scans = [scans for block in together for scans in block.scans if scans.group == number]
        if not scans:
            continue
        # The whole group at once would turn every other column into floats as well.
        steps = np.concatenate([part.steps[:, at : at + 1] for part in scans])
        one = physical(group_of_one(schema.groups[number], at), steps)[:, 0]
        good = np.isfinite(one)
        if any(part.quality is not None for part in scans):
            good &= np.concatenate([_is_good(part, at) for part in scans])
        times.append(np.concatenate([part.time_ms for part in scans])[good])
        values.append(one[good])
    if not times:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    return settle(np.concatenate(times), np.concatenate(values))


def _is_good(scans: Scans, at: int) -> NDArray[np.bool_]:
    return np.ones(len(scans), np.bool_) if scans.quality is None else scans.quality[:, at] == Quality.GOOD


def group_of_one(group: ScanGroup, at: int) -> ScanGroup:
    """Return the group with only its column ``at``."""
    return type(group)(group.machine, group.cls, group.period_s, (group.columns[at],))


def settle(time_ms: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort by time and keep, of equal times, the last one given."""
    if len(time_ms) > 1 and not (np.diff(time_ms) > 0).all():
        order = np.argsort(time_ms, kind="stable")
        time_ms, values = time_ms[order], values[order]
        last = np.append(np.diff(time_ms) > 0, True)
        time_ms, values = time_ms[last], values[last]
    return time_ms, values


def windows_of(time_ms: NDArray[np.int64], values: NDArray[np.float64], step_ms: int) -> Windows:
    """Return the windows of settled values."""
    window = time_ms // step_ms
    starts = np.flatnonzero(np.append(True, np.diff(window) > 0)) if len(window) else np.empty(0, np.int64)
    if not len(starts):
        none = np.empty(0, np.float64)
        return Windows(np.empty(0, np.int64), none, none, none, np.empty(0, np.int64), none)
    ends = np.append(starts[1:], len(window))
    return Windows(
        window[starts] * step_ms,
        np.add.reduceat(values, starts) / (ends - starts),
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        ends - starts,
        values[ends - 1],
    )


def regroup(windows: Windows, step_ms: int) -> Windows:
    """Join windows into larger ones of ``step_ms``, a multiple of their own step; the mean is weighted by count."""
    large = windows.time_ms // step_ms
    if not len(large):
        return windows
    starts = np.flatnonzero(np.append(True, np.diff(large) > 0))
    count = np.add.reduceat(windows.count, starts)
    return Windows(
        large[starts] * step_ms,
        np.add.reduceat(windows.mean * windows.count, starts) / count,
        np.minimum.reduceat(windows.low, starts),
        np.maximum.reduceat(windows.high, starts),
        count,
        windows.last[np.append(starts[1:], len(large)) - 1],
    )


def roll_up(blocks: Sequence[DecodedBlock], windows: Iterable[int], step_ms: int) -> list[RollupRows]:
    """Compute windows of one unit.

    ``blocks``: every block of the unit that touches the windows, in the order journaled; ``windows``: their
    starts. Windows in which no signal has a GOOD value give no row.
    """
    wanted = np.array(sorted(windows), dtype=np.int64)
    if not blocks or not len(wanted):
        return []
    if len({b.header.schema for b in blocks}) > 1:
        return _by_signal(blocks, wanted, step_ms)
    rows = []
    schema = blocks[-1].schema
    parts: dict[int, list[Scans]] = {}
    for block in blocks:
        for scans in block.scans:
            parts.setdefault(scans.group, []).append(scans)
    for number in sorted(parts):
        group = schema.groups[number]
        found = _roll_group(_joined(group, parts[number]), wanted, step_ms)
        if found is not None:
            names = tuple(c.name for c in group.columns)
            rows.append(_rows(blocks[-1], group.machine, group.cls, names, step_ms, found))
    return rows


def _joined(group: ScanGroup, parts: Sequence[Scans]) -> _Group:
    # Joined while still integers: one conversion instead of one for each block.
    values = physical(group, np.concatenate([p.steps for p in parts]))
    good = np.isfinite(values)
    if any(p.quality is not None for p in parts):
        width = values.shape[1]
        quality = [np.zeros((len(p), width), np.uint8) if p.quality is None else p.quality for p in parts]
        good &= np.concatenate(quality) == Quality.GOOD
    return _Group(np.concatenate([p.time_ms for p in parts]), values, good)


def _roll_group(group: _Group, wanted: NDArray[np.int64], step_ms: int) -> list[NDArray[Any]] | None:
    """Return time, mean, low, high, count, last of the wanted windows; None where there are none."""
    start = group.time_ms // step_ms * step_ms
    place = np.minimum(np.searchsorted(wanted, start), len(wanted) - 1)
    inside = wanted[place] == start
    time_ms, values, good = group.time_ms[inside], group.values[inside], group.good[inside]
    if not len(time_ms):
        return None
    if not (np.diff(time_ms) > 0).all():
        order = np.argsort(time_ms, kind="stable")
        time_ms, values, good = time_ms[order], values[order], good[order]
        if not (np.diff(time_ms) > 0).all():
            time_ms, values, good = _merged(time_ms, values, good)
    window = time_ms // step_ms
    starts = np.flatnonzero(np.append(True, np.diff(window) > 0))
    ends = np.append(starts[1:], len(window))
    if good.all():
        count = np.repeat((ends - starts)[:, None], values.shape[1], axis=1)
        total, low, high = np.add.reduceat(values, starts, axis=0), values, values
        last = values[ends - 1]
    else:
        count = np.add.reduceat(good, starts, axis=0, dtype=np.int64)
        total = np.column_stack([_sums(values[:, at], good[:, at], count[:, at]) for at in range(values.shape[1])])
        low, high = np.where(good, values, np.inf), np.where(good, values, -np.inf)
        row = np.maximum.reduceat(np.where(good, np.arange(len(window))[:, None], 0), starts, axis=0)
        last = np.take_along_axis(values, row, axis=0)
    kept = count.any(axis=1)
    if not kept.any():
        return None
    mean = total / np.maximum(count, 1)
    lows, highs = np.minimum.reduceat(low, starts, axis=0), np.maximum.reduceat(high, starts, axis=0)
    empty = count == 0
    lows[empty], highs[empty] = np.nan, np.nan
    mean[empty], last[empty] = np.nan, np.nan
    return [(window[starts] * step_ms)[kept], mean[kept], lows[kept], highs[kept], count[kept], last[kept]]


def _sums(values: NDArray[np.float64], good: NDArray[np.bool_], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of one column's GOOD values in each window, ``count`` of them.

    Added as :func:`windows_of` adds them, without those in between: the same to the last bit whichever way is taken.
    """
    ends = np.cumsum(count)
    some = count > 0
    sums = np.zeros(len(count))
    if some.any():
        sums[some] = np.add.reduceat(values[good], (ends - count)[some])
    return sums


def _merged(
    time_ms: NDArray[np.int64], values: NDArray[np.float64], good: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Merge rows of equal time: per column the last GOOD value counts."""
    first = np.append(True, np.diff(time_ms) > 0)
    row = np.cumsum(first) - 1
    merged = np.zeros((row[-1] + 1, values.shape[1]))
    known = np.zeros(merged.shape, dtype=bool)
    for at in range(values.shape[1]):
        # Assignment in order: the last one of each row stays.
        usable = good[:, at]
        merged[row[usable], at] = values[usable, at]
        known[row[usable], at] = True
    return time_ms[first], merged, known


def _by_signal(blocks: Sequence[DecodedBlock], wanted: NDArray[np.int64], step_ms: int) -> list[RollupRows]:
    """Compute where schemas changed within the windows: a signal may have moved to another group."""
    classes = {ref: group.cls for block in blocks for group in block.schema.groups for ref in group.refs()}
    rows = []
    for ref, cls in classes.items():
        found = windows_of(*column(blocks, ref), step_ms)
        kept = np.isin(found.time_ms, wanted)
        if kept.any():
            table: list[NDArray[Any]] = [found.time_ms[kept]]
            table += [part[kept][:, None] for part in (found.mean, found.low, found.high, found.count, found.last)]
            rows.append(_rows(blocks[-1], ref.machine, cls, (ref.signal,), step_ms, table))
    return rows


def _rows(
    block: DecodedBlock,
    machine: str,
    cls: str,
    names: tuple[str, ...],
    step_ms: int,
    table: Sequence[NDArray[Any]],
) -> RollupRows:
    time_ms, mean, low, high, count, last = table
    header = block.header
    return RollupRows(
        unit=header.unit,
        site=header.site,
        province=header.province,
        mineral=header.mineral,
        machine=machine,
        cls=cls,
        step_ms=step_ms,
        names=names,
        time_ms=time_ms.astype(np.int64),
        mean=mean,
        low=low,
        high=high,
        count=count.astype(np.int64),
        last=last,
    )
