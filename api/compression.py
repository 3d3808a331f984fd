"""Compresses answers that are worth it, and never the live stream, whose frames must leave at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.gzip import GZipMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_LIVE = "/api/v1/live"
_STATIC = "/static/"


class Compression:
    """gzip at a cheap level; static files come compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._gzip = GZipMiddleware(app, minimum_size=1000, compresslevel=4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        skips = scope["type"] != "http" or scope["path"] == _LIVE or scope["path"].startswith(_STATIC)
        await (self._plain if skips else self._gzip)(scope, receive, send)
