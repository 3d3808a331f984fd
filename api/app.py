"""The HTTP application: routes, errors and headers over one :class:`~api.service.Service`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from api.service import Service


def create_app(*, service: Service) -> FastAPI:
    """Return the application. It neither starts nor stops the service: whoever made it does."""
    app = FastAPI(title="orewatch", version="0.1.0", docs_url=None, redoc_url=None)
    app.state.service = service
    return app
