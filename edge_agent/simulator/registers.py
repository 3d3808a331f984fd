"""Where each signal of a simulated unit stands in its PLC."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.sources.registers import RegisterSpec
    from orewatch.plant.unit import Unit


def register_map(unit: Unit) -> tuple[RegisterSpec, ...]:
    """Return a register for every signal of the unit; RegisterError where a signal's range does not fit its type."""
    raise NotImplementedError
