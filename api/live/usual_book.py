"""The windows that baselines are made of, kept by themselves: for the judge's memory they would be too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.live.usual import UsualWindow
from orewatch.plant.baseline import DAYS_14_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.alerting.database import AlertDatabase

PRUNE_MS: Final = 6 * 3_600_000


class UsualBook:
    """Windows of all units, 14 days of them."""

    def __init__(self, *, database: AlertDatabase) -> None:
        self._database = database
        self._pruned_ms = 0

    def keep(self, windows: Iterable[tuple[str, UsualWindow]], now_ms: int) -> None:
        """Write windows of units, in one transaction; forget what no baseline looks at any more."""
        rows = [(unit, *window) for unit, window in windows]
        prune = now_ms - self._pruned_ms >= PRUNE_MS
        if not rows and not prune:
            return
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO usual (unit, ore, moisture, start_ms, tph) VALUES (?,?,?,?,?)", rows
            )
            if prune:
                connection.execute("DELETE FROM usual WHERE start_ms < ?", (now_ms - DAYS_14_MS,))
        self._pruned_ms = now_ms if prune else self._pruned_ms

    def of(self, unit: str) -> list[UsualWindow]:
        """Return what was kept of a unit, the oldest first."""
        rows = self._database.rows(
            "SELECT ore, moisture, start_ms, tph FROM usual WHERE unit = ? ORDER BY start_ms", (unit,)
        )
        return [UsualWindow(row["ore"], row["moisture"], row["start_ms"], row["tph"]) for row in rows]
