"""Where each unit stood when: a unit that moves keeps its history where it happened, also when that is written anew."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.mirror.ledger import Ledger
    from orewatch.plant.unit import Unit

MINUTE_MS = 60_000


class Place(NamedTuple):
    """What a unit's points are tagged with beside its id."""

    site: str
    province: str
    mineral: str

    def tags(self, unit_id: str) -> Mapping[str, str]:
        """Return the tags of a unit that stands here."""
        return {"unit": unit_id, **self._asdict()}


class Places:
    """Places by unit and time, kept in the ledger."""

    def __init__(self, *, ledger: Ledger) -> None:
        self._ledger = ledger
        self._of: dict[str, list[tuple[int, Place]]] = {}
        for row in ledger.rows("SELECT unit, from_ms, site, province, mineral FROM place ORDER BY unit, from_ms"):
            self._of.setdefault(row["unit"], []).append((row["from_ms"], Place(*row[2:])))

    def __contains__(self, unit_id: str) -> bool:
        return unit_id in self._of

    def at(self, unit_id: str, at_ms: int) -> Place:
        """Return where a known unit stood; before the first place that is known, there."""
        known = self._of[unit_id]
        return known[max(0, bisect_right(known, at_ms, key=lambda one: one[0]) - 1)][1]

    def follow(self, units: Iterable[Unit], now_ms: int) -> None:
        """Note who stands elsewhere than before."""
        moved = []
        for unit in units:
            place = Place(unit.site, unit.province, unit.mineral)
            known = self._of.get(unit.id)
            if known is None:
                moved.append((unit.id, 0, place))
            elif known[-1][1] != place:
                moved.append((unit.id, now_ms // MINUTE_MS * MINUTE_MS, place))
        if not moved:
            return
        with self._ledger.transaction() as connection:
            connection.executemany("DELETE FROM place WHERE unit = ? AND from_ms >= ?", [one[:2] for one in moved])
            connection.executemany(
                "INSERT INTO place VALUES (?, ?, ?, ?, ?)", [(u, at, *place) for u, at, place in moved]
            )
        for unit_id, from_ms, place in moved:
            # A clock that was set back may have it stand here before it came there.
            kept = [one for one in self._of.get(unit_id, []) if one[0] < from_ms]
            self._of[unit_id] = [*kept, (from_ms, place)]
