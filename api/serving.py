"""The service behind a request, for handlers to ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.service import Service


async def serving(request: Request) -> Service:
    """Return the service that the application was made over."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(serving)]
