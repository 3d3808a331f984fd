"""Coarser windows out of the minute and hour rollups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.storage.query import Aggregate, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.storage.query import Query


def rolled(
    query: Query,
    time_ms: NDArray[np.int64],
    *,
    mean: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    count: NDArray[np.float64],
) -> Series:
    """Join rolled-up windows starting at ``time_ms`` [n], ascending, into the windows of ``query``.

    ``query.aggregate`` is MEAN, MIN, MAX or COUNT; the mean is weighted by how many values each window had.
    """
    step = query.step_ms
    if step is None:
        raise ValueError("step: None; a rollup has windows")
    if not len(time_ms):
        return Series(time_ms, mean, query.table)
    windows = time_ms // step * step
    first = np.flatnonzero(np.diff(windows, prepend=windows[0] - 1))
    totals = np.add.reduceat(count, first)
    match query.aggregate:
        case Aggregate.MEAN:
            values = np.add.reduceat(mean * count, first) / totals
        case Aggregate.MIN:
            values = np.minimum.reduceat(low, first)
        case Aggregate.MAX:
            values = np.maximum.reduceat(high, first)
        case Aggregate.COUNT:
            values = totals
        case _:
            raise ValueError(f"aggregate: {query.aggregate}; allowed: mean, min, max, count")
    return Series(windows[first], values, query.table)
