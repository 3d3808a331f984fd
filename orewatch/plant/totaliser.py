"""Counters that only grow: what was produced between two readings, across rollovers and resets.

Key what you keep by :class:`ScaleKey`: a calibration or replacement starts a new epoch, and no
difference is ever taken across epochs. Readings are compared in order of edge time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit


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
    """Return the rule for a unit's counter; tonnes by its belt, energy and fuel by a generous bound."""
    raise NotImplementedError


def accept(
    previous: CounterCarry | None, time_ms: NDArray[np.int64], values: NDArray[np.float64], rule: CounterRule
) -> Counted:
    """Count what readings add to ``previous``; sorts by time first. Cutting the input changes nothing."""
    raise NotImplementedError


def by_window(counted: Counted, edges_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum ``delta`` into windows ``[edges[i], edges[i+1])``, by the time of the later reading; float64[k-1]."""
    raise NotImplementedError
