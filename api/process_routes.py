"""The process itself: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import answer
from api.exposition import MEDIA_TYPE
from api.metrics import metrics_text
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations

router = APIRouter(tags=["process"])


@router.get("/healthz", summary="The process answers")
async def healthz() -> Response:
    """Always 200."""
    return answer({"status": "ok"})


@router.get("/readyz", summary="The process does its work", responses={503: {"description": "not yet, or not now"}})
async def readyz(request: Request, service: Serving) -> Response:
    """Ready while units are judged. The store may be down: live values and alerts go on without it.

    ``degraded`` names what is missing all the same. Details are for those who may come in.
    """
    told = service.health.readiness(full=request.app.state.sessions.knows(request.headers))
    return answer(told, 200 if told["status"] == "ready" else 503)


@router.get("/metrics", summary="Prometheus text", response_class=Response)
async def metrics(service: Serving) -> Response:
    """Counters and gauges, the collector's among them."""
    return Response(await metrics_text(service), media_type=MEDIA_TYPE)
