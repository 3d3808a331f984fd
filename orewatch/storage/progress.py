"""How far a projection has come: its position in the journal, and the windows it still owes a new rollup.

Both change in one transaction, so that a projection killed between its writes goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orewatch.storage.database import Database


class DirtyWindow(NamedTuple):
    """A window that blocks have touched since it was last rolled up."""

    unit: str
    step_ms: int
    start_ms: int


class Progress:
    """One projection's progress, kept in the journal's file."""

    def __init__(self, *, database: Database, projection: str) -> None:
        self._database = database
        self._name = projection

    def advance(self, before: int, position: int, dirty: Iterable[DirtyWindow]) -> bool:
        """Remember the new position, and the windows that the blocks between ``before`` and it have touched.

        False, with nothing changed, where the position is no longer ``before``: somebody sent it elsewhere.
        """
        with self._database.write() as cursor:
            cursor.execute("INSERT OR IGNORE INTO projections VALUES (?, 0)", (self._name,))
            cursor.execute(
                "UPDATE projections SET position = ? WHERE name = ? AND position = ?", (position, self._name, before)
            )
            if not cursor.rowcount:
                return False
            cursor.executemany("INSERT OR IGNORE INTO dirty VALUES (?, ?, ?, ?)", [(self._name, *d) for d in dirty])
        return True

    def clean(self, windows: Iterable[DirtyWindow]) -> None:
        """Forget windows that are rolled up again."""
        with self._database.write() as cursor:
            cursor.executemany(
                "DELETE FROM dirty WHERE projection = ? AND unit = ? AND step_ms = ? AND window = ?",
                [(self._name, *d) for d in windows],
            )

    def restart(self, position: int) -> None:
        """Go back (or on) to ``position``. Windows that are owed stay owed: their blocks may all lie before it."""
        with self._database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO projections VALUES (?, ?)", (self._name, position))

    def position(self) -> int:
        """Return the position up to which blocks are written."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT position FROM projections WHERE name = ?", (self._name,)
        )
        return int(rows[0][0]) if rows else 0

    def dirty(self) -> list[DirtyWindow]:
        """Return every window that is owed."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT unit, step_ms, window FROM dirty WHERE projection = ?", (self._name,)
        )
        return [DirtyWindow(*row) for row in rows]

    def unsettled(self, unit: str, step_ms: int, start_ms: int, end_ms: int) -> set[int]:
        """Return the starts of windows in ``[start_ms, end_ms)`` whose rollup is not, or not yet, to be relied on."""
        # The position first: what becomes dirty after it was read is then seen as a block behind it or as dirty.
        position = self.position()
        later: list[tuple[Any, ...]] = self._database.rows(
            "SELECT b.first_ms, b.last_ms FROM spools s JOIN blocks b ON b.spool = s.id WHERE s.unit = ?"
            " AND b.position > ? AND b.last_ms >= ? AND b.last_ms < ? + s.longest_ms AND b.first_ms < ?",
            (unit, position, start_ms, end_ms, end_ms),
        )
        found: set[int] = set()
        for first, last in later:
            found.update(range(max(first, start_ms) // step_ms * step_ms, min(last, end_ms - 1) + 1, step_ms))
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT window FROM dirty WHERE projection = ? AND unit = ? AND step_ms = ? AND window >= ? AND window < ?",
            (self._name, unit, step_ms, start_ms, end_ms),
        )
        return found | {row[0] for row in rows}
