"""What the unit page may do to the demo's plants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.simulator.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.simulator.plant import Plant


class PlantControls:
    """Starts and stops scenarios of the running plants (:class:`api.units.demo_controls.DemoControls`)."""

    def __init__(self, plants: Mapping[str, Plant]) -> None:
        self._plants = plants

    async def list(self) -> Mapping[str, Mapping[str, bool]]:
        """Return each unit's scenarios and whether they are on."""
        return {unit: {name: name in plant.active for name in SCENARIOS} for unit, plant in self._plants.items()}

    async def set(self, unit: str, name: str, on: bool) -> None:
        """Switch a scenario; KeyError for a unit or scenario that does not exist."""
        plant = self._plants[unit]
        scenario = SCENARIOS[name]
        if on and name not in plant.active:
            plant.start(scenario.name)
        elif not on:
            plant.stop(scenario.name)
