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
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from orewatch.sparkplug.actions import Data
    from orewatch.telemetry.schema import ScanGroup

T = TypeVar("T")

MAX_COLUMNS: Final = 256
MAX_PLANS: Final = 256
_INTEGERS: Final = frozenset(range(DataType.INT8, DataType.UINT64 + 1))
_NUMERIC: Final = _INTEGERS | {DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN}
_QUALITY: Final = {192: Quality.GOOD, 500: Quality.STALE}


class Plan(NamedTuple):
    """Which metrics of a message are recorded (``kept`` None: all), and in which columns."""

    kept: list[int] | None
    columns: NDArray[np.int64]


class Table(NamedTuple):
    """A device's readings as rows by time: int64[n], float64[n, k], and quality uint8[n, k] or None for all GOOD."""

    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint8] | None

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

    def table(self, now_ms: int, dropped: Callable[[Ground, int], None]) -> Table | None:
        """Return what was said as a table, and begin anew; ``dropped`` is told what was left out and why."""
        said, self.said = self.said, []
        plans = [self._plan(data) for data in said]
        for data, plan in zip(said, plans, strict=True):
            if plan.kept is not None:
                dropped(Ground.NOT_NUMERIC, len(data.names) - len(plan.kept))
        return self._even(said, plans, now_ms) or self._uneven(said, plans, now_ms, dropped)

    def _plan(self, data: Data) -> Plan:
        names = tuple(data.names)
        plan = self._plans.get(names)
        if plan is None:
            kept = []
            for i, (name, datatype) in enumerate(zip(names, data.datatypes, strict=True)):
                if datatype not in _NUMERIC or (name not in self._place and len(self._place) >= MAX_COLUMNS):
                    continue
                kept.append(i)
                if name not in self._place:
                    self._place[name] = len(self._place)
                    self.columns[name] = _column(name, datatype, self.units.get(name, "1"))
            columns = np.array([self._place[names[i]] for i in kept], dtype=np.int64)
            plan = Plan(None if len(kept) == len(names) else kept, columns)
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
    ) -> Table | None:
        """Return the table of any messages: a row for each time, ABSENT where a metric was not said."""
        parts = [(data, plan) for data, plan in zip(said, plans, strict=True) if len(plan.columns)]
        if not parts:
            return None
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
            return None
        rows, row = np.unique(times[usable], return_inverse=True)
        table = np.zeros((len(rows), len(self.columns)))
        state = np.full(table.shape, np.uint8(Quality.ABSENT))
        # Assignment in order: of two values of one metric at one time the later said counts.
        table[row, places[usable]] = values[usable]
        state[row, places[usable]] = quality[usable]
        return Table(rows, table, state if state.any() else None)


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
