"""What one device of a foreign node says, message by message, made into one table of scans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import numpy as np

from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.datatypes import DataType
from orewatch.telemetry.acceptance import EARLIEST_MS, MAX_AHEAD_MS, Ground
from orewatch.telemetry.scan import Quality, Scans, quantise
from orewatch.telemetry.schema import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from orewatch.sparkplug.actions import Data
    from orewatch.telemetry.schema import ScanGroup

T = TypeVar("T")

MAX_COLUMNS: Final = 256
MAX_PLANS: Final = 256
BLOCK_VALUES: Final = 300_000
"""As lossless floats these stay well below the largest block."""
_INTEGERS: Final = frozenset(range(DataType.INT8, DataType.UINT64 + 1))
_NUMERIC: Final = _INTEGERS | {DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN}
_QUALITY: Final = {192: Quality.GOOD, 500: Quality.STALE}


class Plan(NamedTuple):
    """Which metrics of a message are recorded (``kept`` None: all), in which columns, and why the others are not."""

    kept: list[int] | None
    columns: NDArray[np.int64]
    not_numeric: int
    too_many: int


class Table(NamedTuple):
    """A device's readings as rows by time: int64[n], float64[n, k], and quality uint8[n, k] or None for all GOOD."""

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8] | None

    def cut(self) -> Iterator[Table]:
        """Return the table in pieces of bounded size."""
        height = _rows_at_once(self.values.shape[1])
        for first in range(0, len(self.time_ms), height):
            rows = slice(first, first + height)
            yield Table(self.time_ms[rows], self.values[rows], None if self.quality is None else self.quality[rows])

    def quantised(self, number: int, group: ScanGroup) -> Scans:
        """Return the scans of this table as the group's ``number``-th."""
        steps, quality = quantise(group, self.values)
        if self.quality is not None:
            quality = self.quality if quality is None else np.maximum(self.quality, quality)
        if quality is not None:
            steps = np.where(quality == Quality.GOOD, steps, 0)
        return Scans(number, self.time_ms, steps, quality)


@dataclass(slots=True)
class DeviceReadings:
    """One device: its columns so far, and what it said since the last block."""

    columns: dict[str, Column] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    said: list[Data] = field(default_factory=list)
    _place: dict[str, int] = field(default_factory=dict)
    _plans: dict[tuple[str, ...], Plan] = field(default_factory=dict)

    def tables(self, now_ms: int, dropped: Callable[[Ground, int], None]) -> list[Table]:
        """Return what was said as tables of bounded size, by time, and begin anew.

        ``dropped`` is told what was left out and why.
        """
        said, self.said = self.said, []
        plans = [self._plan(data) for data in said]
        for plan in plans:
            if plan.not_numeric:
                dropped(Ground.NOT_NUMERIC, plan.not_numeric)
            if plan.too_many:
                dropped(Ground.TOO_MANY, plan.too_many)
        even = self._even(said, plans, now_ms)
        return list(self._uneven(said, plans, now_ms, dropped)) if even is None else list(even.cut())

    def _plan(self, data: Data) -> Plan:
        names = tuple(data.names)
        plan = self._plans.get(names)
        if plan is None:
            kept = []
            not_numeric = 0
            for i, (name, datatype) in enumerate(zip(names, data.datatypes, strict=True)):
                if datatype not in _NUMERIC:
                    not_numeric += 1
                    continue
                if name not in self._place and len(self._place) >= MAX_COLUMNS:
                    continue
                kept.append(i)
                if name not in self._place:
                    self._place[name] = len(self._place)
                    self.columns[name] = _column(name, datatype, self.units.get(name, "1"))
            columns = np.array([self._place[names[i]] for i in kept], dtype=np.int64)
            too_many = len(names) - not_numeric - len(kept)
            plan = Plan(None if len(kept) == len(names) else kept, columns, not_numeric, too_many)
            if len(self._plans) >= MAX_PLANS:
                # Report by exception makes ever new combinations.
                self._plans.clear()
            self._plans[names] = plan
        return plan

    def _even(self, said: Sequence[Data], plans: Sequence[Plan], now_ms: int) -> Table | None:
        """Return the table of messages that all carry the same metrics, each at one time; None where they do not."""
        first = plans[0] if plans else None
        if first is None or first.kept is not None or any(plan is not first for plan in plans):
            return None
        times = []
        for data in said:
            stamps = data.timestamps_ms
            if data.qualities is not None or stamps.count(stamps[0]) != len(stamps):
                return None
            times.append(stamps[0])
        time_ms = np.array(times, dtype=np.int64)
        values = np.array([data.values for data in said], dtype=np.float64)
        late = time_ms[0] < EARLIEST_MS or time_ms[-1] > now_ms + MAX_AHEAD_MS or (np.diff(time_ms) <= 0).any()
        if late or len(first.columns) != len(self.columns) or not np.isfinite(values).all():
            return None
        placed = np.empty_like(values)
        placed[:, first.columns] = values
        return Table(time_ms, placed, None)

    def _uneven(
        self, said: Sequence[Data], plans: Sequence[Plan], now_ms: int, dropped: Callable[[Ground, int], None]
    ) -> Iterator[Table]:
        """Return tables of any messages: a row for each time, ABSENT where a metric was not said."""
        parts = [(data, plan) for data, plan in zip(said, plans, strict=True) if len(plan.columns)]
        if not parts:
            return
        times = np.concatenate([np.array(_some(d.timestamps_ms, p), dtype=np.int64) for d, p in parts])
        values = np.concatenate([np.array(_some(d.values, p), dtype=np.float64) for d, p in parts])
        places = np.concatenate([p.columns for _, p in parts])
        quality = np.concatenate([_qualities(d, p) for d, p in parts])
        ahead, old = times > now_ms + MAX_AHEAD_MS, times < EARLIEST_MS
        for wrong, ground in ((ahead, Ground.AHEAD), (old, Ground.TOO_OLD), (~np.isfinite(values), Ground.NOT_FINITE)):
            if wrong.any():
                dropped(ground, int(wrong.sum()))
        usable = ~(ahead | old)
        if not usable.any():
            return
        values, places, quality = values[usable], places[usable], quality[usable]
        rows, row = np.unique(times[usable], return_inverse=True)
        # Cut before the table is spread out: readings one by one make a row each, nearly all of it empty.
        height = _rows_at_once(len(self.columns))
        for first in range(0, len(rows), height):
            here = (row >= first) & (row < first + height)
            table = np.zeros((len(rows[first : first + height]), len(self.columns)))
            state = np.full(table.shape, np.uint8(Quality.ABSENT))
            # Assignment in order: of two values of one metric at one time the later said counts.
            table[row[here] - first, places[here]] = values[here]
            state[row[here] - first, places[here]] = quality[here]
            yield Table(rows[first : first + height], table, state if state.any() else None)


def _rows_at_once(columns: int) -> int:
    return max(1, BLOCK_VALUES // max(1, columns))


def _some(column: Sequence[T], plan: Plan) -> Sequence[T]:
    return column if plan.kept is None else [column[i] for i in plan.kept]


def _qualities(data: Data, plan: Plan) -> NDArray[np.uint8]:
    if data.qualities is None:
        return np.zeros(len(plan.columns), np.uint8)
    return np.array([_QUALITY.get(q, Quality.BAD) for q in _some(data.qualities, plan)], np.uint8)


def _column(name: str, datatype: DataType, unit: str) -> Column:
    if datatype is DataType.BOOLEAN:
        return Column(name, "1", 1.0, SignalKind.DIGITAL)
    return Column(name, unit, 1.0 if datatype in _INTEGERS else None)
