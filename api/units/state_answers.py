"""A unit's states for whoever asks: from the store, and of the last minutes from the watch, with what people said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from api.alerting.models import AlertKind
from api.units.state_history import TAIL_MS, explained, joined, live_tail, paced

if TYPE_CHECKING:
    from api.service import Service
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit


async def states_between(service: Service, unit: Unit, start_ms: int, end_ms: int) -> list[Interval]:
    """Return the states over ``[start_ms, end_ms)``; StoreError comes through."""
    now_ms = service.now_ms()
    number = service.roster.number(unit.id)
    tail: list[Interval] = []
    if number is not None and number < len(service.judge.units) and service.caught_up:
        tail = live_tail(service.judge.classifier, number, max(start_ms, now_ms - TAIL_MS), end_ms)
        tail = explained(tail, service.inputs.in_force.of(unit.id))
    until_ms = tail[0].start_ms if tail else end_ms
    found = joined(await asyncio.to_thread(service.states.intervals, unit, start_ms, until_ms, now_ms), tail)
    return joined(paced(found, service.book.spans(unit.id, AlertKind.UNDERPERFORMING, start_ms, end_ms)), [])
