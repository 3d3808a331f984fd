"""How far a projection is behind the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from orewatch.storage.journal import Journal


class Lag(NamedTuple):
    """A projection's position and what is behind it: blocks, how long the oldest has waited (s), windows owed."""

    position: int
    newest: int
    blocks: int
    seconds: float
    dirty: int


def lag_of(journal: Journal, projection: str, now_ms: int) -> Lag:
    """Return how far a projection is behind; :class:`JournalError` where the journal cannot be read."""
    position = journal.position(projection)
    behind: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT COUNT(*), (SELECT received_ms FROM blocks WHERE position > ? ORDER BY position LIMIT 1)"
        " FROM blocks WHERE position > ?",
        (position, position),
    )
    dirty: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT COUNT(*) FROM dirty WHERE projection = ?", (projection,)
    )
    blocks, oldest_ms = behind[0]
    seconds = max(now_ms - oldest_ms, 0) / 1000 if blocks else 0.0
    return Lag(position, journal.newest_position(), int(blocks), seconds, int(dirty[0][0]))


def letters_by_reason(journal: Journal) -> list[tuple[str, str, int]]:
    """Return (verdict, reason, how many) of the dead letters kept, the most frequent first."""
    rows: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT verdict, reason, COUNT(*) FROM dead_letters GROUP BY verdict, reason ORDER BY COUNT(*) DESC, reason"
    )
    return [(str(verdict), str(reason), int(count)) for verdict, reason, count in rows]
