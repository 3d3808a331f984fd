"""The HTTP application: routes, errors and headers over one :class:`~api.service.Service`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from api import problems, process_routes, session_routes, static_files
from api.alerting import routes as alert_routes
from api.compression import Compression
from api.fleet import routes as fleet_tables
from api.inputs import routes as input_routes
from api.live import routes as live_routes
from api.session import Gate, Sessions
from api.units import demo_routes, fleet_routes
from api.units import routes as unit_routes

if TYPE_CHECKING:
    from api.service import Service

DESCRIPTION = "Live values, states, history and alerts of mobile processing units. Times are ISO 8601 UTC."


def create_app(*, service: Service) -> FastAPI:
    """Return the application. It neither starts nor stops the service: whoever made it does."""
    app = FastAPI(title="orewatch", version="0.1.0", description=DESCRIPTION, docs_url=None, redoc_url=None)
    token = service.settings.token
    app.state.service = service
    app.state.sessions = Sessions(token=None if token is None else token.get_secret_value(), now_ms=service.now_ms)
    app.state.wrong_tokens = session_routes.WrongTokens(now_ms=service.now_ms)
    problems.install(app)
    routes = (
        unit_routes,
        input_routes,
        fleet_routes,
        fleet_tables,
        alert_routes,
        live_routes,
        session_routes,
        process_routes,
    )
    for module in routes:
        app.include_router(module.router)
    if service.demo_controls is not None:
        app.include_router(demo_routes.router)
    app.include_router(static_files.pages())
    app.add_middleware(Compression)
    app.add_middleware(Gate, sessions=app.state.sessions)
    return app
