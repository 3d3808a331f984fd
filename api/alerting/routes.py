"""Alerts: the list, one of them, and what people do to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from api.alerting.book import AlertFilter, AlertRecord, UnknownAlertError
from api.alerting.models import Acknowledge, Alert, AlertKind, AlertsPage, AlertState, Comment, Shelve, Unshelve
from api.answers import answer
from api.instants import iso, iso_or_none
from api.notify.texts import sentences
from api.problems import RESPONSES, not_found, wrong_value
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from api.units.spans import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.service import Service

_PLACE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
# What the database can number.
AlertId = Annotated[int, Path(ge=0, le=(1 << 63) - 1)]
router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], responses=RESPONSES)


@router.get("", response_model=AlertsPage, summary="Alerts, newest first")
async def alerts(
    service: Serving,
    unit: str | None = None,
    state: Annotated[
        list[str] | None, Query(description="ISA-18.2 states, or `active`; several allowed", examples=[["UNACK"]])
    ] = None,
    kind: Annotated[list[AlertKind] | None, Query()] = None,
    since: Annotated[str | None, Query(description="raised, cleared or standing since this time")] = None,
    after: Annotated[str | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Alerts by the time they were raised."""
    words = [word for text in state or () for word in text.split(",") if word]
    wanted = AlertFilter(
        unit=unit,
        states=tuple(_state(word) for word in words if word != "active"),
        active=True if "active" in words else None,
        kinds=tuple(kind or ()),
        since_ms=None if since is None else instant("since", since),
        after=None if after is None else _place(after),
    )
    records = service.book.select(wanted, limit + 1)
    more = len(records) > limit
    last = records[limit - 1] if more else None
    return answer(
        {
            "items": [view(service, record) for record in records[:limit]],
            "next": None if last is None else f"{last.raised_ms}-{last.id}",
        }
    )


@router.get("/{alert_id}", response_model=Alert, summary="One alert")
async def alert(service: Serving, alert_id: AlertId) -> Response:
    """One alert."""
    return _changed(service, lambda: service.book.get(alert_id), touch=False)


@router.post("/{alert_id}/acknowledge", response_model=Alert, summary="Somebody takes care; twice changes nothing")
async def acknowledge(service: Serving, alert_id: AlertId, body: Acknowledge) -> Response:
    """Acknowledge."""
    now_ms = service.now_ms()
    return _changed(service, lambda: service.book.acknowledge(alert_id, by=body.by, note=body.note, now_ms=now_ms))


@router.post("/{alert_id}/comment", response_model=Alert, summary="A remark")
async def comment(service: Serving, alert_id: AlertId, body: Comment) -> Response:
    """Comment."""
    now_ms = service.now_ms()
    return _changed(service, lambda: service.book.comment(alert_id, by=body.by, text=body.text, now_ms=now_ms))


@router.post("/{alert_id}/shelve", response_model=Alert, summary="Silence for a while")
async def shelve(service: Serving, alert_id: AlertId, body: Shelve) -> Response:
    """Shelve."""
    now_ms = service.now_ms()
    return _changed(
        service,
        lambda: service.book.shelve(alert_id, by=body.by, minutes=body.minutes, reason=body.reason, now_ms=now_ms),
    )


@router.post("/{alert_id}/unshelve", response_model=Alert, summary="End the silence")
async def unshelve(service: Serving, alert_id: AlertId, body: Unshelve) -> Response:
    """Unshelve."""
    now_ms = service.now_ms()
    return _changed(service, lambda: service.book.unshelve(alert_id, by=body.by, now_ms=now_ms))


def view(service: Service, record: AlertRecord) -> dict[str, Any]:
    """Return an alert as JSON-able table; what a standing one costs is counted up to now."""
    lost = service.engine.lost_t(record, service.now_ms())
    return {
        "id": record.id,
        "unit": record.unit,
        "machine": record.machine,
        "signal": record.signal,
        "kind": record.kind.value,
        "priority": record.priority,
        "state": record.state.value,
        "active": record.active,
        "reason": record.reason,
        "text": sentences(record, lost),
        "figures": dict(record.figures),
        "onset_at": iso(record.onset_ms),
        "raised_at": iso(record.raised_ms),
        "recorded_at": iso(record.recorded_ms),
        "cleared_at": iso_or_none(record.cleared_ms),
        "tonnes_lost": lost,
        "historical": record.historical,
        "acknowledged_at": iso_or_none(record.acknowledged_ms),
        "acknowledged_by": record.acknowledged_by,
        "shelved_until": iso_or_none(record.shelved_until_ms),
        "notes": [{"at": iso(note.at_ms), "by": note.by, "text": note.text} for note in record.notes],
    }


def _changed(service: Service, change: Callable[[], AlertRecord], *, touch: bool = True) -> Response:
    try:
        record = change()
    except UnknownAlertError as error:
        raise not_found(f"there is no alert {error.args[0]}") from error
    if touch:
        service.engine.standing.touch(service.now_ms())
    return answer(view(service, record))


def _state(word: str) -> AlertState:
    try:
        return AlertState(word)
    except ValueError as error:
        allowed = ", ".join([*AlertState, "active"])
        raise wrong_value("state", word, f"not a state; allowed: {allowed}") from error


def _place(text: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise wrong_value("after", text, "not a place in the list; allowed: what `next` said")
    return int(found[1]), int(found[2])
