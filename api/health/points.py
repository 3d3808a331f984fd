"""The service's own points in InfluxDB, each half minute, beside everything else; none is ever waited for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from api.stores import open_health

if TYPE_CHECKING:
    from api.health.signs import Signs
    from api.service import Service
    from orewatch.storage.health_points import HealthPoints

EACH_S = 30.0


class ServicePoints:
    """Writes a point where one is due. Only the event loop calls it; the store is spoken to in a thread."""

    def __init__(self, *, service: Service) -> None:
        self._service = service
        self._points: HealthPoints | None = None
        self._wanted = service.settings.influx_url is not None
        self._closed_dropped = 0
        self._written_s: float | None = None
        self._writing: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """How many points the store did not take."""
        return self._closed_dropped + (0 if self._points is None else self._points.dropped)

    def go_round(self, signs: Signs, at_s: float) -> None:
        """Write what is known now, if that is due and the last one is through."""
        due = self._written_s is None or at_s - self._written_s >= EACH_S
        if not self._wanted or not due or self._busy:
            return
        self._written_s = at_s
        fields = service_fields(self._service, signs)
        # A daemon: see Look.
        self._writing = threading.Thread(
            target=self._write, args=(fields, signs.now_ms), name="api: health point", daemon=True
        )
        self._writing.start()

    def end(self) -> None:
        """Close, unless a point is being written: then the end of the process does."""
        if self._points is not None and not self._busy:
            self._points.close()
            # Rounds that stumbled begin anew, and so do these.
            self._closed_dropped += self._points.dropped
            self._points = None

    @property
    def _busy(self) -> bool:
        return self._writing is not None and self._writing.is_alive()

    def _write(self, fields: dict[str, float | None], now_ms: int) -> None:
        if self._points is None:
            self._points = open_health(self._service.settings)
        if self._points is None:
            self._wanted = False
        else:
            self._points.write(fields, now_ms)


def service_fields(service: Service, signs: Signs) -> dict[str, float | None]:
    """Return the fields of the service's point."""
    readings = [service.readings.of(unit.id) for unit in service.roster]
    return {
        "units": len(readings),
        "units_silent": sum(one.connection(signs.now_ms) == "lost" for one in readings),
        "alerts_active": sum(service.engine.standing.now()[0].values()),
        "outbox_waiting": signs.outbox.waiting,
        "outbox_oldest_s": signs.outbox.oldest_s,
        "tick_ms": service.watch.tick_ms,
        "viewers": len(service.stream),
        "disk_free_bytes": None if signs.disk is None else signs.disk.free,
        "broker_connected": signs.broker_connected,
        "store_up": signs.store.up,
    }
