"""Evidence: what is known of units at each second, from readings held as long as they may be.

History and live build evidence by the same rules; only how long a reading may be held differs:
complete scans for three periods, readings sent on change for the signal's maximum silence.
A second ``k`` (its start, ms) sees the last reading before ``k + 1000``; it holds while ``k - reading <= hold``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orewatch.plant.catalogue import Signal, SignalRef
    from orewatch.plant.unit import Unit

type_series = tuple[NDArray[np.int64], NDArray[np.float64]]


def hold_complete(signal: Signal) -> float:
    """Return how long (s) a value of complete scans holds: three periods."""
    return 3 * signal.rate_s


def hold_on_change(signal: Signal) -> float:
    """Return how long (s) a value of the live lane holds: the signal's maximum silence."""
    return signal.max_silence_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known at ``T`` seconds of ``U`` units; all arrays but ``time_ms`` are [T, U].

    ``time_ms`` int64[T]: starts of consecutive seconds. ``heard``: a message came in that second.
    Per cent, NaN unknown: ``flow_pct`` of nameplate; ``load_pct`` main load of full load; ``effort_pct``
    main load above no-load, of full load; ``hopper_pct`` level.
    int8, -1 unknown: ``upstream`` all feeding, ``drives`` all on, ``plugged`` any, ``tripped`` any,
    ``energised`` any (bus live or engine above 600 /min), ``underperforming``.
    bool, from people: ``planned`` stop, ``scheduled`` to work, ``failed`` (failure code entered).
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
    scheduled: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    underperforming: NDArray[np.int8]


def evidence_from_series(
    unit: Unit,
    series: Mapping[SignalRef, type_series],
    start_ms: int,
    end_ms: int,
    *,
    hold_s: Callable[[Signal], float] = hold_complete,
    heard_ms: NDArray[np.int64] | None = None,
    clock_bad_ms: NDArray[np.int64] | None = None,
    planned: Sequence[tuple[int, int]] = (),
    unscheduled: Sequence[tuple[int, int]] = (),
    failed: Sequence[tuple[int, int]] = (),
    underperforming: Sequence[tuple[int, int]] = (),
) -> Evidence:
    """Return one unit's evidence [T, 1] over ``[start_ms, end_ms)`` from time series.

    ``series``: time_ms int64[n] in any order, value float64[n], NaN for BAD; readings before ``start_ms``
    count while they hold, so give some lead. ``heard_ms``: when messages came (default: the times of
    ``series``). ``clock_bad_ms``: times of messages with a wrong clock. The rest are spans ``[from, to)`` in ms.
    ValueError unless both bounds are whole seconds.
    """
    raise NotImplementedError


class HeldReadings:
    """The newest reading of each signal that states need, for many units; gives live evidence [1, U]."""

    def __init__(self, *, units: Sequence[Unit], hold_s: Callable[[Signal], float] = hold_on_change) -> None:
        raise NotImplementedError

    def add(self, unit: Unit) -> int:
        """Add a unit (or replace the description of one with this id) and return its number."""
        raise NotImplementedError

    def hear(self, unit_id: str, at_ms: int, *, clock_bad: bool = False) -> None:
        """Note that a message came from the unit in the second of ``at_ms``."""
        raise NotImplementedError

    def put(self, unit_id: str, ref: SignalRef, time_ms: int, value: float) -> None:
        """Note a reading (NaN: BAD); one that is older than what stands, or of no role, is ignored."""
        raise NotImplementedError

    def set_from_people(
        self,
        unit_id: str,
        *,
        planned: bool | None = None,
        scheduled: bool | None = None,
        failed: bool | None = None,
        underperforming: bool | None = None,
    ) -> None:
        """Set what does not come from sensors; None leaves it."""
        raise NotImplementedError

    def evidence(self, second_ms: int) -> Evidence:
        """Return evidence [1, U] for the second that starts at ``second_ms``."""
        raise NotImplementedError
