"""Retention: what the journal need not keep once every projection has it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orewatch.storage.journal import Journal

# One short transaction each time: commits of new blocks wait for no longer than this takes.
BLOCKS_AT_ONCE: Final = 500


def prune(
    journal: Journal, *, projections: Iterable[str], received_before_ms: int, at_most: int = BLOCKS_AT_ONCE
) -> int:
    """Delete the oldest blocks received before ``received_before_ms`` that every projection named has.

    Returns how many, ``at_most`` at a time. Their numbers stay known, so that a late resend is a duplicate.
    """
    passed = min((journal.position(name) for name in projections), default=0)
    rows: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT b.position, b.spool, b.number, b.last_ms, s.unit, b.received_ms FROM blocks b"
        " JOIN spools s ON s.id = b.spool WHERE b.position <= ? ORDER BY b.position LIMIT ?",
        (passed, at_most),
    )
    doomed = [row[:5] for row in itertools.takewhile(lambda row: row[5] < received_before_ms, rows)]
    if not doomed:
        return 0
    with journal.database.write() as cursor:
        for position, spool, number, last_ms, unit in doomed:
            cursor.execute("DELETE FROM blocks WHERE position = ?", (position,))
            cursor.execute(
                "INSERT INTO pruned_units VALUES (?, ?) ON CONFLICT (unit) DO UPDATE SET"
                " until_ms = MAX(until_ms, excluded.until_ms)",
                (unit, last_ms + 1),
            )
            left = cursor.execute(
                "SELECT first FROM pruned WHERE spool = ? AND last = ?", (spool, number - 1)
            ).fetchone()
            right = cursor.execute(
                "SELECT last FROM pruned WHERE spool = ? AND first = ?", (spool, number + 1)
            ).fetchone()
            cursor.execute("DELETE FROM pruned WHERE spool = ? AND first = ?", (spool, number + 1))
            first, last = left[0] if left else number, right[0] if right else number
            cursor.execute("INSERT OR REPLACE INTO pruned VALUES (?, ?, ?)", (spool, first, last))
    return len(doomed)
