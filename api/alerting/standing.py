"""How many alerts stand, by unit: counted anew only when the book changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orewatch.plant.unit import OREWATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.alerting.book import AlertBook


def alerts_told(counts: Mapping[str, int], changed_ms: int) -> dict[str, int]:
    """Return what a frame says of alerts: how many stand, how many of them on orewatch itself, and the last change."""
    return {"active": sum(counts.values()), "own": counts.get(OREWATCH, 0), "changed": changed_ms}


class Standing:
    """Counts for frames and lists."""

    def __init__(self, *, book: AlertBook) -> None:
        self._book = book
        self._counts: Counter[str] = Counter()
        self.changed_ms = 0
        self._stale = True

    def touch(self, now_ms: int) -> None:
        """The book changed."""
        self.changed_ms = max(self.changed_ms + 1, now_ms)
        self._stale = True

    def now(self) -> tuple[Mapping[str, int], int]:
        """Return standing alerts by unit, and when anything last changed."""
        if self._stale:
            rows = self._book.database.rows(
                "SELECT unit, count(*) AS n FROM alert WHERE cleared_ms IS NULL GROUP BY unit"
            )
            self._counts = Counter({row["unit"]: row["n"] for row in rows})
            self._stale = False
        return self._counts, self.changed_ms
