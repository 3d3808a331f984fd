"""What people tell about units, over HTTP: ``/units/{unit}/stops``, ``/ore``, ``/targets``, ``/plans`` and so on."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from api.answers import answer
from api.inputs.answers import (
    AssayAnswer,
    InputsInForceAnswer,
    InputsPage,
    OreAnswer,
    PlanAnswer,
    ScaleEpochAnswer,
    StopAnswer,
    TargetAnswer,
)
from api.inputs.book import InputConflictError, InputFilter, UnknownInputError
from api.inputs.entry import Entry, InputKind
from api.inputs.models import (
    AssayBody,
    OreBody,
    PlanBody,
    Said,
    ScaleEpochBody,
    StopBody,
    TargetBody,
    WithdrawBody,
)
from api.inputs.rules import code_of
from api.inputs.summary import summary
from api.inputs.views import view
from api.problems import RESPONSES, ProblemError, not_found, wrong_value
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from api.units.routes import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.inputs.entry import Own
    from api.service import Service
    from orewatch.plant.unit import Unit

_PLACE = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")
router = APIRouter(prefix="/api/v1/units/{unit_id}", tags=["inputs"], responses=RESPONSES)


@router.get("/inputs", response_model=InputsInForceAnswer, summary="What people said that is in force now")
async def in_force(service: Serving, unit_id: str) -> Response:
    """Everything in force."""
    return answer(summary(service, known(service, unit_id)))


@router.post("/stops", response_model=StopAnswer, status_code=201, summary="Why the unit stands, or will stand")
async def stop(service: Serving, unit_id: str, body: StopBody) -> Response:
    """A stop."""
    unit = known(service, unit_id)
    code = code_of(unit, body.code)
    return _add(service, unit, InputKind.STOPS, body, (body.from_, body.to), {"code": code.code, "effect": code.effect})


@router.post("/ore", response_model=OreAnswer, status_code=201, summary="Which ore the unit eats, and how moist it is")
async def ore(service: Serving, unit_id: str, body: OreBody) -> Response:
    """An ore."""
    own: dict[str, Own] = {"ore": body.ore, "moisture_pct": body.moisture_pct}
    return _add(service, known(service, unit_id), InputKind.ORE, body, (body.from_, None), own)


@router.post("/targets", response_model=TargetAnswer, status_code=201, summary="What is expected, dry t/h")
async def target(service: Serving, unit_id: str, body: TargetBody) -> Response:
    """A target."""
    own: dict[str, Own] = {"tph": body.tph, "ore": body.ore}
    return _add(service, known(service, unit_id), InputKind.TARGETS, body, (body.from_, None), own)


@router.post("/plans", response_model=PlanAnswer, status_code=201, summary="What a shift is to produce")
async def plan(service: Serving, unit_id: str, body: PlanBody) -> Response:
    """A shift's plan."""
    unit = known(service, unit_id)
    if body.shift > service.day.shifts:
        raise wrong_value("shift", body.shift, f"there is none of that number; allowed: 1 to {service.day.shifts}")
    try:
        shift = service.day.shifts_of(body.day)[body.shift - 1]
    except (OverflowError, ValueError) as error:
        raise wrong_value("day", body.day, "out of range; allowed: the next 400 days") from error
    own: dict[str, Own] = {"day": body.day.isoformat(), "shift": body.shift, "tonnes": body.tonnes}
    return _add(service, unit, InputKind.PLANS, body, (shift.start_ms, shift.end_ms), own)


@router.post("/assays", response_model=AssayAnswer, status_code=201, summary="What the laboratory found")
async def assay(service: Serving, unit_id: str, body: AssayBody) -> Response:
    """Assays of one period."""
    own: dict[str, Own] = {
        name: getattr(body, name) for name in ("element", "feed", "concentrate", "tailings", "laboratory")
    }
    return _add(service, known(service, unit_id), InputKind.ASSAYS, body, (body.from_, body.to), own)


