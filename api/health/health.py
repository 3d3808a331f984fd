"""Orewatch's own health as the service sees it: looked at with every round, and when somebody asks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from api.health.alerts import SelfAlerts
from api.health.look import Look
from api.health.points import ServicePoints
from api.health.readiness import Check, answer_of, checks_of
from orewatch.storage.durations import Durations

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.health.signs import Signs
    from api.service import Service

FRESH_S: Final = 1.0


class Health:
    """Signs, readiness and alerts. ``at_s`` is a clock that nobody sets (s). Only the event loop calls it."""

    def __init__(self, *, service: Service, at_s: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._at_s = at_s
        self._look = Look(service=service)
        self._alerts = SelfAlerts(engine=service.engine)
        self.points = ServicePoints(service=service)
        self.saves = Durations()
        """What keeping the judge's memory took."""
        self._newest: tuple[float, Signs] | None = None

    def signs(self) -> Signs:
        """Return how things are; what is costly to know is at most a second old."""
        at_s = self._at_s()
        if self._newest is None or at_s - self._newest[0] >= FRESH_S:
            self._newest = at_s, self._look.at(at_s)
        return replace(self._newest[1], watching=self._service.watching, broker_connected=self._service.link.connected)

    def go_round(self) -> None:
        """Look, raise or clear what is due, and write a point."""
        signs, at_s = self.signs(), self._at_s()
        self._alerts.look(signs, at_s)
        self.points.go_round(signs, at_s)

    def readiness(self, *, full: bool) -> dict[str, Any]:
        """Return the answer of ``/readyz``."""
        return answer_of(checks_of(self.signs(), self._parts()), full=full)

    def end(self) -> None:
        """Write nothing any more."""
        self.points.end()

    def _parts(self) -> list[Check]:
        """Parts that a service may have, and that tell of themselves: ``check()``."""
        check = getattr(getattr(self._service, "mirror", None), "check", None)
        return [] if check is None else [check()]
