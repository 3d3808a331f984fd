"""History out of an InfluxDB of any version, asked in the portable part of InfluxQL."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.influx import literal, quoted
from orewatch.storage.influx_names import clean, field_name, original_field, original_name
from orewatch.storage.line_protocol import QUALITY_MEASUREMENT, ROLLUP_SUFFIX
from orewatch.storage.query import HOUR_MS, MINUTE_MS, Aggregate, Latest, Series, Table, empty_series
from orewatch.storage.rollups import Windows, regroup
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from orewatch.storage.influx import InfluxServer, Rows
    from orewatch.storage.query import Query

# What is younger or shorter is answered from the raw scans: they are there first, and complete.
_RAW_SPAN_MS: Final = 2 * 86_400_000
_NAMES_KEPT_S: Final = 60.0
_OWN: Final = (QUALITY_MEASUREMENT, "unit_state", "alert", "event", "unit_info")
_QUALITY: Final = {code: quality for quality, code in SPARKPLUG_QUALITY.items() if quality is not Quality.ABSENT}


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
        self._clock = clock
        self._lock = threading.Lock()
        self._classes: dict[str, tuple[float, dict[str, list[str]]]] = {}

    def series(self, query: Query) -> Series:
        """Answer one query."""
        classes = self._machines(query.unit).get(clean(query.ref.machine), [])
        if not classes:
            return empty_series()
        if query.aggregate is Aggregate.RAW:
            return self._raw(query.unit, classes, query.ref.machine, [query.ref.signal], query.start_ms, query.end_ms)[
                query.ref.signal
            ]
        rolled = query.table is not Table.RAW
        if rolled and query.window_end_ms - query.window_start_ms > self._raw_span_ms:
            return self._from_rollups(query, classes)
        answer = self._from_raw(query, classes)
        # Raw scans that retention has removed live on in their rollups.
        return self._from_rollups(query, classes) if rolled and not len(answer) else answer

    def latest(self, unit: str) -> Mapping[SignalRef, Latest]:
        """Return the newest reading, by event time, of every signal of ``unit`` that ever had one."""
        wanted = sorted({cls for classes in self._machines(unit, fresh=True).values() for cls in classes})
        if not wanted:
            return {}
        where = f"WHERE unit = {literal(clean(unit))}"
        fields = self._server.query(";".join(f"SHOW FIELD KEYS FROM {quoted(cls)}" for cls in wanted))
        pairs = [
            (cls, str(row[0]))
            for cls, answer in zip(wanted, fields, strict=True)
            for rows in answer
            for row in rows.values
        ]
        statements = [f"SELECT last({quoted(name)}) FROM {quoted(cls)} {where} GROUP BY machine" for cls, name in pairs]
        statements.append(f"SELECT last(code) FROM {QUALITY_MEASUREMENT} {where} GROUP BY machine, signal")
        *answers, qualities = self._server.query(";".join(statements))
        newest: dict[SignalRef, Latest] = {}
        for (_, name), answer in zip(pairs, answers, strict=True):
            for rows in answer:
                ref = SignalRef(original_name(rows.tags["machine"]), original_field(name))
                when, value = rows.values[0]
                if ref not in newest or newest[ref].time_ms < when:
                    newest[ref] = Latest(int(when), float(value))
        for rows in qualities:
            ref = SignalRef(original_name(rows.tags["machine"]), original_name(rows.tags["signal"]))
            when, code = rows.values[0]
            quality = _QUALITY.get(int(code), Quality.BAD)
            if quality is not Quality.GOOD and (ref not in newest or newest[ref].time_ms < when):
                newest[ref] = Latest(int(when), None, quality)
        return newest

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> Mapping[SignalRef, Series]:
        """Return the raw series of several signals over ``[start_ms, end_ms)``; every asked signal is a key."""
        wanted: dict[str, list[str]] = {}
        for ref in dict.fromkeys(refs):
            wanted.setdefault(ref.machine, []).append(ref.signal)
        found: dict[SignalRef, Series] = {}
        machines = self._machines(unit)
        for machine, signals in wanted.items():
            classes = machines.get(clean(machine), [])
            answer = self._raw(unit, classes, machine, signals, start_ms, end_ms) if classes else {}
            found.update({SignalRef(machine, s): answer.get(s, empty_series()) for s in signals})
        return found

    def _machines(self, unit: str, *, fresh: bool = False) -> dict[str, list[str]]:
        """Return the classes under which each machine of ``unit`` has ever been written."""
        now = self._clock()
        with self._lock:
            kept = self._classes.get(unit)
        # A unit without machines is not remembered: its first block may come any moment.
        if kept and not fresh and now - kept[0] < _NAMES_KEPT_S:
            return kept[1]
        (answer,) = self._server.query(f'SHOW TAG VALUES WITH KEY = "machine" WHERE unit = {literal(clean(unit))}')
        machines: dict[str, list[str]] = {}
        for rows in answer:
            if rows.measurement in _OWN or rows.measurement.endswith(tuple(ROLLUP_SUFFIX.values())):
                continue
            for _, machine in rows.values:
                machines.setdefault(machine, []).append(rows.measurement)
        with self._lock:
            if machines:
                self._classes[unit] = (now, machines)
        return machines

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

    def _from_rollups(self, query: Query, classes: Sequence[str]) -> Series:
        step = MINUTE_MS if query.table is Table.MINUTE else HOUR_MS
        name = clean(query.ref.signal)
        fields = ", ".join(quoted(f"{part}_{name}") for part in ("mean", "min", "max", "count", "last"))
        tables = [cls + ROLLUP_SUFFIX[step] for cls in classes]
        window = _where(query.unit, query.ref.machine, query.window_start_ms, query.window_end_ms)
        (answer,) = self._server.query(f"SELECT {fields} {_from(tables)} {window}")
        mean, low, high, count, last = (_joined(answer, i + 1) for i in range(5))
        # Windows written before it was kept have no last value.
        lasts = np.full(len(mean), np.nan)
        lasts[np.searchsorted(mean.time_ms, last.time_ms)] = last.values
        windows = Windows(mean.time_ms, mean.values, low.values, high.values, count.values.astype(np.int64), lasts)
        joined = regroup(windows, query.step_ms or step)
        values = joined.of(query.aggregate)
        known = ~np.isnan(values)
        return Series(joined.time_ms[known], values[known], query.table)


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
