"""Hours made of the minutes that a store already has: a sixtieth of the work of decoding their blocks again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from orewatch.storage.projection import RollupRows
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.retention import windows_from
from orewatch.storage.rollup_rows import unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.storage.database import Database


def hours_of_minutes(database: Database, unit: str, hours: Sequence[int]) -> tuple[list[RollupRows], set[int]]:
    """Return the rows of ``hours`` (starts, ascending) of a unit, and the hours that cannot be made this way.

    All minutes of these hours must be rolled up. Where a signal stood in two groups within an hour, only the blocks
    tell. Rows carry no tags and no class: the embedded store has no use for them.
    """
    rows: list[RollupRows] = []
    # Of minutes past their level only some may be left.
    from_ms = windows_from(database, MINUTE_MS)
    left = {hour for hour in hours if hour < from_ms}
    seen: dict[tuple[str, int], set[str]] = {}
    series: list[tuple[Any, ...]] = database.rows(
        "SELECT id, machine, names FROM series WHERE unit = ? ORDER BY machine", (unit,)
    )
    for number, machine, text in series:
        found: list[tuple[Any, ...]] = database.rows(
            "SELECT window, data FROM windows WHERE series = ? AND step_ms = ? AND window >= ? AND window < ?",
            (number, MINUTE_MS, hours[0], hours[-1] + HOUR_MS),
        )
        if not found:
            continue
        names = tuple(json.loads(text))
        times = np.array([row[0] for row in found], np.int64)
        made = _joined(times, unpacked([row[1] for row in found], len(names)))
        kept = np.isin(made[0], hours)
        for hour in made[0][kept].tolist():
            here = seen.setdefault((machine, hour), set())
            if here & set(names):
                left.add(hour)
            here |= set(names)
        time_ms, mean, low, high, count, last = (part[kept] for part in made)
        rows.append(
            RollupRows(
                unit=unit, site="", province="", mineral="", machine=machine, cls="", step_ms=HOUR_MS, names=names,
                time_ms=time_ms, mean=mean, low=low, high=high, count=count.astype(np.int64), last=last,
            )
        )  # fmt: skip
    if left:
        rows = [_without(part, left) for part in rows]
    return [part for part in rows if len(part.time_ms)], left


def _joined(time_ms: NDArray[np.int64], minutes: dict[str, NDArray[np.float64]]) -> list[NDArray[Any]]:
    """Join minutes, ascending, into hours: start, mean, low, high, count, last."""
    hour = time_ms // HOUR_MS
    starts = np.flatnonzero(np.append(True, np.diff(hour) > 0))
    count = minutes["count"]
    some = count > 0
    total = np.add.reduceat(count, starts, axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(np.where(some, minutes["mean"] * count, 0.0), starts, axis=0) / total
    low = np.minimum.reduceat(np.where(some, minutes["low"], np.inf), starts, axis=0)
    high = np.maximum.reduceat(np.where(some, minutes["high"], -np.inf), starts, axis=0)
    newest = np.maximum.reduceat(np.where(some, np.arange(len(hour))[:, None], 0), starts, axis=0)
    last = np.take_along_axis(minutes["last"], newest, axis=0)
    none = total == 0
    low[none], high[none], last[none] = np.nan, np.nan, np.nan
    return [hour[starts] * HOUR_MS, mean, low, high, total, last]


def _without(part: RollupRows, hours: set[int]) -> RollupRows:
    kept = ~np.isin(part.time_ms, list(hours))
    table = {name: getattr(part, name)[kept] for name in ("time_ms", "mean", "low", "high", "count", "last")}
    return RollupRows(
        unit=part.unit, site=part.site, province=part.province, mineral=part.mineral, machine=part.machine,
        cls=part.cls, step_ms=part.step_ms, names=part.names, **table,
    )  # fmt: skip
