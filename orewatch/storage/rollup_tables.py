"""The embedded store's own file: rolled-up windows and newest values, beside the journal.

A projection of the journal like any other, computable again for as long as the journal has the scans. Its name holds
the file's UUID: a file that was deleted comes back under another name, which begins at position 0. So does a file of
an earlier layout: what it holds stays readable, and all windows whose blocks the journal still has are computed again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self, cast

import numpy as np

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.database import Database, DatabaseError
from orewatch.storage.hours import hours_of_minutes
from orewatch.storage.newest import bearing_news, merge_newest
from orewatch.storage.projection import WriteOutcome
from orewatch.storage.query import Latest
from orewatch.storage.rollup_rows import FIELDS, packed, unpacked
from orewatch.storage.rollups import Windows
from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orewatch.storage.projection import DecodedBlock, RollupRows

_DDL: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('uuid', lower(hex(randomblob(16))));
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, machine TEXT NOT NULL, names TEXT NOT NULL,
    UNIQUE (unit, machine, names)
);
CREATE TABLE IF NOT EXISTS windows (
    series INTEGER NOT NULL, step_ms INTEGER NOT NULL, window INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (series, step_ms, window)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (unit TEXT PRIMARY KEY, readings TEXT NOT NULL) WITHOUT ROWID;
"""
NAME_PREFIX: Final = "embedded-"
RETRY_S: Final = 1.0
# 2: with the last value of each window. What was written in layout 1 has shorter rows.
LAYOUT: Final = "2"


class RollupTables:
    """Windows and newest values in one SQLite file. Thread-safe; other processes may read it."""

    def __init__(self, *, database: Database) -> None:
        self.database = database
        if not database.read_only and database.rows("SELECT value FROM meta WHERE key = 'layout'") != [(LAYOUT,)]:
            with database.write() as cursor:
                cursor.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'uuid'")
                cursor.execute("INSERT OR REPLACE INTO meta VALUES ('layout', ?)", (LAYOUT,))

    @property
    def name(self) -> str:
        """The projection's name. A reader sees it change when the collector brings an older file up to date."""
        rows = self.database.rows("SELECT value FROM meta WHERE key = 'uuid'")
        return f"{NAME_PREFIX}{str(rows[0][0])[:8]}"

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the file at ``path``, creating it where it is missing."""
        # As durable as the journal, which notes that a window is settled.
        return cls(database=Database.open(path, _DDL, read_only=read_only))

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def put(self, rows: Sequence[RollupRows]) -> None:
        """Write windows; what is there for the same signals and windows is replaced."""
        with self.database.write() as cursor:
            for part in rows:
                series = self._series(cursor, part)
                table = [
                    (series, part.step_ms, int(window), data)
                    for window, data in zip(part.time_ms, packed(part), strict=True)
                ]
                cursor.executemany("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)", table)

    def _series(self, cursor: sqlite3.Cursor, part: RollupRows) -> int:
        names = json.dumps(part.names, ensure_ascii=False)
        others = cursor.execute(
            "SELECT id, names FROM series WHERE unit = ? AND machine = ?", (part.unit, part.machine)
        ).fetchall()
        known = {text: number for number, text in others}
        # After a change of schema the same signal may stand in another group: its old rows must not stay.
        for text, number in known.items():
            if text != names and set(json.loads(text)) & set(part.names):
                cursor.executemany(
                    "DELETE FROM windows WHERE series = ? AND step_ms = ? AND window = ?",
                    [(number, part.step_ms, int(w)) for w in part.time_ms],
                )
        if names not in known:
            cursor.execute(
                "INSERT INTO series (unit, machine, names) VALUES (?, ?, ?)", (part.unit, part.machine, names)
            )
            return cast("int", cursor.lastrowid)
        return cast("int", known[names])

    def windows(self, unit: str, ref: SignalRef, step_ms: int, start_ms: int, end_ms: int) -> Windows:
        """Return one signal's windows that start in ``[start_ms, end_ms)``, ascending."""
        times: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        parts: list[NDArray[np.float64]] = [np.empty((len(FIELDS), 0))]
        for number, text in self.database.rows(
            "SELECT id, names FROM series WHERE unit = ? AND machine = ?", (unit, ref.machine)
        ):
            names = json.loads(str(text))
            if ref.signal not in names:
                continue
            rows: list[tuple[Any, ...]] = self.database.rows(
                "SELECT window, data FROM windows WHERE series = ? AND step_ms = ? AND window >= ? AND window < ?",
                (number, step_ms, start_ms, end_ms),
            )
            times.append(np.array([r[0] for r in rows], np.int64))
            fields, at = unpacked([r[1] for r in rows], len(names)), names.index(ref.signal)
            parts.append(np.stack([fields[name][:, at] for name in FIELDS]))
        time_ms, table = np.concatenate(times), np.concatenate(parts, axis=1)
        some = np.flatnonzero(table[FIELDS.index("count")])
        order = some[np.argsort(time_ms[some], kind="stable")]
        mean, low, high, count, last = table[:, order]
        return Windows(time_ms[order], mean, low, high, count.astype(np.int64), last)

    def latest(self, unit: str) -> dict[SignalRef, Latest]:
        """Return the newest readings of a unit, as of the projection's position."""
        rows = self.database.rows("SELECT readings FROM latest WHERE unit = ?", (unit,))
        return _readings(str(rows[0][0])) if rows else {}

    def put_latest(self, readings: dict[str, dict[SignalRef, Latest]]) -> None:
        """Write the newest readings of several units."""
        with self.database.write() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO latest VALUES (?, ?)",
                [(unit, _text(newest)) for unit, newest in readings.items()],
            )

    def forget(self) -> None:
        """Empty all tables, before everything is projected again."""
        with self.database.write() as cursor:
            for table in ("windows", "series", "latest"):
                cursor.execute(f"DELETE FROM {table}")


