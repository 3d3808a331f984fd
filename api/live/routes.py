"""The live stream: a frame a second over server-sent events, resumable by ``Last-Event-ID``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from api.live.stream import CHANGES, event
from api.problems import not_found, problem_response, wrong_value
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.live.stream import Viewer
    from api.service import Service

router = APIRouter(prefix="/api/v1", tags=["live"])

RETRY_MS = 2000
_ID = re.compile(r"[0-9]{1,18}")
_FRAME = (
    "event: frame\nid: 1795687200000\ndata: "
    '{"t":1795687200000,"units":{"mn-01":{"state":"IDLE","reason":"no_load","since":1795684800000,'
    '"provisional":true,"connection":"live","throughput_tph":0.0,"target_tph":13.5,"tonnes_today":88.2,'
    '"last_tonne_at":1795684790000,"last_seen":1795687199800,"alerts":1,"pending":null}},'
    '"alerts":{"active":2,"changed":1795685100000}}\n\n'
)


@router.get(
    "/live",
    summary="What is happening, once a second",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _FRAME}}},
        404: {"description": "the unit was never seen"},
        503: {"description": "too many viewers"},
    },
)
async def live(
    service: Serving,
    unit: Annotated[str | None, Query(description="one unit, with all its signals")] = None,
    changes: Annotated[bool, Query(description="the fleet as rows of `/fleet`, only those that changed")] = False,
    since: Annotated[int | None, Query(ge=0, description="`t` of the table or frame that is known")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Frames of the fleet, or of one unit with all its signals.

    With ``changes``: ``{t, from, units: {id: row in the order of live_columns}, alerts}``. Whoever knows less than
    ``from`` reads ``/fleet`` again; what is known already does no harm.
    """
    if changes and unit is not None:
        raise wrong_value("unit", unit, "not together with changes; allowed: one of the two")
    if unit is not None and unit not in service.roster:
        raise not_found(f"unit {unit[:80]!r} was never seen")
    viewer = service.stream.join(CHANGES if changes else unit)
    if viewer is None:
        return problem_response(503, "too many viewers", headers={"Retry-After": "10"})
    if unit is not None:
        service.look_at(unit)
    last_ms = int(last_event_id) if last_event_id and _ID.fullmatch(last_event_id) else since
    return StreamingResponse(
        _frames(service, viewer, last_ms),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _frames(service: Service, viewer: Viewer, last_ms: int | None) -> AsyncIterator[bytes]:
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        for frame in service.stream.missed(viewer.unit, last_ms) if last_ms is not None else ():
            yield frame
        if viewer.unit == CHANGES:
            # Says at once that the link stands, and to whom it comes too late that the table has to be read again.
            yield event(service.fleet.changes.at_ms, service.fleet.changes.mark(service.now_ms()))
        else:
            # The first picture comes at once, not with the next second.
            now_ms = service.now_ms()
            yield event(now_ms, service.frames.of(viewer.unit, now_ms))
        async for frame in viewer.frames():
            yield frame
    finally:
        service.stream.leave(viewer)
