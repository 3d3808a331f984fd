"""Counters that only grow: what was produced between two readings, across rollovers and resets.

Key what you keep by :class:`ScaleKey`: a calibration or replacement starts a new epoch, and no
difference is ever taken across epochs. Readings are compared in order of edge time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit


HOUR_MS = 3_600_000
BELT_OF_NAMEPLATE = 2.0
BELT_MARGIN = 1.5
CREEP = 0.02
COUNTER_MAX_PER_H = 5000.0
NEAR_WRAP, PAST_WRAP = 0.9, 0.1


class ScaleKey(NamedTuple):
    """What a counter's readings are kept by."""

    unit: str
    scale: str
    epoch: int


class CounterEvent(IntEnum):
    """What became of one reading."""

    COUNTED = 0
    FIRST = 1
    ROLLOVER = 2
    RESET = 3  # began again from 0; what it shows now was counted
    REBASED = 4  # a new level that no belt could have carried; nothing was counted
    IMPLAUSIBLE = 5  # ignored unless the next reading confirms it
    DUPLICATE = 6
    LATE = 7  # older than what was already counted: history has to count again
    BAD = 8
    CREEP = 9  # below 2 % of the range: zero drift, not ore


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterRule:
    """``wrap``: value at which it rolls over (None: never). Rates are units an hour."""

    wrap: float | None
    max_rate: float
    min_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class CounterCarry:
    """The last reading that counts, and one that is in doubt until the next."""

    time_ms: int
    value: float
    suspect_ms: int | None = None
    suspect_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """``time_ms`` int64[n] sorted, ``delta`` float64[n] (0 where nothing counts), ``event`` uint8[n], ``carry``."""

    time_ms: NDArray[np.int64]
    delta: NDArray[np.float64]
    event: NDArray[np.uint8]
    carry: CounterCarry | None

    @property
    def total(self) -> float:
        """Everything counted."""
        return float(self.delta.sum())


def rule_for(unit: Unit, ref: SignalRef) -> CounterRule:
    """Return the rule for a unit's counter: tonnes by its belt, energy and fuel by a generous bound.

    A belt of a mobile unit is sized to about twice the nameplate, whatever range its scale could be set to.
    """
    signal = unit.signal(ref)
    if ref == unit.roles.total:
        belt = min(unit.signal(unit.roles.flow).high, BELT_OF_NAMEPLATE * unit.nameplate_tph)
        return CounterRule(wrap=signal.wrap, max_rate=BELT_MARGIN * belt, min_rate=CREEP * belt)
    return CounterRule(wrap=signal.wrap, max_rate=COUNTER_MAX_PER_H)


def accept(
    previous: CounterCarry | None, time_ms: NDArray[np.int64], values: NDArray[np.float64], rule: CounterRule
) -> Counted:
    """Count what readings add to ``previous``; sorts them by time first. Cutting sorted input changes nothing.

    A difference is accepted up to ``max_rate``. A fall is a rollover from above 0.9 to below 0.1 of ``wrap``,
    otherwise a reset, which adds what the counter shows now. What no belt could have carried counts nothing:
    a rise waits until the next reading confirms the new level, a fall makes one at once.
    """
    if len(values) == 1 and previous is not None and 0 <= values[0] < np.inf:
        # One reading of each of thousands of units is what a live second brings: no arrays for it.
        one, counted_one, told = _judge(previous, int(time_ms[0]), float(values[0]), rule)
        return Counted(time_ms, np.array([counted_one]), np.array([told], np.uint8), one)
    order = np.argsort(time_ms, kind="stable")
    time_ms, values = time_ms[order], values[order]
    delta = np.zeros(len(values))
    event = np.full(len(values), CounterEvent.BAD, np.uint8)
    good = np.flatnonzero(np.isfinite(values) & (values >= 0))
    carry, at = previous, 0
    while at < len(good):
        if carry is None:
            event[good[at]] = CounterEvent.FIRST
            carry = CounterCarry(int(time_ms[good[at]]), float(values[good[at]]))
            at += 1
            continue
        plain = _plain_run(carry, time_ms, values, good[at:], rule, delta, event)
        if plain:
            last = good[at + plain - 1]
            carry = CounterCarry(int(time_ms[last]), float(values[last]))
            at += plain
            continue
        index = good[at]
        carry, delta[index], event[index] = _judge(carry, int(time_ms[index]), float(values[index]), rule)
        at += 1
    return Counted(time_ms, delta, event, carry)


