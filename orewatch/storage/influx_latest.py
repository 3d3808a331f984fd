"""The newest readings of a unit out of an InfluxDB, quickly.

Asking ``last()`` of fifty signals opens every file of the server fifty times. The newest few rows of each machine hold
nearly all of it and cost one look; only signals missing there (slower ones, dead ones) are asked for one by one, no
further back than they are known to be.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.influx import literal, quoted
from orewatch.storage.influx_names import clean, original_field, original_name
from orewatch.storage.line_protocol import QUALITY_MEASUREMENT
from orewatch.storage.query import Latest
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orewatch.storage.influx import InfluxServer, Rows
    from orewatch.storage.influx_classes import Classes

_ROWS: Final = 3
# A signal that never was is looked for over all time so often: late blocks may bring one.
_NEVER_KEPT_S: Final = 300.0
_UNITS_KEPT: Final = 10_000
_QUALITY: Final = {code: quality for quality, code in SPARKPLUG_QUALITY.items() if quality is not Quality.ABSENT}


class _Known(NamedTuple):
    """From where on a signal is to be looked for: it has a value there, or (``until`` seconds) none before."""

    since_ms: int
    until_s: float


class _Place(NamedTuple):
    cls: str
    field: str
    machine: str


class LatestReadings:
    """Newest readings by unit. Thread-safe. ``clock`` (seconds) only ages what is remembered."""

    def __init__(self, *, server: InfluxServer, classes: Classes, clock: Callable[[], float]) -> None:
        self._server = server
        self._classes = classes
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, dict[_Place, _Known]] = {}

    def of(self, unit: str) -> Mapping[SignalRef, Latest]:
        """Return the newest reading, by event time, of every signal of ``unit`` that ever had one."""
        machines = self._classes.machines(unit)
        wanted = sorted({cls for classes in machines.values() for cls in classes})
        if not wanted:
            return {}
        fields = self._classes.fields(wanted)
        asked = [cls for cls in wanted if fields[cls]]
        where = f"WHERE unit = {literal(clean(unit))}"
        statements = [
            f"SELECT {', '.join(map(quoted, fields[cls]))} FROM {quoted(cls)} {where}"
            f" GROUP BY machine ORDER BY time DESC LIMIT {_ROWS}"
            for cls in asked
        ]
        statements.append(f"SELECT last(code) FROM {QUALITY_MEASUREMENT} {where} GROUP BY machine, signal")
        *answers, qualities = self._server.query(";".join(statements))
        newest: dict[_Place, Latest] = {}
        seen_ms: dict[tuple[str, str], int] = {}
        for cls, answer in zip(asked, answers, strict=True):
            for rows in answer:
                machine = rows.tags["machine"]
                seen_ms[cls, machine] = max(int(row[0]) for row in rows.values)
                newest.update(_of_rows(cls, machine, rows))
        places = [
            _Place(cls, field, machine)
            for machine, classes in machines.items()
            for cls in classes
            for field in fields[cls]
        ]
        newest |= self._one_by_one(unit, where, [p for p in places if p not in newest], seen_ms)
        return _with_quality(newest, qualities)

    def _one_by_one(
        self, unit: str, where: str, places: Sequence[_Place], seen_ms: Mapping[tuple[str, str], int]
    ) -> dict[_Place, Latest]:
        if not places:
            return {}
        now = self._clock()
        with self._lock:
            known = {p: k for p, k in self._known.get(unit, {}).items() if now < k.until_s}
        since: dict[tuple[str, str], int] = {}
        for place in places:
            from_ms = known[place].since_ms if place in known else 0
            since[place.cls, place.field] = min(since.get((place.cls, place.field), from_ms), from_ms)
        answers = self._server.query(
            ";".join(
                f"SELECT last({quoted(field)}) FROM {quoted(cls)} {where}"
                f"{f' AND time >= {from_ms}ms' if from_ms else ''} GROUP BY machine"
                for (cls, field), from_ms in since.items()
            )
        )
        found = {
            _Place(cls, field, rows.tags["machine"]): Latest(int(rows.values[0][0]), float(rows.values[0][1]))
            for (cls, field), answer in zip(since, answers, strict=True)
            for rows in answer
        }
        kept: dict[_Place, _Known] = {}
        for place in places:
            reading, before = found.get(place), known.get(place)
            if reading is not None:
                kept[place] = _Known(reading.time_ms, float("inf"))
            elif before is not None and before.until_s != float("inf"):
                kept[place] = before
            elif before is None:
                kept[place] = _Known(seen_ms.get((place.cls, place.machine), 0), now + _NEVER_KEPT_S)
        with self._lock:
            if len(self._known) >= _UNITS_KEPT:
                self._known.clear()
            self._known[unit] = kept
        return {place: reading for place, reading in found.items() if place in kept}


def _of_rows(cls: str, machine: str, rows: Rows) -> Iterator[tuple[_Place, Latest]]:
    """Give, of a machine's newest rows, the newest value of each field."""
    ordered = sorted(rows.values, key=lambda row: int(row[0]))
    for at, field in enumerate(rows.columns):
        for row in ordered if at else ():
            # The newest comes last, and is what stays.
            if row[at] is not None:
                yield _Place(cls, field, machine), Latest(int(row[0]), float(row[at]))


def _with_quality(newest: Mapping[_Place, Latest], qualities: Sequence[Rows]) -> dict[SignalRef, Latest]:
    """Return the readings by signal, with those that are not GOOD and newer than any value."""
    readings: dict[SignalRef, Latest] = {}
    for place, reading in newest.items():
        ref = SignalRef(original_name(place.machine), original_field(place.field))
        if ref not in readings or readings[ref].time_ms < reading.time_ms:
            readings[ref] = reading
    for rows in qualities:
        ref = SignalRef(original_name(rows.tags["machine"]), original_name(rows.tags["signal"]))
        when, code = rows.values[0]
        quality = _QUALITY.get(int(code), Quality.BAD)
        if quality is not Quality.GOOD and (ref not in readings or readings[ref].time_ms < when):
            readings[ref] = Latest(int(when), None, quality)
    return readings
