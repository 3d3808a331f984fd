"""A stretch of a unit from history, as ``/units/{id}/states`` answers: its minutes, and of a whole hour its summary."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from api.mirror.owed_alerts import standing_at
from api.mirror.scans import minute_flow, minute_silence, minute_tonnes, read_scans
from api.mirror.state_points import hour_point, minute_point, shown_at
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from api.mirror.owed_alerts import OwedAlerts
    from api.mirror.places import Places
    from api.service import Service
    from orewatch.plant.unit import Unit
    from orewatch.storage.points import Point


class Computed(NamedTuple):
    """Points for the raw level, and for the level of hours."""

    minutes: list[Point]
    hours: list[Point]


async def compute(
    service: Service, places: Places, alerts: OwedAlerts, unit: Unit, start_ms: int, end_ms: int
) -> Computed:
    """Compute ``[start_ms, end_ms)``, whole minutes within one hour; StoreError comes through."""
    store = service.store
    assert store is not None  # noqa: S101 - without a store there is no mirror
    intervals = await service.states_between(unit, start_ms, end_ms)
    scans = await asyncio.to_thread(read_scans, store, unit, start_ms, end_ms)
    said = await asyncio.to_thread(service.inputs.in_force.since, unit.id, start_ms)
    stood = (await asyncio.to_thread(alerts.stood, start_ms, end_ms, unit=unit.id)).get(unit.id, [])
    tonnes = minute_tonnes(scans, unit, said, start_ms, end_ms).tolist()
    flow = minute_flow(scans, unit, said, start_ms, end_ms).tolist()
    silence = minute_silence(scans, start_ms, end_ms).tolist()
    minutes = []
    for place, at_ms in enumerate(range(start_ms, end_ms, MINUTE_MS)):
        shown = shown_at(intervals, said, at_ms)
        if shown is not None:
            figures = {
                "flow_tph": flow[place],
                "target_tph": said.target_tph(at_ms, unit.target_tph),
                "tonnes": tonnes[place],
                "alerts": float(standing_at(stood, at_ms)),
                "silent_s": silence[place],
            }
            minutes.append(minute_point(places.at(unit.id, at_ms).tags(unit.id), at_ms, shown, figures))
    hours = []
    if start_ms % HOUR_MS == 0 and end_ms - start_ms == HOUR_MS and intervals:
        tags = places.at(unit.id, start_ms).tags(unit.id)
        target_t = said.expected_t(start_ms, end_ms, unit.target_tph)
        hours.append(hour_point(tags, start_ms, intervals, tonnes=tonnes, target_t=target_t))
    return Computed(minutes, hours)
