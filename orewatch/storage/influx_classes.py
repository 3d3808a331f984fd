"""Which machine classes and signals an InfluxDB knows: remembered for a minute, because asking costs more than reading.

A class shows in any level: raw scans that retention has removed are still known by their rollups.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from orewatch.storage.influx import literal, quoted
from orewatch.storage.influx_names import clean
from orewatch.storage.levels import Level
from orewatch.storage.line_protocol import QUALITY_MEASUREMENT, ROLLUP_SUFFIX
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orewatch.storage.influx import InfluxServer, Rows

KEPT_S: Final = 60.0
OWN: Final = frozenset({QUALITY_MEASUREMENT, "unit_state", "alert", "event", "unit_info", "health"})
"""Measurements of ours that are no machine classes."""


def class_of(measurement: str) -> str | None:
    """Return the machine class behind a measurement, raw or rolled up; None for those of our own."""
    for suffix in ROLLUP_SUFFIX.values():
        measurement = measurement.removesuffix(suffix)
    return None if measurement in OWN else measurement


def rows_of_level(server: InfluxServer, statement: str, level: Level) -> Sequence[Rows]:
    """Return the answer to one statement; a level of rollups that nobody has made yet has none."""
    try:
        (answer,) = server.query(statement, level=level)
    except StoreError as error:
        if level is Level.RAW or "not found" not in str(error):
            raise
        return []
    return answer


class Classes:
    """The classes of each unit's machines, and the fields of each class. Thread-safe. ``clock`` (s) ages them."""

    def __init__(self, *, server: InfluxServer, clock: Callable[[], float]) -> None:
        self._server = server
        self._clock = clock
        self._lock = threading.Lock()
        self._machines: dict[str, tuple[float, dict[str, list[str]]]] = {}
        self._fields: dict[str, tuple[float, list[str]]] = {}

    def machines(self, unit: str) -> Mapping[str, Sequence[str]]:
        """Return, by stored name, the classes under which each machine of ``unit`` has raw scans."""
        now = self._clock()
        with self._lock:
            kept = self._machines.get(unit)
        # A unit without machines is not remembered: its first block may come any moment.
        if kept and now - kept[0] < KEPT_S:
            return kept[1]
        machines = self._asked(unit, Level.RAW)
        if machines:
            with self._lock:
                self._machines[unit] = (now, machines)
        return machines

    def of(self, unit: str, machine: str) -> Sequence[str]:
        """Return the classes under which one machine has ever been written."""
        name = clean(machine)
        found = self.machines(unit).get(name, [])
        # A 2.x names only what is in the bucket: a machine of last year is in those of minutes and hours.
        for level in (Level.MINUTES, Level.HOURS):
            if not found:
                found = self._asked(unit, level).get(name, [])
        return found

    def _asked(self, unit: str, level: Level) -> dict[str, list[str]]:
        statement = f'SHOW TAG VALUES WITH KEY = "machine" WHERE unit = {literal(clean(unit))}'
        machines: dict[str, list[str]] = {}
        for rows in rows_of_level(self._server, statement, level):
            cls = class_of(rows.measurement)
            if cls is None:
                continue
            for _, machine in rows.values:
                known = machines.setdefault(machine, [])
                if cls not in known:
                    known.append(cls)
        return machines

    def fields(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the fields of each class."""
        now = self._clock()
        with self._lock:
            known = {cls: kept[1] for cls in classes if (kept := self._fields.get(cls)) and now - kept[0] < KEPT_S}
        missing = [cls for cls in classes if cls not in known]
        if missing:
            answers = self._server.query(";".join(f"SHOW FIELD KEYS FROM {quoted(cls)}" for cls in missing))
            asked = {
                cls: [str(row[0]) for rows in answer for row in rows.values]
                for cls, answer in zip(missing, answers, strict=True)
            }
            with self._lock:
                self._fields.update({cls: (now, names) for cls, names in asked.items() if names})
            known |= asked
        return known
