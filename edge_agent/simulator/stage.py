"""A machine of a simulated unit: takes ore, holds some of it, gives the rest, and shows its signals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.simulator.ore import Line
    from orewatch.plant.unit import Machine, Unit

NOWHERE = -1
"""Place of a signal that the unit's machine does not have; written to and never read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Where a machine model is built in. ``places`` maps ``machine.signal`` to its place in the unit's vector."""

    unit: Unit
    machine: Machine
    places: Mapping[str, int]
    kw: float


class Stage:
    """Base of all machine models. ``kw`` is the machine's rated power; ``held`` the ore in it, in t.

    ``state`` names the attributes that a snapshot keeps.
    """

    state: ClassVar[tuple[str, ...]] = ("held",)

    def __init__(self, fitting: Fitting) -> None:
        self.id = fitting.machine.id
        self.unit = fitting.unit
        self.machine = fitting.machine
        self.kw = fitting.kw
        self.held = 0.0
        self._places = fitting.places

    def place(self, signal: str) -> int:
        """Return where ``signal`` stands in the unit's vector; :data:`NOWHERE` where the machine has none."""
        return self._places.get(f"{self.id}.{signal}", NOWHERE)

    def settle(self, line: Line, tph: float) -> float:
        """Become what hours at ``tph`` t/h would make of it, and return what it passes on, t/h."""
        del line
        return tph

    def step(self, line: Line, t: float) -> float:
        """Take ``t`` tonnes, let ``line.dt`` seconds pass, and return the tonnes passed on."""
        raise NotImplementedError

    def snapshot(self) -> dict[str, Any]:
        """Return the state by name."""
        return {name: getattr(self, name) for name in self.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state back; KeyError where one is missing."""
        for name in self.state:
            value = state[name]
            setattr(self, name, value if isinstance(value, bool) else float(value))


class Drain:
    """The share of what is held that leaves within a time step, for a mean stay of ``stay_s``."""

    __slots__ = ("_dt", "_share", "stay_s")

    def __init__(self, stay_s: float) -> None:
        self.stay_s = stay_s
        self._dt = 0.0
        self._share = 0.0

    def share(self, dt: float) -> float:
        """Return the share for a step of ``dt`` seconds."""
        if dt != self._dt:
            self._dt = dt
            self._share = 1.0 - math.exp(-dt / self.stay_s)
        return self._share

    def settled(self, tph: float, dt: float = 1.0) -> float:
        """Return what is left held, in t, after each step at a steady ``tph``."""
        share = self.share(dt)
        return tph * dt / 3600.0 * (1.0 - share) / share
