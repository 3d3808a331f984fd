"""``/fleet``: the compact table, and the same as CSV and XLSX."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.fleet.export import Wanted, as_csv, as_xlsx, sorted_rows
from api.fleet.models import FleetTable
from api.fleet.words import Language
from api.problems import RESPONSES
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from orewatch.plant.calendar import local
from orewatch.plant.states import State  # noqa: TC001 - FastAPI reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.service import Service
    from orewatch.plant.unit import Unit

router = APIRouter(prefix="/api/v1", tags=["fleet"], responses=RESPONSES)

_CSV = "text/csv"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_Text = Annotated[str | None, Query(max_length=200)]


async def wanted(
    q: Annotated[str | None, Query(max_length=200, description="words that must all be found")] = None,
    province: _Text = None,
    mineral: _Text = None,
    site: _Text = None,
    state: State | None = None,
) -> Wanted:
    """Read the filter."""
    return Wanted(q, province, mineral, site, None if state is None else state.value)


Filter = Annotated[Wanted, Depends(wanted)]
Tongue = Annotated[Language, Query(alias="lang", description="language of headings, words and dates")]


@router.get("/fleet", response_model=FleetTable, summary="The whole fleet, in columns")
async def table(service: Serving) -> Response:
    """Everything that the fleet page shows; go on with ``/live?changes=true&since=<t>``."""
    body = service.fleet.changes.table(service.now_ms())
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/fleet.csv",
    response_class=Response,
    responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
    summary="The fleet as CSV",
)
async def fleet_csv(service: Serving, meant: Filter, language: Tongue = "en") -> Response:
    """UTF-8 with a byte order mark; times as Tehran text and as ISO 8601 UTC."""
    now_ms = service.now_ms()
    rows = sorted_rows(_entries(service, now_ms), meant, language, now_ms)
    body = await asyncio.to_thread(lambda: as_csv(list(rows), language))
    return _file(body, f"{_CSV}; charset=utf-8", "csv", now_ms)


@router.get(
    "/fleet.xlsx",
    response_class=Response,
    responses={200: {"content": {_XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
    summary="The fleet as a workbook",
)
async def fleet_xlsx(service: Serving, meant: Filter, language: Tongue = "en") -> Response:
    """One sheet, from right to left in Persian."""
    now_ms = service.now_ms()
    rows = sorted_rows(_entries(service, now_ms), meant, language, now_ms)
    body = await asyncio.to_thread(lambda: as_xlsx(list(rows), language, now_ms))
    return _file(body, _XLSX, "xlsx", now_ms)


def _entries(service: Service, now_ms: int) -> list[tuple[Unit, Mapping[str, Any]]]:
    """Read how the units stand, in the event loop; the cells are made in a thread."""
    return [(unit, service.frames.entry(unit, now_ms, pending=False)) for unit in service.roster]


def _file(body: bytes, media_type: str, suffix: str, now_ms: int) -> Response:
    name = f"orewatch-fleet-{local(now_ms):%Y-%m-%d-%H%M}.{suffix}"
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=headers)
