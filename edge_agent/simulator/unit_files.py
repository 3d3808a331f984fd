"""Agent configurations for simulated units."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit


def demo_units() -> tuple[Unit, ...]:
    """Return the demo's four units: pb-01, zn-01, mn-01, bx-01."""
    raise NotImplementedError


def unit_toml(
    unit: Unit,
    *,
    plc_host: str = "127.0.0.1",
    plc_port: int = 5020,
    broker_host: str = "127.0.0.1",
    broker_port: int = 1883,
    spool: str | None = None,
    group: str = "orewatch",
    collector: str = "orewatch",
) -> str:
    """Return the agent's TOML for a unit behind a simulated PLC; ``spool`` is the spool's file."""
    raise NotImplementedError
