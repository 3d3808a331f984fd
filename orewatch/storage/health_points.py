"""Points about orewatch's own health: measurement ``health``, tag ``process``, floats; raw level.

They are worth something while they are fresh. One that the store does not take is dropped and counted, never queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orewatch.storage.point_writer import PointWriter
from orewatch.storage.points import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.vitals import Vitals

MEASUREMENT: Final = "health"
EACH_S: Final = 30.0
TIMEOUT_S: Final = 5.0
DAY_MS: Final = 86_400_000


class HealthPoints:
    """Writes one process's points; one thread at a time. ``dropped``: those the store did not take."""

    def __init__(self, *, server: InfluxServer, process: str) -> None:
        self._server = server
        self._writer = PointWriter(server=server, name="health")
        self._process = process
        self.dropped = 0

    def write(self, fields: Mapping[str, float | None], now_ms: int) -> bool:
        """Write what is known; False, and counted, where the store did not take it."""
        point = Point(measurement=MEASUREMENT, tags={"process": self._process}, fields=fields, time_ms=now_ms)
        before = self._writer.written
        self._writer.write([point])
        taken = self._writer.written > before
        self.dropped += not taken
        return taken

    def close(self) -> None:
        """Close the connections."""
        self._writer.close()
        self._server.close()


def collector_fields(vitals: Vitals) -> dict[str, float | None]:
    """Return the fields of the collector's point."""
    ends = [certificate.not_after_ms for certificate in vitals.certificates]
    fields: dict[str, float | None] = {
        "blocks_s": vitals.blocks_s,
        "values_s": vitals.values_s,
        "queue_bytes": vitals.queue_bytes,
        "rejected": vitals.rejected,
        "dead_letters": sum(vitals.letters.values()),
        "disk_free_bytes": vitals.disk_free_bytes,
        "disk_free_h": vitals.disk_hours_left,
        "broker_connected": vitals.broker_connected,
        "certificate_days": (min(ends) - vitals.at_ms) / DAY_MS if ends else None,
    }
    for signs in vitals.projections:
        fields[f"lag_blocks_{signs.store}"] = signs.lag_blocks
        fields[f"lag_s_{signs.store}"] = signs.lag_s
        fields[f"store_up_{signs.store}"] = signs.waiting_since_ms is None
    return fields
