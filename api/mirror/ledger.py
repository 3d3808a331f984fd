"""What the mirror owes the store, in an SQLite file of its own: hours to be computed anew, and how far it has come.

Kept is what is owed, never the points: they are computed from history when their turn has come. An hour of a unit
stands here once, however often it is touched, so units times hours of raw retention is all there can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from api.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIRST = """
CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE hour (
    hour_ms INTEGER NOT NULL,
    unit TEXT NOT NULL,
    touched_ms INTEGER NOT NULL,
    PRIMARY KEY (hour_ms, unit)
) WITHOUT ROWID;
CREATE TABLE place (
    unit TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    site TEXT NOT NULL,
    province TEXT NOT NULL,
    mineral TEXT NOT NULL,
    PRIMARY KEY (unit, from_ms)
) WITHOUT ROWID;
CREATE TABLE info (unit TEXT PRIMARY KEY, day INTEGER NOT NULL, told TEXT NOT NULL) WITHOUT ROWID;
"""


class OwedHour(NamedTuple):
    """An hour of a unit that is owed; ``touched_ms``: when data for it came last, 0 where none has."""

    hour_ms: int
    unit: str
    touched_ms: int = 0


class Due(NamedTuple):
    """Which hours' time has come: begun before ``before_ms``, and no data came for them since ``quiet_ms``.

    What was touched after ``now_ms`` was so by a clock that has been set back since: that is no reason to wait.
    """

    before_ms: int
    quiet_ms: int
    now_ms: int


_DUE = "hour_ms < ? AND (touched_ms <= ? OR touched_ms > ?)"


class Ledger(Database):
    """The file. Each method is one transaction, or part of the caller's."""

    STEPS: ClassVar[tuple[str, ...]] = (_FIRST,)

    def marks(self) -> dict[str, int]:
        """Return every mark by name."""
        return {row["name"]: row["value"] for row in self.rows("SELECT name, value FROM mark")}

    def set_mark(self, name: str, value: int) -> None:
        """Remember a mark."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (name, value))

    def owe(self, hours: Iterable[OwedHour]) -> None:
        """Note hours as owed; those that are already were touched once more."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO hour VALUES (?, ?, ?) ON CONFLICT (hour_ms, unit)"
                " DO UPDATE SET touched_ms = max(touched_ms, excluded.touched_ms)",
                hours,
            )

    def due(self, when: Due, limit: int) -> list[OwedHour]:
        """Return owed hours whose time has come, the newest first."""
        rows = self.rows(
            f"SELECT hour_ms, unit, touched_ms FROM hour WHERE {_DUE} ORDER BY hour_ms DESC LIMIT ?", (*when, limit)
        )
        return [OwedHour(*row) for row in rows]

    def settle(self, hours: Iterable[OwedHour]) -> None:
        """Forget hours that are written."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM hour WHERE hour_ms = ? AND unit = ?", [one[:2] for one in hours])

    def forget_before(self, oldest_ms: int) -> int:
        """Forget hours that cannot be computed any more; returns how many."""
        with self.transaction() as connection:
            return connection.execute("DELETE FROM hour WHERE hour_ms < ?", (oldest_ms,)).rowcount

    def forget_from(self, first_ms: int) -> None:
        """Forget hours that are not over yet after all."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM hour WHERE hour_ms >= ?", (first_ms,))

    def owed(self, when: Due) -> tuple[int, int]:
        """Return of how many owed hours the time has come, and how many are owed in all."""
        (row,) = self.rows(f"SELECT count(*) AS n, coalesce(sum({_DUE}), 0) AS due FROM hour", when)
        return row["due"], row["n"]
