"""Who may come in: a bearer token for programs, a signed cookie for browsers; security headers for all.

One ASGI layer around the application, so that no route can be forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from starlette.datastructures import Headers, MutableHeaders

from api.problems import problem_response
from api.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "orewatch_session"
SESSION_S = 30 * 86_400
MAX_BODY_BYTES = 65_536
_OPEN = ("/healthz", "/readyz", "/api/v1/session", "/", "/alerts", "/wall", "/sw.js", "/favicon.ico")
_OPEN_UNDER = ("/static/", "/units/", "/alerts/")
_ALWAYS = {"X-Content-Type-Options": "nosniff"}
# What a browser heeds in a document only; on a page's forty modules and answers they would only cost the link.
_DOCUMENT = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_WORKER = "/sw.js"
_PARTS = ("text/javascript", "text/css", "image/svg+xml", "application/json", "text/event-stream")


class Login(BaseModel):
    """What the login page sends."""

    token: str = Field(min_length=1, max_length=1000)


class Sessions:
    """Checks tokens and makes session cookies. A cookie carries its end and a signature, nothing else."""

    def __init__(self, *, token: str | None, now_ms: Callable[[], int]) -> None:
        self._token = token
        self._now_ms = now_ms
        self.refused = 0

    @property
    def needed(self) -> bool:
        """A token is set."""
        return self._token is not None

    def is_token(self, given: str) -> bool:
        """Say whether ``given`` is the token, in constant time."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def cookie(self) -> str:
        """Return a new cookie value."""
        ends = str(self._now_ms() // 1000 + SESSION_S)
        return f"{ends}.{self._signature(ends)}"

    def is_cookie(self, value: str) -> bool:
        """Say whether we made this cookie and its time is not over."""
        ends, _, signature = value.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) < 16):  # noqa: PLR2004 - seconds
            return False
        return hmac.compare_digest(signature.encode(), self._signature(ends).encode()) and (
            int(ends) > self._now_ms() // 1000
        )

    def knows(self, headers: Headers) -> bool:
        """Say whether whoever asks may see details: by token or cookie, or because only this machine can ask."""
        return not self.needed or self.admits(headers)

    def admits(self, headers: Headers) -> bool:
        """Say whether a request with these headers may come in."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return COOKIE in jar and self.is_cookie(jar[COOKIE].value)

    def _signature(self, text: str) -> str:
        key = hashlib.blake2b((self._token or "").encode(), person=b"orewatch-api").digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Gate:
    """The layer: refuses who may not come in, bounds bodies, adds headers."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A worker heeds its own script's policy, as a document does.
                part = headers.get("content-type", "").startswith(_PARTS) and scope["path"] != _WORKER
                for name, value in (_ALWAYS if part else _ALWAYS | _DOCUMENT).items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if refusal is not None:
            status, detail = refusal
            self._sessions.refused += 1
            challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 - HTTP
            await problem_response(status, detail, headers=challenge)(scope, receive, send_with_headers)
            return
        await self._app(scope, _bounded(receive), send_with_headers)

    def _refusal(self, path: str, headers: Headers) -> tuple[int, str] | None:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return 413, f"the body is too long; allowed: {MAX_BODY_BYTES} bytes"
        if not self._sessions.needed:
            # Without a token only this machine is served, and only by its own names: a page from
            # elsewhere that makes its own name point here (DNS rebinding) is not.
            host = headers.get("host", "localhost")
            name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
            return None if is_loopback(name.strip("[]")) else (421, "host: not a name of this machine")
        if path in _OPEN or path.startswith(_OPEN_UNDER) or self._sessions.admits(headers):
            return None
        return 401, "a token is needed: Authorization: Bearer, or POST /api/v1/session"


def _bounded(receive: Receive) -> Receive:
    """Cut off bodies that are longer than they said."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                return {"type": "http.disconnect"}
        return message

    return bounded
