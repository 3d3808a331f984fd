"""The genset: carries what the machines draw, burns fuel for it, and counts both."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from edge_agent.simulator.stage import Stage
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from edge_agent.simulator.ore import Line
    from edge_agent.simulator.stage import Fitting


class Genset(Stage):
    """A diesel genset of four poles. ``kw`` is what lights, pumps and compressor draw besides the machines."""

    state = ("power", "coolant", "energy", "fuel")
    names: ClassVar = (
        "running", "red_stop", "power", "frequency", "engine_speed", "coolant_temperature", "oil_pressure",
        "energy", "fuel",
    )  # fmt: skip

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.rated = self.unit.reference.get(SignalRef(self.id, "power"), 200.0)
        self.power = self.coolant = self.energy = self.fuel = 0.0
        signals = self.machine.signals
        self.wraps = tuple(signals[name].wrap or 1e7 for name in ("energy", "fuel"))
        self._at = [self.place(name) for name in self.names]

    def settle(self, line: Line, tph: float) -> float:
        """Be warm."""
        del line
        self.power = 0.6 * self.rated
        self.coolant = 84.0
        return tph

    def step(self, line: Line, t: float) -> float:
        """Carry ``line.power_kw``; ore goes by."""
        dt = line.dt
        on = line.engine_on
        wanted = line.power_kw + self.kw if on else 0.0
        change = (wanted - self.power) * min(1.0, dt / 2.0)
        self.power += change
        share = self.power / self.rated
        frequency = oil = 0.0
        if on:
            # Droop under load, a governor that hunts, and a dip while load comes on until it has followed.
            frequency = (
                50.15
                - 0.25 * share
                + 0.02 * line.wander
                + 0.015 * line.lump
                - 4.0 * max(-0.4, min(0.4, change / dt / self.rated))
            )
            # 29, 42, 55 L/h at 50, 75, 100 % of 200 kW, the same shape for other sizes.
            self.fuel += (3.0 + 52.0 * share) * self.rated / 200.0 * dt / 3600.0
            self.energy += self.power * dt / 3600.0
            oil = 470.0 - 1.2 * (self.coolant - 60.0)
        if self.energy >= self.wraps[0]:
            self.energy -= self.wraps[0]
        if self.fuel >= self.wraps[1]:
            self.fuel -= self.wraps[1]
        self.coolant += ((77.0 + 10.0 * share if on else line.ambient) - self.coolant) * dt / 600.0
        o = line.out
        run, red, power, hertz, speed, coolant, pressure, energy, fuel = self._at
        o[run] = 1.0 if on else 0.0
        o[red] = 0.0
        o[power] = self.power
        o[hertz] = frequency
        o[speed] = 30.0 * frequency
        o[coolant] = self.coolant
        o[pressure] = oil
        o[energy] = self.energy
        o[fuel] = self.fuel
        return t
