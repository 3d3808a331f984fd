"""History out of an InfluxDB of any version, asked in the portable part of InfluxQL.

One table per answer: raw scans for short spans, otherwise the coarsest rollup that the step allows. Where retention
has taken what a span begins with, the next coarser table answers, if it still has it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.coarser import answered
from orewatch.storage.influx import literal, quoted
from orewatch.storage.influx_classes import Classes, rows_of_level
from orewatch.storage.influx_latest import LatestReadings
from orewatch.storage.influx_names import clean, field_name
from orewatch.storage.levels import Level
from orewatch.storage.line_protocol import ROLLUP_SUFFIX
from orewatch.storage.query import Aggregate, Series, Table, empty_series
from orewatch.storage.rollups import Windows, regroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from orewatch.storage.influx import InfluxServer, Rows
    from orewatch.storage.query import Latest, Query

# What is younger or shorter is answered from the raw scans: they are there first, and complete.
_RAW_SPAN_MS: Final = 2 * 86_400_000
_LEVEL: Final = {Table.MINUTE: Level.MINUTES, Table.HOUR: Level.HOURS}
# What a rollup must be asked for to answer each; an answer half as wide comes in half the time.
_PARTS: Final = {
    Aggregate.MEAN: ("mean", "count"),
    Aggregate.MIN: ("min", "count"),
    Aggregate.MAX: ("max", "count"),
    Aggregate.COUNT: ("count",),
    Aggregate.LAST: ("last", "count"),
}


class InfluxStore:
    """The InfluxDB history store. Thread-safe. ``clock`` (seconds) only ages the names that are remembered."""

    def __init__(
        self,
        *,
        server: InfluxServer,
        raw_span_ms: int = _RAW_SPAN_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._raw_span_ms = raw_span_ms
        self._classes = Classes(server=server, clock=clock)
        self._latest = LatestReadings(server=server, classes=self._classes, clock=clock)

    def series(self, query: Query) -> Series:
        """Answer one query."""
        classes = self._classes.of(query.unit, query.ref.machine)
        if not classes:
            return empty_series()
        if query.aggregate is Aggregate.RAW:
            return self._raw(query.unit, classes, query.ref.machine, [query.ref.signal], query.start_ms, query.end_ms)[
                query.ref.signal
            ]
        if query.aggregate not in _PARTS:
            return self._from_raw(query, classes)
        return answered(query, self._tables(query), lambda table: self._from(table, query, classes))

    def latest(self, unit: str) -> Mapping[SignalRef, Latest]:
        """Return the newest reading, by event time, of every signal of ``unit`` that ever had one."""
        return self._latest.of(unit)

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> Mapping[SignalRef, Series]:
        """Return the raw series of several signals over ``[start_ms, end_ms)``; every asked signal is a key."""
        wanted: dict[str, list[str]] = {}
        for ref in dict.fromkeys(refs):
            wanted.setdefault(ref.machine, []).append(ref.signal)
        found: dict[SignalRef, Series] = {}
        for machine, signals in wanted.items():
            classes = self._classes.of(unit, machine)
            answer = self._raw(unit, classes, machine, signals, start_ms, end_ms) if classes else {}
            found.update({SignalRef(machine, s): answer.get(s, empty_series()) for s in signals})
        return found

    def _tables(self, query: Query) -> list[Table]:
        """Return the tables that may answer, the first choice first, then ever coarser ones."""
        coarse = [Table.HOUR] if query.table is Table.HOUR else [Table.MINUTE, Table.HOUR]
        short = query.window_end_ms - query.window_start_ms <= self._raw_span_ms
        return [Table.RAW, *coarse] if short or query.table is Table.RAW else coarse

    def _from(self, table: Table, query: Query, classes: Sequence[str]) -> Series:
        return self._from_raw(query, classes) if table is Table.RAW else self._from_rollups(query, classes, table)

    def _raw(
        self, unit: str, classes: Sequence[str], machine: str, signals: Sequence[str], start_ms: int, end_ms: int
    ) -> dict[str, Series]:
        fields = ", ".join(quoted(field_name(s)) for s in signals)
        (answer,) = self._server.query(f"SELECT {fields} {_from(classes)} {_where(unit, machine, start_ms, end_ms)}")
        return {s: _joined(answer, i + 1) for i, s in enumerate(signals)}

    def _from_raw(self, query: Query, classes: Sequence[str]) -> Series:
        window = _where(query.unit, query.ref.machine, query.window_start_ms, query.window_end_ms)
        field = quoted(field_name(query.ref.signal))
        (answer,) = self._server.query(
            f"SELECT {query.aggregate}({field}) {_from(classes)} {window} GROUP BY time({query.step_ms}ms) fill(none)"
        )
        series = _joined(answer, 1)
        if query.aggregate is not Aggregate.COUNT:
            return series
        # Some versions count 0 where nothing is.
        some = series.values > 0
        return Series(series.time_ms[some], series.values[some])

    def _from_rollups(self, query: Query, classes: Sequence[str], table: Table) -> Series:
        # A table coarser than the step answers in its own windows, those the span touches.
        own_ms, step_ms = table.step_ms, query.step_in(table)
        start_ms, end_ms = query.window_start_ms // own_ms * own_ms, -(-query.window_end_ms // own_ms) * own_ms
        name = clean(query.ref.signal)
        parts = _PARTS[query.aggregate]
        fields = ", ".join(quoted(f"{part}_{name}") for part in parts)
        tables = [cls + ROLLUP_SUFFIX[own_ms] for cls in classes]
        statement = f"SELECT {fields} {_from(tables)} {_where(query.unit, query.ref.machine, start_ms, end_ms)}"
        answer = rows_of_level(self._server, statement, _LEVEL[table])
        columns = {part: _joined(answer, i + 1) for i, part in enumerate(parts)}
        count, value = columns["count"], columns[parts[0]]
        # Windows written before it was kept have no last value.
        values = np.full(len(count), np.nan)
        values[np.searchsorted(count.time_ms, value.time_ms)] = value.values
        windows = Windows(count.time_ms, values, values, values, count.values.astype(np.int64), values)
        joined = regroup(windows, step_ms)
        wanted = joined.of(query.aggregate)
        known = ~np.isnan(wanted)
        return Series(joined.time_ms[known], wanted[known], table)


def _from(classes: Sequence[str]) -> str:
    return "FROM " + ", ".join(map(quoted, classes))


def _where(unit: str, machine: str, start_ms: int, end_ms: int) -> str:
    tags = f"unit = {literal(clean(unit))} AND machine = {literal(clean(machine))}"
    return f"WHERE {tags} AND time >= {start_ms}ms AND time < {end_ms}ms"


def _joined(answer: Sequence[Rows], column: int) -> Series:
    """Return one column of an answer, without nulls, in order of time, each time once (the last one counts)."""
    pairs = [(row[0], row[column]) for rows in answer for row in rows.values if row[column] is not None]
    if not pairs:
        return empty_series()
    times: NDArray[np.int64] = np.array([t for t, _ in pairs], dtype=np.int64)
    values: NDArray[np.float64] = np.array([v for _, v in pairs], dtype=np.float64)
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    last = np.append(times[1:] != times[:-1], True)
    return Series(times[last], values[last])
