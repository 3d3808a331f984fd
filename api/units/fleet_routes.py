"""The fleet in figures: ``/fleet/summary``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from api.answers import answer
from api.instants import iso, iso_or_none
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from api.units import views
from api.units.models import FleetSummary
from orewatch.plant.unit import OREWATCH

router = APIRouter(prefix="/api/v1", tags=["fleet"])


@router.get("/fleet/summary", response_model=FleetSummary, summary="The fleet in figures")
async def fleet(service: Serving) -> Response:
    """Figures."""
    now_ms = service.now_ms()
    entries = [(unit, service.frames.entry(unit, now_ms)) for unit in service.roster]
    by_mineral: dict[str, dict[str, Any]] = {}
    by_province: dict[str, dict[str, Any]] = {}
    for unit, entry in entries:
        for table, key in ((by_mineral, unit.mineral), (by_province, unit.province)):
            views.add_share(table.setdefault(key, {"units": 0, "tonnes_today": 0.0, "by_state": {}}), entry)
    everything = {"units": 0, "tonnes_today": 0.0, "by_state": {}}
    for _, entry in entries:
        views.add_share(everything, entry)
    silent = [
        {"unit": unit.id, "since": iso_or_none(entry["last_seen"])}
        for unit, entry in entries
        if entry["connection"] == "lost"
    ]
    return answer(
        {
            **everything,
            "by_mineral": by_mineral,
            "by_province": by_province,
            "alerts_active": sum(n for unit, n in service.engine.standing.now()[0].items() if unit != OREWATCH),
            "silent": sorted(silent, key=lambda one: (one["since"] or "", one["unit"])),
            "at": iso(now_ms),
        }
    )
