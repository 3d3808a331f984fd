"""What has come into a store lately, by the collector's journal: spans of event time, in the order they were projected.

Whoever keeps something that was computed from the store follows this, and computes anew what was touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from orewatch.storage.database import Database
from orewatch.storage.journal_tables import JOURNAL_DDL

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE: Final = 5000
INFLUX: Final = "influxdb"
"""The name of the InfluxDB projection."""


class Span(NamedTuple):
    """What a block covers, ms UTC, both ends included."""

    unit: str
    first_ms: int
    last_ms: int


class Came(NamedTuple):
    """What came behind a position: the ``spans``, the ``position`` up to which they reach, and what is still out.

    ``missed``: that many positions are no longer in the journal. ``waiting_ms``: when the oldest block that is not
    told of yet was received; None where there is none.
    """

    spans: list[Span]
    position: int
    missed: int
    waiting_ms: int | None


class Arrivals:
    """Reads the journal's file. Thread-safe; every method raises ``DatabaseError`` when it cannot be read."""

    def __init__(self, *, database: Database, projection: str = INFLUX) -> None:
        self._database = database
        self._projection = projection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal at ``path``."""
        return cls(database=Database.open(path, JOURNAL_DDL, read_only=True))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def position(self) -> int | None:
        """Return how far the projection has come; None where nothing has come into this journal either."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT position FROM projections WHERE name = ?", (self._projection,)
        )
        if rows:
            return int(rows[0][0])
        return 0 if self._database.rows("SELECT 1 FROM blocks LIMIT 1") else None

    def since(self, after: int) -> Came | None:
        """Return what was projected behind ``after``, some thousand blocks at most; None as for :meth:`position`."""
        projected = self.position()
        if projected is None:
            return None
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT b.position, s.unit, b.first_ms, b.last_ms FROM blocks b JOIN spools s ON s.id = b.spool"
            " WHERE b.position > ? AND b.position <= ? ORDER BY b.position LIMIT ?",
            (after, projected, AT_ONCE),
        )
        position = rows[-1][0] if len(rows) == AT_ONCE else projected
        waiting: list[tuple[Any, ...]] = self._database.rows(
            "SELECT received_ms FROM blocks WHERE position > ? ORDER BY position LIMIT 1", (position,)
        )
        missed = max(0, position - after - len(rows))
        return Came([Span(*row[1:]) for row in rows], position, missed, waiting[0][0] if waiting else None)

    def oldest(self) -> dict[str, int]:
        """Return, by unit, since when the journal has something of it (ms UTC)."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT s.unit, MIN((SELECT MIN(last_ms) FROM blocks b WHERE b.spool = s.id)) FROM spools s GROUP BY s.unit"
        )
        return {unit: int(at_ms) for unit, at_ms in rows if at_ms is not None}
