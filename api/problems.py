"""Errors as the caller sees them: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from sqlite3 import OperationalError
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.alerting.lifecycle import LifecycleError
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong, in RFC 9457's members; ``errors`` names each field at fault."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str | None = Field(default=None, examples=["unit 'xx-99' was never seen"])
    errors: list[dict[str, str]] | None = Field(
        default=None, examples=[[{"field": "start", "value": "yesterday", "message": "not a time"}]]
    )


class ProblemError(Exception):
    """Raised by handlers; becomes a problem response."""

    def __init__(self, status: int, detail: str, *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors


def not_found(detail: str) -> ProblemError:
    """Return a 404."""
    return ProblemError(404, detail)


def encodable(text: str) -> str:
    """Return a text that can be sent: what is no character of its own comes back as a question mark."""
    return text.encode("utf-8", "replace").decode()


def wrong_value(field: str, value: object, message: str) -> ProblemError:
    """Return a 422 that names the field, its value and what is allowed."""
    shown, message = encodable(str(value)[:200]), encodable(message)
    return ProblemError(422, f"{field}: {message}", errors=[{"field": field, "value": shown, "message": message}])


def problem_response(
    status: int,
    detail: str | None = None,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as a response."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    return Response(
        orjson.dumps(body), status, media_type="application/problem+json", headers=dict(headers) if headers else None
    )


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
        return problem_response(error.status, error.detail, errors=error.errors)

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
        return problem_response(error.status_code, str(error.detail), headers=error.headers)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
        errors = [
            {
                "field": ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0]),
                "value": encodable(str(e.get("input"))[:200]),
                "message": encodable(str(e["msg"])),
            }
            for e in error.errors()
        ]
        detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
        return problem_response(422, detail, errors=errors)

    async def lifecycle(_request: Request, error: Exception) -> Response:
        return problem_response(409, str(error))

    async def store(_request: Request, error: Exception) -> Response:
        log.warning("the store does not answer: %s", error)
        return problem_response(
            503, "the history store does not answer; live values and alerts go on", headers={"Retry-After": "10"}
        )

    async def disk(_request: Request, error: Exception) -> Response:
        log.error("a database does not take it: %s", error)
        return problem_response(
            503, "the disk did not take it, and nothing was changed; try again", headers={"Retry-After": "10"}
        )

    async def unforeseen(_request: Request, _error: Exception) -> Response:
        return problem_response(500, "an error of ours; the log says more")

    app.add_exception_handler(Exception, unforeseen)
    app.add_exception_handler(ProblemError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(LifecycleError, lifecycle)
    app.add_exception_handler(StoreError, store)
    app.add_exception_handler(OperationalError, disk)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status in (404, 422, 503)
}
