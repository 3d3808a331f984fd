"""After a backup was restored: which units are still to be asked for what they delivered after it was made.

Units have those blocks acknowledged, but keep them as long as `keep_acknowledged_mb` lets them. Each is asked once,
at its next birth, for everything since the newest block of its that the restored journal has. A unit that was new
after the backup is not in the restored journal at all: whoever is unknown is asked, too, for all that it has.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from orewatch.storage.database import Database

# Blocks in flight are acknowledged out of order; what came twice is a duplicate.
OVERLAP_MS: Final = 3_600_000
_ASKED: Final = -1
# Stands for every unit without a row of its own; no unit has this name.
_ANYBODY: Final = ""


def plan_resends(database: Database) -> int:
    """Plan to ask every unit; returns how many the journal knows."""
    with database.write() as cursor:
        cursor.execute("DELETE FROM resends")
        cursor.execute(
            "INSERT OR REPLACE INTO resends SELECT s.unit, MAX(0, COALESCE((SELECT b.last_ms FROM blocks b"
            " WHERE b.spool = s.id ORDER BY b.number DESC LIMIT 1), 0) - ?) FROM spools s"
            # Its newest spool: a replaced card has nothing of the one before.
            " WHERE s.id IN (SELECT MAX(id) FROM spools GROUP BY unit)",
            (OVERLAP_MS,),
        )
        known = int(cursor.execute("SELECT COUNT(*) FROM resends").fetchone()[0])
        cursor.execute("INSERT INTO resends VALUES (?, 0)", (_ANYBODY,))
    return known


class Resends:
    """Whom to ask, kept in the journal's file. Thread-safe: asked on one thread, written down on another."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        rows: list[tuple[Any, ...]] = database.rows("SELECT unit, from_ms FROM resends")
        self._from_ms: dict[str, int] = dict(rows)
        self._asked: list[str] = []

    def since(self, unit: str) -> int | None:
        """Return from which event time on ``unit`` is to be asked; None where it need not be."""
        from_ms = self._from_ms.get(unit, self._from_ms.get(_ANYBODY, _ASKED))
        return None if from_ms == _ASKED else from_ms

    def asked(self, unit: str) -> None:
        """Take note that ``unit`` was asked."""
        with self._lock:
            if self.since(unit) is not None:
                self._from_ms[unit] = _ASKED
                self._asked.append(unit)

    def keep(self) -> None:
        """Write down who was asked. Not yet written, a unit is asked twice: that costs a few bytes, and loses none."""
        with self._lock:
            asked, self._asked = self._asked, []
        if asked:
            with self._database.write() as cursor:
                rows = [(unit, _ASKED) for unit in asked]
                cursor.executemany("INSERT OR REPLACE INTO resends VALUES (?, ?)", rows)
