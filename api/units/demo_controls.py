"""The demo's controls: what the unit page may do to a simulated plant. Never mounted on a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from api.units.models import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping


class DemoControls(Protocol):
    """What the demo lets people do to its simulated units."""

    async def list(self) -> Mapping[str, Mapping[str, bool]]:
        """Return, per unit id, each scenario's name and whether it is on."""

    async def set(self, unit: str, name: str, on: bool) -> None:
        """Switch a scenario; KeyError for a unit or scenario that does not exist."""


class Scenario(Resource):
    """A scenario of a simulated unit."""

    name: str = Field(examples=["stop_feeder"])
    on: bool


class UnitScenarios(Resource):
    """All scenarios of one unit."""

    scenarios: list[Scenario]


class DemoState(Resource):
    """Every simulated unit's scenarios."""

    units: dict[str, UnitScenarios]
