"""What the service does now and then: leases, shelving, the registry, open stops, late data, memory to disk."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from api import memory
from api.late_data import look_at_late_data
from api.live.clock import SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.service import Service
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit

CARRY_S: Final = 60.0
ROUND_S: Final = 5.0


async def go_round(service: Service) -> None:
    """Do the rounds, for ever."""
    try:
        await _rounds(service)
    finally:
        service.health.end()


async def _rounds(service: Service) -> None:
    saved_ms = service.now_ms()
    while True:
        now_ms = service.now_ms()
        for unit in service.known.adopt():
            service.watch.take_unit(unit)
        service.link.renew_leases(service.stream.watched_units())
        for record in service.book.release_due(now_ms):
            service.engine.standing.touch(now_ms)
            if record.active:
                service.engine.tell(record, f"released {record.changed_ms}", now_ms)
        service.health.go_round()
        if service.caught_up:
            end_open_stops(service)
        await review_late_data(service)
        if service.caught_up and now_ms - saved_ms >= CARRY_S * SECOND_MS:
            saved_ms = now_ms
            began_s = time.perf_counter()
            memory.save(service.database, service.judge)
            service.health.saves.took(time.perf_counter() - began_s)
        await asyncio.sleep(ROUND_S)


def end_open_stops(service: Service) -> int:
    """End the stops of units that produce again; returns how many."""

    def seen(unit: Unit, since_ms: int) -> Sequence[Interval]:
        number = service.judge.number(unit.id)
        return () if number is None else service.judge.classifier.intervals(number, since_ms)

    return service.inputs.end_open_stops(service.roster.unit, seen)


async def review_late_data(service: Service) -> None:
    """Write up what late data showed, and count the days anew that it changed."""
    written = await look_at_late_data(
        service.review,
        service.roster,
        service.states,
        now_ms=service.now_ms,
        on_late=service.fleet.count_again,
    )
    if written:
        service.engine.standing.touch(service.now_ms())
    if service.caught_up:
        await service.recounts.some(service.judge)
