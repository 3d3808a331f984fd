"""The windows that baselines are made of, kept by themselves: for the judge's memory they would be too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.live.usual import UsualWindow
from orewatch.plant.baseline import DAYS_14_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.alerting.database import AlertDatabase


class UsualBook:
    """Windows of all units, 14 days of them."""

    def __init__(self, *, database: AlertDatabase) -> None:
        self._database = database

    def keep(self, windows: Iterable[tuple[str, UsualWindow]]) -> None:
        """Write windows of units, in one transaction; of these units forget what no baseline looks at any more."""
        rows = [(unit, *window) for unit, window in windows]
        newest = {(unit, ore, moisture): start_ms for unit, ore, moisture, start_ms, _ in rows}
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO usual (unit, ore, moisture, start_ms, tph) VALUES (?,?,?,?,?)", rows
            )
            # By the key, unit by unit: the table is large, and this runs beside the tick.
            connection.executemany(
                "DELETE FROM usual WHERE unit = ? AND ore = ? AND moisture = ? AND start_ms < ?",
                [(*key, start_ms - DAYS_14_MS) for key, start_ms in newest.items()],
            )

    def of(self, unit: str) -> list[UsualWindow]:
        """Return what was kept of a unit, the oldest first."""
        rows = self._database.rows(
            "SELECT ore, moisture, start_ms, tph FROM usual WHERE unit = ? ORDER BY start_ms", (unit,)
        )
        return [UsualWindow(row["ore"], row["moisture"], row["start_ms"], row["tph"]) for row in rows]
