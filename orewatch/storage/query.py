"""The questions asked of a history store: one query, one series, one protocol.

Every store answers alike. The rules, which ``tests/contracts`` holds every store to:

- A store is synchronous and thread-safe; asyncio code calls it through ``asyncio.to_thread``.
- Unknown units and signals, and spans without data, give empty answers, never errors.
  :class:`StoreError` means that the store cannot be asked at present.
- Only GOOD, finite values are part of a series; BAD, STALE and ABSENT ones are left out.
- Of two values of one signal at the same time, the one journaled later counts, once.
- Raw: values with ``start_ms <= time < end_ms``, ascending in time, no time twice.
- Aggregated: windows ``[k * step_ms, (k + 1) * step_ms)`` counted from 1970 UTC. The span is widened to
  whole windows (:attr:`Query.window_start_ms`, :attr:`Query.window_end_ms`), and a window without values is
  left out. ``Series.time_ms`` is the start of the window. The mean is over values, not over time.
- Where retention has taken what the span begins with, a coarser table answers the whole of it, if it reaches further
  back; ``Series.table`` says so, and :meth:`Query.step_in` how long its windows are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class QueryError(ValueError):
    """A query cannot be asked; the message names the field, its value and what is allowed."""


class StoreError(RuntimeError):
    """The store cannot be asked at present; the message says why. Asking later may help."""


class Aggregate(StrEnum):
    """What is made of the values of one window; RAW: nothing, the values themselves."""

    RAW = "raw"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    COUNT = "count"


class Table(StrEnum):
    """Which table answered."""

    RAW = "raw"
    MINUTE = "1m"
    HOUR = "1h"

    @property
    def step_ms(self) -> int:
        """How long its windows are; 0 where it has none."""
        return {Table.RAW: 0, Table.MINUTE: MINUTE_MS, Table.HOUR: HOUR_MS}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One signal of one unit over ``[start_ms, end_ms)``; ``step_ms`` is None for RAW and only then."""

    unit: str
    ref: SignalRef
    start_ms: int
    end_ms: int
    step_ms: int | None = None
    aggregate: Aggregate = Aggregate.RAW

    def __post_init__(self) -> None:
        if self.end_ms <= self.start_ms:
            raise QueryError(f"end: {self.end_ms} is not after start {self.start_ms}")
        if (self.step_ms is None) != (self.aggregate is Aggregate.RAW):
            raise QueryError(
                f"step: {self.step_ms!r} with aggregate {self.aggregate}; raw has no step, others need one"
            )
        if self.step_ms is not None and self.step_ms <= 0:
            raise QueryError(f"step: {self.step_ms} ms; allowed: above 0")

    @property
    def window_start_ms(self) -> int:
        """Return the start, widened to a whole window."""
        step = self.step_ms or 1
        return self.start_ms // step * step

    @property
    def window_end_ms(self) -> int:
        """Return the end, widened to a whole window."""
        step = self.step_ms or 1
        return -(-self.end_ms // step) * step

    @property
    def table(self) -> Table:
        """Return the coarsest table that can answer; the first value is only in the raw ones."""
        in_rollups = self.aggregate not in (Aggregate.RAW, Aggregate.FIRST)
        if not in_rollups or self.step_ms is None or self.step_ms % MINUTE_MS:
            return Table.RAW
        return Table.MINUTE if self.step_ms % HOUR_MS else Table.HOUR

    def step_in(self, table: Table) -> int:
        """Return the step in which ``table`` answers: the one asked for, or whole windows of its own; 0 for raw."""
        own_ms, step_ms = table.step_ms, self.step_ms or 0
        return max(step_ms // own_ms, 1) * own_ms if own_ms else step_ms


@dataclass(frozen=True, slots=True)
class Series:
    """Times int64[n] (ms UTC, ascending) and values float64[n] in the signal's unit, and which table answered.

    ``complete_from_ms``: retention has deleted raw values before it; None where all that came are in the answer.
    """

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    table: Table = Table.RAW
    complete_from_ms: int | None = None

    def __len__(self) -> int:
        return len(self.time_ms)


def empty_series(table: Table = Table.RAW) -> Series:
    """Return a series without values."""
    return Series(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64), table)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a signal; ``value`` is None unless ``quality`` is GOOD. Never ABSENT."""

    time_ms: int
    value: float | None
    quality: Quality = Quality.GOOD


class HistoryStore(Protocol):
    """Where history is asked for."""

    def series(self, query: Query) -> Series:
        """Answer one query."""
        ...

    def latest(self, unit: str) -> Mapping[SignalRef, Latest]:
        """Return the newest reading, by event time, of every signal of ``unit`` that ever had one."""
        ...

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> Mapping[SignalRef, Series]:
        """Return the raw series of several signals over ``[start_ms, end_ms)``; every asked signal is a key."""
        ...
