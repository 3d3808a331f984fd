"""The collector's own points in InfluxDB, each half minute, on a thread beside the projection."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from orewatch.storage.health_points import EACH_S, HealthPoints, collector_fields

if TYPE_CHECKING:
    from collector.vital_signs import VitalSigns
    from orewatch.storage.influx import InfluxServer

log = logging.getLogger(__name__)


class HealthThread:
    """Writes the newest vital signs until told to end."""

    def __init__(self, *, server: InfluxServer, signs: VitalSigns, each_s: float = EACH_S) -> None:
        self._points = HealthPoints(server=server, process="collector")
        self._signs = signs
        self._each_s = each_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health points", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """End the thread; a write that hangs is not waited for beyond its own timeout."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._points.close()

    def _run(self) -> None:
        while not self._ending.wait(self._each_s):
            vitals = self._signs.newest
            if vitals is None:
                continue
            try:
                self._points.write(collector_fields(vitals), vitals.at_ms)
            except Exception:
                # The edge of the thread: points of health must cost nothing else.
                log.exception("health point")
            self._signs.health_points_dropped = self._points.dropped