@router.post("/scale-epochs", response_model=ScaleEpochAnswer, status_code=201, summary="The belt scale was calibrated")
async def scale_epoch(service: Serving, unit_id: str, body: ScaleEpochBody) -> Response:
    """A calibration."""
    own: dict[str, Own] = {"zero_drift_pct": body.zero_drift_pct, "span_error_pct": body.span_error_pct}
    return _add(service, known(service, unit_id), InputKind.SCALE_EPOCHS, body, (body.from_, None), own)


async def entries(
    service: Serving,
    unit_id: str,
    kind: InputKind,
    replaced: Annotated[bool, Query(description="with those that were replaced or withdrawn")] = False,
    after: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Entries, those of the newest time first."""
    unit = known(service, unit_id)
    wanted = InputFilter(unit=unit.id, kind=kind, replaced=replaced, after=None if after is None else _place(after))
    found = service.inputs.book.select(wanted, limit + 1)
    epochs = service.inputs.book.current(unit.id, kind) if kind is InputKind.SCALE_EPOCHS else ()
    last = found[limit - 1] if len(found) > limit else None
    return answer(
        {
            "items": [view(one, unit, epochs) for one in found[:limit]],
            "next": None if last is None else f"{last.from_ms}-{last.id}",
        }
    )


async def withdraw(
    service: Serving,
    unit_id: str,
    kind: InputKind,
    entry_id: Annotated[int, Path(ge=1, le=(1 << 63) - 1)],
    body: WithdrawBody,
) -> Response:
    """Take an entry back."""
    unit = known(service, unit_id)
    try:
        before = service.inputs.book.get(unit.id, kind, entry_id)
    except UnknownInputError as error:
        raise not_found(f"unit {unit.id!r} has no entry {entry_id} among its {kind.value}") from error
    entry = _entry(service, unit, kind, body, (before.from_ms, before.to_ms), before.own, corrects=entry_id)
    return _written(service, unit, entry)


# Last, so that they never hide what has an address of its own.
router.add_api_route("/{kind}", entries, response_model=InputsPage, summary="What people said, of one kind")
router.add_api_route(
    "/{kind}/{entry_id}/withdraw",
    withdraw,
    methods=["POST"],
    response_model=StopAnswer | AssayAnswer | PlanAnswer | OreAnswer | TargetAnswer | ScaleEpochAnswer,
    status_code=201,
    summary="Take an entry back; it stays in the book",
)


def _add(
    service: Service,
    unit: Unit,
    kind: InputKind,
    body: Said,
    span: tuple[int, int | None],
    own: Mapping[str, Own],
) -> Response:
    return _written(service, unit, _entry(service, unit, kind, body, span, own, corrects=body.corrects))


def _entry(
    service: Service,
    unit: Unit,
    kind: InputKind,
    body: Said | WithdrawBody,
    span: tuple[int, int | None],
    own: Mapping[str, Any],
    *,
    corrects: int | None,
) -> Entry:
    return Entry(
        unit=unit.id,
        kind=kind,
        key=body.key or uuid.uuid4().hex,
        from_ms=span[0],
        to_ms=span[1],
        own=own,
        by=body.by,
        note=body.note,
        recorded_ms=service.now_ms(),
        corrects=corrects,
        withdrawn=isinstance(body, WithdrawBody),
    )


def _written(service: Service, unit: Unit, entry: Entry) -> Response:
    try:
        kept, new = service.inputs.add(entry, unit)
    except UnknownInputError as error:
        raise wrong_value(
            "corrects",
            entry.corrects,
            f"unit {unit.id!r} has no such entry; allowed: an id among its {entry.kind.value}",
        ) from error
    except InputConflictError as error:
        raise ProblemError(409, str(error)) from error
    epochs = service.inputs.book.current(unit.id, kept.kind) if kept.kind is InputKind.SCALE_EPOCHS else ()
    return answer(view(kept, unit, epochs), 201 if new else 200)


def _place(text: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise wrong_value("after", text, "not a place in the list; allowed: what `next` said")
    return int(found[1]), int(found[2])
