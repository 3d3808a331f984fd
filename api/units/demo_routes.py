"""The demo's controls over HTTP; mounted only where there are any."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations

from api.answers import answer
from api.problems import not_found
from api.serving import Serving  # noqa: TC001 - FastAPI reads the annotations
from api.units.demo_controls import DemoControls, DemoState
from api.units.models import Resource

router = APIRouter(prefix="/api/v1/demo", tags=["demo"])


class Switch(Resource):
    """A scenario to switch."""

    name: str = Field(max_length=80, examples=["stop_feeder"])
    on: bool


@router.get("", response_model=DemoState, summary="What the simulated units can be made to do")
async def demo(service: Serving) -> Response:
    """Every unit's scenarios."""
    return await _state(service.demo_controls)


@router.post("/units/{unit_id}/scenarios", response_model=DemoState, summary="Switch a scenario")
async def switch(service: Serving, unit_id: str, body: Switch) -> Response:
    """Switch one scenario of one unit."""
    controls = service.demo_controls
    if controls is not None:
        try:
            await controls.set(unit_id, body.name, body.on)
        except KeyError as error:
            raise not_found(f"there is no unit or scenario {error.args[0]!r}") from error
    return await _state(controls)


async def _state(controls: DemoControls | None) -> Response:
    units = {} if controls is None else await controls.list()
    return answer(
        {
            "units": {
                unit: {"scenarios": [{"name": name, "on": on} for name, on in scenarios.items()]}
                for unit, scenarios in units.items()
            }
        }
    )
