"""Retention: raw blocks are deleted by the age of their scans, windows by their own, a little at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from orewatch.storage.pruned import add_pruned
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from orewatch.storage.database import Database
    from orewatch.storage.journal import Journal

# One short transaction each time: commits of new blocks wait for no longer than this takes.
BLOCKS_AT_ONCE: Final = 500
WINDOWS_AT_ONCE: Final = 2_000
SERIES_AT_ONCE: Final = 50
# So far behind, a projection decides alone what may go: looking at each block that it owes would take too long.
MOST_BEHIND: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How long raw scans, windows of a minute and windows of an hour are kept, in ms of event time."""

    raw_ms: int
    minutes_ms: int
    hours_ms: int


def newest_scan(journal: Journal) -> int:
    """Return the newest event time of all blocks kept; 0 where there are none."""
    rows: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT MAX((SELECT MAX(b.last_ms) FROM blocks b WHERE b.spool = s.id)) FROM spools s"
    )
    return int(rows[0][0] or 0)


def prune_blocks(
    journal: Journal,
    *,
    projections: Sequence[str],
    scanned_before_ms: int,
    received_before_ms: int,
    at_most: int = BLOCKS_AT_ONCE,
) -> int:
    """Delete blocks whose scans all lie before ``scanned_before_ms`` and that came before ``received_before_ms``.

    Only what every projection named has, and only where no window is owed a new rollup: a window must never have
    to be made of a part. Returns how many. Their numbers stay known, so that a late resend is a duplicate.
    """
    passed = min((journal.position(name) for name in projections), default=0)
    if not passed or journal.newest_position() - passed > MOST_BEHIND:
        return 0
    names = ", ".join("?" * len(projections))
    with journal.database.write() as cursor:
        owed = _owed_hours(cursor, passed, scanned_before_ms)
        rows: list[tuple[Any, ...]] = cursor.execute(
            "SELECT s.unit, b.spool, b.number, b.position, b.first_ms, b.last_ms"
            # CROSS: spool by spool along the index of times, whatever the planner thinks of it.
            " FROM spools s CROSS JOIN blocks b ON b.spool = s.id"
            " WHERE b.last_ms < ? AND b.received_ms < ? AND b.position <= ?"
            f" AND NOT EXISTS (SELECT 1 FROM dirty d WHERE d.projection IN ({names}) AND d.unit = s.unit"
            " AND d.step_ms IN (?, ?) AND d.window > b.first_ms - d.step_ms AND d.window <= b.last_ms)"
            " LIMIT ?",
            (scanned_before_ms, received_before_ms, passed, *projections, MINUTE_MS, HOUR_MS, at_most),
        ).fetchall()
        doomed = sorted(row for row in rows if owed.isdisjoint(_hours(row[0], row[4], row[5])))
        cursor.executemany("DELETE FROM blocks WHERE position = ?", [(row[3],) for row in doomed])
        for unit, mine in groupby(doomed, key=lambda row: row[0]):
            add_pruned(cursor, unit, [(row[4], row[5]) for row in mine])
        for spool, numbered in groupby(doomed, key=lambda row: row[1]):
            for first, last in _ranges(row[2] for row in numbered):
                _add_numbers(cursor, spool, first, last)
    return len(doomed)


def _owed_hours(cursor: sqlite3.Cursor, passed: int, before_ms: int) -> set[tuple[str, int]]:
    """Return the hours, by unit, that blocks touch which some projection does not have yet."""
    late = cursor.execute(
        "SELECT s.unit, b.first_ms, b.last_ms FROM blocks b JOIN spools s ON s.id = b.spool"
        " WHERE b.position > ? AND b.first_ms < ?",
        (passed, before_ms),
    )
    return {hour for row in late for hour in _hours(*row)}


def _hours(unit: str, first_ms: int, last_ms: int) -> set[tuple[str, int]]:
    return {(unit, hour) for hour in range(first_ms // HOUR_MS, last_ms // HOUR_MS + 1)}


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _add_numbers(cursor: sqlite3.Cursor, spool: int, first: int, last: int) -> None:
    left = cursor.execute("SELECT first FROM pruned WHERE spool = ? AND last = ?", (spool, first - 1)).fetchone()
    right = cursor.execute("SELECT last FROM pruned WHERE spool = ? AND first = ?", (spool, last + 1)).fetchone()
    cursor.execute("DELETE FROM pruned WHERE spool = ? AND first = ?", (spool, last + 1))
    row = (spool, left[0] if left else first, right[0] if right else last)
    cursor.execute("INSERT OR REPLACE INTO pruned VALUES (?, ?, ?)", row)


def pruned_key(step_ms: int) -> str:
    """Return the name under which a file of rollups tells before which time windows of ``step_ms`` may be deleted."""
    return f"pruned_{step_ms}"


def windows_from(database: Database, step_ms: int) -> int:
    """Return the time from which on no window of ``step_ms`` is deleted."""
    rows: list[tuple[Any, ...]] = database.rows("SELECT value FROM meta WHERE key = ?", (pruned_key(step_ms),))
    return int(rows[0][0]) if rows else 0


class WindowPruning:
    """Deletes windows past their level from a file of rollups: a few signals at a time, all of them once an hour."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._done_ms: dict[int, int] = {}
        self._after: dict[int, int] = {}

    @property
    def under_way(self) -> bool:
        """Whether a round through all signals has begun and is not at its end."""
        return any(self._after.values())

    def step(self, step_ms: int, before_ms: int) -> int:
        """Delete some windows of ``step_ms`` that start before ``before_ms``; returns how many."""
        before_ms = before_ms // HOUR_MS * HOUR_MS
        if before_ms <= self._done_ms.get(step_ms, 0):
            return 0
        after = self._after.get(step_ms, 0)
        numbers: list[tuple[Any, ...]] = self._database.rows(
            "SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?", (after, SERIES_AT_ONCE)
        )
        deleted = 0
        with self._database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (pruned_key(step_ms), str(before_ms)))
            for (series,) in numbers:
                cursor.execute(
                    "DELETE FROM windows WHERE (series, step_ms, window) IN (SELECT series, step_ms, window"
                    " FROM windows WHERE series = ? AND step_ms = ? AND window < ? ORDER BY window LIMIT ?)",
                    (series, step_ms, before_ms, WINDOWS_AT_ONCE - deleted),
                )
                deleted += cursor.rowcount
                if deleted >= WINDOWS_AT_ONCE:
                    break
                after = series
        self._after[step_ms] = after
        if len(numbers) < SERIES_AT_ONCE and deleted < WINDOWS_AT_ONCE:
            self._done_ms[step_ms], self._after[step_ms] = before_ms, 0
        return deleted
