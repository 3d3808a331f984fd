"""From evidence to what each latch makes of it, second by second.

Three-valued logic throughout: what is not known is never evidence, neither for nor against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.plant.states import (
    EFFORT_RUNNING_PCT,
    FLOW_IDLE_PCT,
    FLOW_RUNNING_PCT,
    HOPPER_EMPTY_PCT,
    LOAD_HIGH_PCT,
    REASON_CODE,
    Latch,
    StateReason,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orewatch.plant.evidence import Evidence

UNKNOWN, AGAINST, FOR, NEITHER = -1, 0, 1, 2
ROWS = len(Latch) - 1

# Kleene's logic on uint8: false 0, unknown 1, true 2; and = minimum, or = maximum, not = 2 - x.
_FALSE, _UNKNOWN, _TRUE = np.uint8(0), np.uint8(1), np.uint8(2)


def conditions(evidence: Evidence) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Return codes int8[rows, T, U] (for, against, neither, unknown) and reasons uint8[rows, T, U] by latch."""
    e = evidence
    low_flow = _below(e.flow_pct, FLOW_RUNNING_PCT)
    no_flow = _below(e.flow_pct, FLOW_IDLE_PCT)
    no_load = _at_most(e.effort_pct, EFFORT_RUNNING_PCT)
    drives, energised = _told(e.drives), _told(e.energised)
    plugged, upstream = _told(e.plugged), _told(e.upstream)
    hopper_empty = _below(e.hopper_pct, HOPPER_EMPTY_PCT)
    # A mill that is switched off turns nothing, whatever its last contact said.
    turning = np.minimum(drives, energised)
    running = np.minimum(_not(low_flow), _not(no_load))
    off = _said(e.planned | e.coded | ~e.scheduled)
    trip = np.maximum(_told(e.tripped), _said(e.failed))
    starved = np.minimum(np.minimum(turning, low_flow), np.maximum(hopper_empty, _not(upstream)))
    idle = np.minimum(np.minimum(energised, no_flow), np.maximum(_not(drives), no_load))
    blocked = np.minimum(np.maximum(_not(_at_most(e.load_pct, LOAD_HIGH_PCT)), plugged), low_flow)

    codes = np.empty((ROWS, *e.heard.shape), np.int8)
    codes[Latch.CLOCK_BAD] = np.where(e.heard, e.clock_bad.astype(np.int8), np.int8(UNKNOWN))
    codes[Latch.PLANNED_STOP] = _plain(np.minimum(off, no_flow))
    codes[Latch.BREAKDOWN] = _two_sided(np.minimum(trip, low_flow), running)
    codes[Latch.STOPPED_UNCODED] = _plain(np.minimum(_not(off), _not(energised)))
    codes[Latch.BLOCKED] = _plain(blocked)
    codes[Latch.STARVED] = _plain(starved)
    # IDLE counts starved seconds too: the idle rule is IDLE or STARVED for 300 s, STARVED being shown first.
    # A planned stop is no evidence of idling: its seconds must not count once it ends.
    codes[Latch.IDLE] = _plain(np.minimum(np.maximum(idle, starved), _not(off)))
    codes[Latch.TURNING] = _plain(turning)
    under = _told(e.underperforming)
    codes[Latch.UNDERPERFORMING] = _two_sided(np.minimum(under, running), _not(under))
    codes[Latch.RUNNING] = _plain(running)

    reasons = np.empty(codes.shape, np.uint8)
    code = REASON_CODE
    reasons[Latch.CLOCK_BAD] = code[StateReason.CLOCK_OFF]
    reasons[Latch.PLANNED_STOP] = _choose(e.coded, StateReason.CODED, StateReason.NOT_SCHEDULED)
    reasons[Latch.PLANNED_STOP][e.planned] = code[StateReason.PLANNED]
    reasons[Latch.BREAKDOWN] = _choose(e.tripped == 1, StateReason.TRIPPED, StateReason.FAILURE_CODE)
    reasons[Latch.STOPPED_UNCODED] = code[StateReason.DE_ENERGISED]
    reasons[Latch.BLOCKED] = _choose(plugged == _TRUE, StateReason.PLUGGED, StateReason.HIGH_LOAD)
    reasons[Latch.STARVED] = _choose(upstream == _FALSE, StateReason.UPSTREAM_STOPPED, StateReason.HOPPER_EMPTY)
    reasons[Latch.IDLE] = _choose(drives == _FALSE, StateReason.DRIVES_OFF, StateReason.NO_LOAD)
    reasons[Latch.IDLE] = np.where(starved == _TRUE, reasons[Latch.STARVED], reasons[Latch.IDLE])
    reasons[Latch.TURNING] = code[StateReason.STARTED]
    reasons[Latch.UNDERPERFORMING] = code[StateReason.BELOW_TARGET]
    reasons[Latch.RUNNING] = code[StateReason.PRODUCING]
    return codes, reasons


def _below(values: NDArray[np.float64], limit: float) -> NDArray[np.uint8]:
    return np.where(np.isnan(values), _UNKNOWN, (values < limit) * _TRUE)


def _at_most(values: NDArray[np.float64], limit: float) -> NDArray[np.uint8]:
    return np.where(np.isnan(values), _UNKNOWN, (values <= limit) * _TRUE)


def _told(code: NDArray[np.int8]) -> NDArray[np.uint8]:
    return np.where(code < 0, _UNKNOWN, (code > 0) * _TRUE)


def _said(flag: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return flag * _TRUE


def _not(value: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _TRUE - value


_PLAIN = np.array([AGAINST, UNKNOWN, FOR], np.int8)


def _plain(value: NDArray[np.uint8]) -> NDArray[np.int8]:
    return _PLAIN[value]


def _two_sided(enter: NDArray[np.uint8], leave: NDArray[np.uint8]) -> NDArray[np.int8]:
    """For where ``enter`` holds, against where ``leave`` does; neither resets both counts, unknown freezes them."""
    known = (enter != _UNKNOWN) & (leave != _UNKNOWN)
    settled = np.where(leave == _TRUE, np.int8(AGAINST), np.where(known, np.int8(NEITHER), np.int8(UNKNOWN)))
    return np.where(enter == _TRUE, np.int8(FOR), settled)


def _choose(test: NDArray[np.bool_], yes: StateReason, no: StateReason) -> NDArray[np.uint8]:
    return np.where(test, np.uint8(REASON_CODE[yes]), np.uint8(REASON_CODE[no]))