class EmbeddedProjection:
    """Writes journaled blocks into :class:`RollupTables`."""

    def __init__(self, *, tables: RollupTables) -> None:
        self._tables = tables
        self._latest: dict[str, dict[SignalRef, Latest]] = {}

    @property
    def name(self) -> str:
        """The name under which the journal keeps this projection's position."""
        return self._tables.name

    def write(self, blocks: Sequence[DecodedBlock]) -> WriteOutcome:
        """Bring the newest values up to date."""
        changed: dict[str, dict[SignalRef, Latest]] = {}
        try:
            for block in bearing_news(blocks):
                unit = block.header.unit
                newest = self._latest.get(unit)
                if newest is None:
                    newest = self._latest[unit] = self._tables.latest(unit)
                merge_newest(newest, block)
                changed[unit] = newest
            self._tables.put_latest(changed)
        except DatabaseError as error:
            self._latest.clear()
            return WriteOutcome(written=0, retry=True, wait_s=RETRY_S, detail=str(error))
        return WriteOutcome(written=len(blocks))

    def hours(self, unit: str, hours: Sequence[int]) -> tuple[list[RollupRows], set[int]]:
        """Return rows of these hours, made of minutes, and the hours that blocks must make; :class:`DatabaseError`."""
        return hours_of_minutes(self._tables.database, unit, hours)

    def write_rollups(self, rows: Sequence[RollupRows]) -> WriteOutcome:
        """Write rolled-up windows."""
        try:
            self._tables.put(rows)
        except DatabaseError as error:
            return WriteOutcome(written=0, retry=True, wait_s=RETRY_S, detail=str(error))
        return WriteOutcome(written=len(rows))


def _text(newest: dict[SignalRef, Latest]) -> str:
    rows = [[ref.machine, ref.signal, r.time_ms, r.value, int(r.quality)] for ref, r in newest.items()]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def _readings(text: str) -> dict[SignalRef, Latest]:
    return {
        SignalRef(machine, signal): Latest(time_ms, value, Quality(quality))
        for machine, signal, time_ms, value, quality in json.loads(text)
    }
