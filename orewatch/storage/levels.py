"""The three levels in which an InfluxDB keeps history, and for how long: raw scans, minutes, hours.

::

    level    1.x retention policy            2.x bucket        3 Core database
    raw      the database's default one      <db>              <db>
    minutes  minutes                         <db>/minutes      <db>/minutes
    hours    hours                           <db>/hours        <db>/hours
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOUR_S: Final = 3600
DAY_S: Final = 86_400
# One file of the server per so long: what has passed is given back in such pieces, and a query opens so many.
_SHARD_S: Final = {"raw": DAY_S, "minutes": 7 * DAY_S, "hours": 84 * DAY_S}


class Level(StrEnum):
    """A level of history; minutes and hours are also the names of their retention policies."""

    RAW = "raw"
    MINUTES = "minutes"
    HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many days each level keeps; None: for ever."""

    raw_days: float | None = 30.0
    minutes_days: float | None = 365.0
    hours_days: float | None = 3650.0

    def seconds(self, level: Level) -> int:
        """Return how long a level keeps, in seconds; 0: for ever."""
        days = {Level.RAW: self.raw_days, Level.MINUTES: self.minutes_days, Level.HOURS: self.hours_days}[level]
        return round(days * DAY_S) if days else 0

    def shard_seconds(self, level: Level) -> int:
        """Return the fitting length of the server's files; no longer than what is kept, as the servers demand."""
        kept = self.seconds(level)
        return min(_SHARD_S[level], max(kept, HOUR_S)) if kept else _SHARD_S[level]


FOREVER: Final = Retention(raw_days=None, minutes_days=None, hours_days=None)


def spoken(seconds: int) -> str:
    """Return a length of time as people and InfluxQL say it: ``30d``, ``36h``, ``90m``; ``for ever`` for 0."""
    if not seconds:
        return "for ever"
    for size, letter in ((DAY_S, "d"), (HOUR_S, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"