def by_epoch(
    time_ms: NDArray[np.int64], values: NDArray[np.float64], epochs_ms: Sequence[int], since_ms: int
) -> Iterator[tuple[bool, NDArray[np.int64], NDArray[np.float64]]]:
    """Cut readings (sorted by time) where a scale epoch begins after ``since_ms``; yields (begins anew, times, values).

    A difference across an epoch is a change of the scale, not ore: whatever is carried ends where one begins anew.
    """
    if len(time_ms) == 0:
        return
    edges = [at for at in epochs_ms if since_ms < at <= int(time_ms[-1])]
    cuts = [0, *np.searchsorted(time_ms, edges).tolist(), len(time_ms)]
    for number, (first, last) in enumerate(pairwise(cuts)):
        yield number > 0, time_ms[first:last], values[first:last]


def by_window(counted: Counted, edges_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum ``delta`` into windows ``[edges[i], edges[i+1])``, by the time of the later reading; float64[k-1].

    Bounds are fixed edges given by the caller, so a window counted again gives the same sum.
    """
    running = np.concatenate(([0.0], np.cumsum(counted.delta)))
    return np.diff(running[np.searchsorted(counted.time_ms, edges_ms)])


def _plain_run(
    carry: CounterCarry,
    time_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    good: NDArray[np.intp],
    rule: CounterRule,
    delta: NDArray[np.float64],
    event: NDArray[np.uint8],
) -> int:
    """Count the readings up to the first that needs judging, all at once; return how many."""
    if carry.suspect_ms is not None:
        return 0
    steps_ms = np.diff(time_ms[good], prepend=carry.time_ms)
    risen = np.diff(values[good], prepend=carry.value)
    hours = steps_ms / HOUR_MS
    plain = (steps_ms > 0) & (risen >= 0) & (risen <= rule.max_rate * hours)
    count = len(plain) if plain.all() else int(np.argmin(plain))
    creeps = risen[:count] < rule.min_rate * hours[:count]
    delta[good[:count]] = np.where(creeps, 0.0, risen[:count])
    event[good[:count]] = np.where(creeps & (risen[:count] > 0), CounterEvent.CREEP, CounterEvent.COUNTED)
    return count


def _judge(
    carry: CounterCarry, at_ms: int, value: float, rule: CounterRule
) -> tuple[CounterCarry, float, CounterEvent]:
    newest = carry.time_ms if carry.suspect_ms is None else carry.suspect_ms
    if at_ms <= newest:
        return carry, 0.0, CounterEvent.DUPLICATE if at_ms == newest else CounterEvent.LATE
    here = CounterCarry(at_ms, value)
    risen, most = value - carry.value, rule.max_rate * (at_ms - carry.time_ms) / HOUR_MS
    if 0 <= risen <= most:
        creeps = risen < rule.min_rate * (at_ms - carry.time_ms) / HOUR_MS
        return here, 0.0 if creeps else risen, CounterEvent.CREEP if creeps and risen else CounterEvent.COUNTED
    if carry.suspect_ms is not None:
        beyond = value - carry.suspect_value
        if 0 <= beyond <= rule.max_rate * (at_ms - carry.suspect_ms) / HOUR_MS:
            return here, 0.0, CounterEvent.REBASED
    if risen > 0:
        return CounterCarry(carry.time_ms, carry.value, at_ms, value), 0.0, CounterEvent.IMPLAUSIBLE
    if rule.wrap is not None and carry.value > NEAR_WRAP * rule.wrap and value < PAST_WRAP * rule.wrap:
        rolled = rule.wrap - carry.value + value
        if rolled <= most:
            return here, rolled, CounterEvent.ROLLOVER
    return (here, value, CounterEvent.RESET) if value <= most else (here, 0.0, CounterEvent.REBASED)
