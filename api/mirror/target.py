"""Where the mirror writes: the raw level and the level of hours of the InfluxDB that the settings name."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from orewatch.storage.arrivals import Arrivals
from orewatch.storage.database import DatabaseError
from orewatch.storage.levels import Level
from orewatch.storage.point_writer import PointWriter

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.storage.influx import InfluxServer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Writers of both levels, and the journal that says what came into the store; None where there is none."""

    server: InfluxServer
    minutes: PointWriter
    hours: PointWriter
    arrivals: Arrivals | None

    @classmethod
    def open(cls, server: InfluxServer, journal: Path) -> Self:
        """Open all that is there; nobody is called yet."""
        arrivals = None
        if journal.exists():
            try:
                arrivals = Arrivals.open(journal)
            except DatabaseError as error:
                log.warning("no journal, late data is known as the broker tells it: %s", error)
        return cls(
            server=server,
            minutes=PointWriter(server=server, name="states", level=Level.RAW),
            hours=PointWriter(server=server, name="alerts and hours", level=Level.HOURS),
            arrivals=arrivals,
        )

    def close(self) -> None:
        """Close all that was opened."""
        self.minutes.close()
        self.hours.close()
        self.server.close()
        if self.arrivals is not None:
            self.arrivals.close()
