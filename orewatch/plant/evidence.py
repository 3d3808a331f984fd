"""Evidence: what is known of units at each second, from readings held as long as they may be.

A second ``k`` (its start, ms) sees the last reading before ``k + 1000``; that holds while ``k - reading <= hold``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.plant.catalogue import Signal

SECOND_MS = 1000
ENGINE_LIVE_PER_MIN = 600.0
# What speaks only once its longest silence is over is scanned and sent after that.
ON_THE_WAY_S = 5.0


def hold_complete(signal: Signal) -> float:
    """Return how long (s) a value of complete scans holds: three periods."""
    return 3 * signal.rate_s


def hold_on_change(signal: Signal) -> float:
    """Return how long (s) a value of the live lane holds: the signal's maximum silence, and until the next has come."""
    return signal.max_silence_s + signal.rate_s + ON_THE_WAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known at ``T`` seconds of ``U`` units; all arrays but ``time_ms`` are [T, U].

    ``time_ms`` int64[T]: starts of consecutive seconds. ``heard``: a message came in that second.
    Per cent, NaN unknown: ``flow_pct`` of nameplate; ``load_pct`` main load of full load; ``effort_pct``
    main load above no-load, of full load; ``hopper_pct`` level.
    int8, -1 unknown: ``upstream`` all feeding, ``drives`` all on, ``plugged`` any, ``tripped`` any,
    ``energised`` any (bus live or engine above 600 /min), ``underperforming``.
    bool, from people: ``planned`` stop, ``coded`` (explained by a delay code), ``scheduled`` to work, ``failed``
    (failure code entered).
    """

    time_ms: NDArray[np.int64]
    heard: NDArray[np.bool_]
    clock_bad: NDArray[np.bool_]
    flow_pct: NDArray[np.float64]
    load_pct: NDArray[np.float64]
    effort_pct: NDArray[np.float64]
    hopper_pct: NDArray[np.float64]
    upstream: NDArray[np.int8]
    drives: NDArray[np.int8]
    plugged: NDArray[np.int8]
    tripped: NDArray[np.int8]
    energised: NDArray[np.int8]
    planned: NDArray[np.bool_]
    coded: NDArray[np.bool_]
    scheduled: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    underperforming: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.time_ms)

    def between(self, start: int, end: int) -> Evidence:
        """Return rows ``[start, end)``, as views."""
        return Evidence(**{f.name: getattr(self, f.name)[start:end] for f in fields(self)})

    def of(self, unit: int) -> Evidence:
        """Return one unit's column, [T, 1], as views."""
        columns = {f.name: getattr(self, f.name)[:, unit : unit + 1] for f in fields(self) if f.name != "time_ms"}
        return Evidence(time_ms=self.time_ms, **columns)


def silence(start_ms: int, seconds: int, units: int) -> Evidence:
    """Return evidence of nothing: ``seconds`` in which no unit was heard."""
    shape = (seconds, units)
    unknown, never = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    untold = np.full(shape, -1, np.int8)
    return Evidence(
        time_ms=start_ms + SECOND_MS * np.arange(seconds, dtype=np.int64),
        heard=never,
        clock_bad=never,
        flow_pct=unknown,
        load_pct=unknown,
        effort_pct=unknown,
        hopper_pct=unknown,
        upstream=untold,
        drives=untold,
        plugged=untold,
        tripped=untold,
        energised=untold,
        planned=never,
        coded=never,
        scheduled=np.ones(shape, np.bool_),
        failed=never,
        underperforming=untold,
    )


def is_on(signal: Signal) -> float:
    """Return the value above which a signal means *on*: a half of 0/1, 600 /min of an engine, else a tenth of range."""
    if signal.kind == "digital":
        return 0.5
    if signal.unit == "/min":
        return ENGINE_LIVE_PER_MIN
    return signal.low + 0.1 * (signal.high - signal.low)
