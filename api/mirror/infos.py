"""What units are, as it changes, and once a day: boards look no further back than they must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from api.mirror.alert_points import info_point
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.mirror.ledger import Ledger
    from api.mirror.places import Places
    from api.service import Service
    from orewatch.plant.unit import Unit
    from orewatch.storage.points import Point


class Infos:
    """``points`` are due, ``settle`` says that they are written. What was told is kept in the ledger."""

    def __init__(self, *, service: Service, ledger: Ledger, places: Places) -> None:
        self._service = service
        self._ledger = ledger
        self._places = places
        self._told = {row["unit"]: (row["day"], row["told"]) for row in ledger.rows("SELECT unit, day, told FROM info")}
        self._asked_ms = 0
        self._new: dict[str, tuple[int, str]] = {}

    def points(self, units: Sequence[Unit], now_ms: int) -> list[Point]:
        """Return the points that are due; looks once a minute."""
        if now_ms // MINUTE_MS == self._asked_ms // MINUTE_MS and not self._new:
            return []
        self._asked_ms = now_ms
        self._new = {}
        points = []
        for unit in units:
            if unit.id not in self._places:
                continue
            target_tph = self._service.inputs.in_force.of(unit.id).target_tph(now_ms, unit.target_tph)
            point = info_point(unit, self._places.at(unit.id, now_ms), target_tph, now_ms)
            told = (now_ms // (24 * HOUR_MS), orjson.dumps([point.tags, point.fields]).decode())
            if self._told.get(unit.id) != told:
                self._new[unit.id] = told
                points.append(point)
        return points

    def settle(self) -> None:
        """Remember what was written."""
        if not self._new:
            return
        with self._ledger.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO info VALUES (?, ?, ?)", [(u, *told) for u, told in self._new.items()]
            )
        self._told |= self._new
        self._new = {}
