"""What is asked about units: ``/units``, ``/units/{unit}``, its newest values, history and states; the fleet."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from api.answers import answer
from api.instants import iso
from api.problems import RESPONSES, not_found, wrong_value
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from api.units import views
from api.units.history_query import AggregateName, history_query
from api.units.models import History, LatestPage, StatesPage, UnitDetail, UnitsPage
from api.units.spans import span
from api.units.state_history import LONGEST_MS
from api.units.views import code_over
from orewatch.plant.catalogue import SignalRef
from orewatch.plant.states import State  # noqa: TC001 - FastAPI reads the annotations

if TYPE_CHECKING:
    from api.service import Service
    from orewatch.plant.unit import Unit

MINUTE_MS, DAY_MS = 60_000, 86_400_000

Start = Annotated[str | None, Query(description="ISO 8601 with offset", examples=["2026-11-23T00:00:00Z"])]
End = Annotated[str | None, Query(description="ISO 8601 with offset; default: now", examples=["2026-11-24T00:00:00Z"])]


router = APIRouter(prefix="/api/v1", tags=["units"], responses=RESPONSES)


def known(service: Service, unit_id: str) -> Unit:
    """Return a unit; 404 where it was never seen."""
    unit = service.roster.unit(unit_id)
    if unit is None:
        raise not_found(f"unit {unit_id[:80]!r} was never seen")
    return unit


@router.get("/units", response_model=UnitsPage, summary="Every unit as it is now")
async def units(
    service: Serving,
    mineral: str | None = None,
    province: str | None = None,
    site: str | None = None,
    state: State | None = None,
    after: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Units by id."""
    now_ms = service.now_ms()
    wanted = {"mineral": mineral, "province": province, "site": site}
    items: list[dict[str, Any]] = []
    for unit in service.roster.sorted():
        if after is not None and unit.id <= after:
            continue
        if any(value is not None and getattr(unit, name) != value for name, value in wanted.items()):
            continue
        entry = service.frames.entry(unit, now_ms)
        if state is not None and entry["state"] != state.value:
            continue
        items.append(views.summary(unit, entry))
        if len(items) > limit:
            break
    more = len(items) > limit
    return answer({"items": items[:limit], "next": items[limit - 1]["id"] if more else None})


@router.get("/units/{unit_id}", response_model=UnitDetail, summary="One unit with its machines and signals")
async def unit(service: Serving, unit_id: str) -> Response:
    """One unit."""
    found = known(service, unit_id)
    return answer(views.detail(found, service.frames.entry(found, service.now_ms())))


@router.get("/units/{unit_id}/latest", response_model=LatestPage, summary="The newest value of every signal")
async def latest(service: Serving, unit_id: str) -> Response:
    """Newest values."""
    found = known(service, unit_id)
    return answer({"items": views.latest(found, service.readings.of(unit_id)), "next": None})


@router.get("/units/{unit_id}/history", response_model=History, summary="One signal over time")
async def history(
    service: Serving,
    unit_id: str,
    machine: str,
    signal: str,
    start: Start = None,
    end: End = None,
    step: Annotated[str | None, Query(description="seconds, or 10s, 5m, 1h", examples=["1m"])] = None,
    aggregate: AggregateName | None = None,
) -> Response:
    """One signal."""
    found = known(service, unit_id)
    ref = SignalRef(machine, signal)
    if machine not in found.machines or signal not in found.machines[machine].signals:
        raise not_found(f"unit {unit_id!r} has no signal {str(ref)[:160]!r}")
    start_ms, end_ms = span(start, end, now_ms=service.now_ms(), default_ms=DAY_MS)
    query = history_query(unit_id, ref, start_ms, end_ms, step=step, aggregate=aggregate)
    if service.store is None:
        raise not_found("this service has no history store")
    series = await asyncio.to_thread(service.store.series, query)
    if step is None and query.step_ms is not None and series.complete_from_ms is not None:
        # Of these scans only minutes are left, and nobody asked for finer ones.
        query = replace(query, step_ms=MINUTE_MS)
        series = await asyncio.to_thread(service.store.series, query)
    return answer(
        {
            "unit": unit_id,
            "machine": machine,
            "signal": signal,
            "aggregate": query.aggregate.value,
            # Of a table that is coarser than what was asked for, where only that still has the span.
            "step_s": None if query.step_ms is None else query.step_in(series.table) / 1000,
            "table": series.table.value,
            "complete_from": None if series.complete_from_ms is None else iso(series.complete_from_ms),
            "time": [iso(t) for t in series.time_ms.tolist()],
            "value": series.values.tolist(),
        }
    )


@router.get("/units/{unit_id}/states", response_model=StatesPage, summary="What the unit was doing")
async def states(service: Serving, unit_id: str, start: Start = None, end: End = None) -> Response:
    """Intervals."""
    found = known(service, unit_id)
    now_ms = service.now_ms()
    start_ms, end_ms = span(start, end, now_ms=now_ms, default_ms=DAY_MS)
    if end_ms - start_ms > LONGEST_MS:
        raise wrong_value("start", start, "too far before end; allowed: 32 days in one question")
    intervals = await service.states_between(found, start_ms, min(end_ms, now_ms))
    said = service.inputs.in_force.since(unit_id, start_ms)
    items = [
        {
            "state": one.state.value,
            "reason": one.reason.value,
            "code": code_over(said, one),
            "from": iso(one.start_ms),
            "to": iso(one.end_ms or min(end_ms, now_ms)),
            "provisional": one.provisional,
        }
        for one in intervals
    ]
    return answer({"items": items, "next": None})
