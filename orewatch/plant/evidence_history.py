"""One unit's evidence over a span, from the time series of its signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orewatch.plant.evidence import SECOND_MS, Evidence, hold_complete, is_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orewatch.plant.catalogue import Signal, SignalRef
    from orewatch.plant.unit import Unit

Span = tuple[int, int]
Readings = tuple[NDArray[np.int64], NDArray[np.float64]]


def evidence_from_series(
    unit: Unit,
    series: Mapping[SignalRef, Readings],
    start_ms: int,
    end_ms: int,
    *,
    hold_s: Callable[[Signal], float] = hold_complete,
    heard_ms: NDArray[np.int64] | None = None,
    clock_bad_ms: NDArray[np.int64] | None = None,
    planned: Sequence[Span] = (),
    coded: Sequence[Span] = (),
    unscheduled: Sequence[Span] = (),
    failed: Sequence[Span] = (),
    underperforming: Sequence[Span] = (),
) -> Evidence:
    """Return one unit's evidence [T, 1] over ``[start_ms, end_ms)`` from time series.

    ``series``: time_ms int64[n] in any order, value float64[n], NaN for BAD; readings before ``start_ms``
    count while they hold, so give some lead. ``heard_ms``: when messages came (default: the times of
    ``series``). ``clock_bad_ms``: times of messages with a wrong clock. The rest are spans ``[from, to)`` in ms.
    ValueError unless both bounds are whole seconds in order.
    """
    if start_ms % SECOND_MS or end_ms % SECOND_MS or end_ms < start_ms:
        raise ValueError(f"start_ms {start_ms}, end_ms {end_ms}: allowed are whole seconds, in order")
    grid = np.arange(start_ms, end_ms, SECOND_MS, dtype=np.int64)
    roles = unit.roles

    def held(ref: SignalRef) -> NDArray[np.float64]:
        if ref not in series:
            return np.full(len(grid), np.nan)
        return _held(grid, *series[ref], hold_ms=round(1000 * hold_s(unit.signal(ref))))

    def each(refs: Sequence[SignalRef]) -> list[NDArray[np.int8]]:
        return [_above(held(ref), is_on(unit.signal(ref))) for ref in refs]

    if heard_ms is None:
        heard = np.zeros(len(grid), np.bool_)
        for time_ms, _ in series.values():
            heard |= _marked(grid, time_ms)
    else:
        heard = _marked(grid, heard_ms)
    main = held(roles.main)
    columns = {
        "heard": heard,
        "clock_bad": _marked(grid, clock_bad_ms) if clock_bad_ms is not None else np.zeros(len(grid), np.bool_),
        "flow_pct": held(roles.flow) * (100 / unit.nameplate_tph),
        "load_pct": main * (100 / roles.full_load),
        "effort_pct": (main - roles.no_load) * (100 / roles.full_load),
        "hopper_pct": held(roles.hopper) if roles.hopper else np.full(len(grid), np.nan),
        "upstream": _all(each(roles.upstream), len(grid)),
        "drives": _all(each(roles.drives), len(grid)),
        "plugged": _any(each(roles.plugged), len(grid)),
        "tripped": _any(each(roles.tripped), len(grid)),
        "energised": _any(each(roles.energised), len(grid)),
        "planned": _within(grid, planned),
        "coded": _within(grid, coded),
        "scheduled": ~_within(grid, unscheduled),
        "failed": _within(grid, failed),
        "underperforming": _within(grid, underperforming).astype(np.int8),
    }
    return Evidence(time_ms=grid, **{name: column[:, None] for name, column in columns.items()})  # type: ignore[arg-type]


def _held(
    grid: NDArray[np.int64], time_ms: NDArray[np.int64], values: NDArray[np.float64], *, hold_ms: int
) -> NDArray[np.float64]:
    if len(time_ms) == 0 or len(grid) == 0:
        return np.full(len(grid), np.nan)
    if np.any(time_ms[1:] < time_ms[:-1]):
        order = np.argsort(time_ms, kind="stable")
        time_ms, values = time_ms[order], values[order]
    # The last reading of each second, carried forward; quicker than searching for 86,400 seconds.
    slot = (time_ms - grid[0]) // SECOND_MS
    before = int(np.searchsorted(slot, 0)) - 1
    inside = slice(before + 1, int(np.searchsorted(slot, len(grid))))
    last = np.full(len(grid), -1, np.int64)
    last[0] = before
    last[slot[inside]] = np.arange(inside.start, inside.stop)
    last = np.maximum.accumulate(last)
    out = values[last].astype(np.float64)
    out[(last < 0) | (grid - time_ms[last] > hold_ms)] = np.nan
    return out


def _marked(grid: NDArray[np.int64], at_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    out = np.zeros(len(grid), np.bool_)
    if len(grid):
        slot = (at_ms - grid[0]) // SECOND_MS
        out[slot[(slot >= 0) & (slot < len(grid))]] = True
    return out


def _within(grid: NDArray[np.int64], spans: Sequence[Span]) -> NDArray[np.bool_]:
    out = np.zeros(len(grid), np.bool_)
    for start, end in spans:
        first, last = np.searchsorted(grid, (start, end))
        out[first:last] = True
    return out


def _above(values: NDArray[np.float64], threshold: float) -> NDArray[np.int8]:
    return np.where(np.isnan(values), np.int8(-1), (values > threshold).astype(np.int8))


def _all(parts: Sequence[NDArray[np.int8]], seconds: int) -> NDArray[np.int8]:
    """Of three-valued columns: 0 where one is 0, else -1 where one is unknown, else 1; no parts: unknown."""
    if not parts:
        return np.full(seconds, -1, np.int8)
    stack = np.stack(parts)
    return np.where((stack == 0).any(0), 0, stack.min(0)).astype(np.int8)


def _any(parts: Sequence[NDArray[np.int8]], seconds: int) -> NDArray[np.int8]:
    """Of three-valued columns: 1 where one is 1, else -1 where one is unknown, else 0; no parts: never."""
    if not parts:
        return np.zeros(seconds, np.int8)
    stack = np.stack(parts)
    return np.where((stack == 1).any(0), 1, stack.min(0)).astype(np.int8)
