"""What retention has deleted of each unit's scans, as spans of whole minutes: a window they touch is no longer whole.

A span says that a block with scans there is gone. Outside of the spans everything that ever came is still here,
so late data of a time in which nothing was deleted is counted as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from orewatch.storage.query import MINUTE_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from orewatch.storage.database import Database

SPANS_KEPT: Final = 1000


def add_pruned(cursor: sqlite3.Cursor, unit: str, spans: Iterable[tuple[int, int]]) -> None:
    """Note that blocks of ``unit`` with scans from ``first_ms`` to ``last_ms``, both included, are deleted."""
    for first_ms, last_ms in spans:
        first, end = first_ms // MINUTE_MS * MINUTE_MS, (last_ms // MINUTE_MS + 1) * MINUTE_MS
        near = cursor.execute(
            "SELECT MIN(first_ms), MAX(end_ms) FROM pruned_spans WHERE unit = ? AND first_ms <= ? AND end_ms >= ?",
            (unit, end, first),
        ).fetchone()
        if near[0] is not None:
            cursor.execute(
                "DELETE FROM pruned_spans WHERE unit = ? AND first_ms <= ? AND end_ms >= ?", (unit, end, first)
            )
            first, end = min(first, near[0]), max(end, near[1])
        cursor.execute("INSERT INTO pruned_spans VALUES (?, ?, ?)", (unit, first, end))
    _keep_few(cursor, unit)


def _keep_few(cursor: sqlite3.Cursor, unit: str) -> None:
    """Make one span of the older half where there are too many: the gaps between them then count as deleted, too."""
    ends = [
        row[0]
        for row in cursor.execute(
            "SELECT end_ms FROM pruned_spans WHERE unit = ? ORDER BY first_ms", (unit,)
        ).fetchall()
    ]
    if len(ends) > SPANS_KEPT:
        end = ends[len(ends) // 2]
        cursor.execute("DELETE FROM pruned_spans WHERE unit = ? AND end_ms <= ?", (unit, end))
        cursor.execute("INSERT INTO pruned_spans VALUES (?, 0, ?)", (unit, end))


def contested(database: Database, unit: str, starts: Sequence[int], step_ms: int) -> set[int]:
    """Return which of the windows, given by their starts, scans have been deleted of."""
    if not starts:
        return set()
    spans = _spans(database, unit, min(starts), max(starts) + step_ms)
    return {start for start in starts if any(first < start + step_ms and end > start for first, end in spans)}


def complete_from(database: Database, unit: str, start_ms: int, end_ms: int) -> int | None:
    """Return from when on, in ``[start_ms, end_ms)``, every scan that came is here; None where all are."""
    spans = _spans(database, unit, start_ms, end_ms)
    return min(max(end for _, end in spans), end_ms) if spans else None


def pruned_until(database: Database, unit: str) -> int:
    """Return the event time from which on nothing of ``unit`` is deleted; 0 where nothing ever was."""
    rows: list[tuple[Any, ...]] = database.rows("SELECT MAX(end_ms) FROM pruned_spans WHERE unit = ?", (unit,))
    return int(rows[0][0] or 0)


def _spans(database: Database, unit: str, start_ms: int, end_ms: int) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT first_ms, end_ms FROM pruned_spans WHERE unit = ? AND first_ms < ? AND end_ms > ?",
        (unit, end_ms, start_ms),
    )
