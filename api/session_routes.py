"""Logging in and out: ``/api/v1/session``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.problems import ProblemError
from api.session import COOKIE, SESSION_S, Login, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

router = APIRouter(prefix="/api/v1/session", tags=["session"])

# Guessing a token of 16 characters is hopeless at any rate; this keeps the log and the processor free of it.
WRONG_PER_MINUTE = 30


class WrongTokens:
    """Counts wrong tokens by the minute."""

    def __init__(self, *, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._minute = 0
        self._count = 0

    def too_many(self) -> bool:
        """Say whether this minute had enough of them."""
        return self._now_ms() // 60_000 == self._minute and self._count >= WRONG_PER_MINUTE

    def add(self) -> None:
        """Count one."""
        minute = self._now_ms() // 60_000
        self._count = self._count + 1 if minute == self._minute else 1
        self._minute = minute


@router.post("", status_code=204, summary="A browser gives the token and gets a cookie")
async def log_in(request: Request, body: Login) -> Response:
    """Log in."""
    sessions: Sessions = request.app.state.sessions
    wrong: WrongTokens = request.app.state.wrong_tokens
    if wrong.too_many():
        raise ProblemError(429, "too many wrong tokens; allowed: again in a minute")
    if sessions.needed and not sessions.is_token(body.token):
        wrong.add()
        raise ProblemError(401, "token: not the right one")
    response = Response(status_code=204)
    if sessions.needed:
        response.set_cookie(
            COOKIE,
            sessions.cookie(),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return response


@router.delete("", status_code=204, summary="A browser forgets its cookie")
async def log_out() -> Response:
    """Log out."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
