"""Washing and separation by weight and magnet: washer, jig, magnetic separator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.simulator.stage import Drain, Stage
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from edge_agent.simulator.ore import Line
    from edge_agent.simulator.stage import Fitting

SLIMES: Final = 0.12
"""Share of the washer's feed that leaves as slimes."""
JIG_YIELD: Final = 0.34
MAGNET_YIELD: Final = 0.18


class Washer(Stage):
    """A log washer or scrubber: its slimes are waste."""

    state = ("held", "current")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.current = 0.0
        self.drain = Drain(3.5)
        self.water = self.unit.reference.get(SignalRef(self.id, "wash_water"), 40.0)
        self._at = [self.place(name) for name in ("running", "tripped", "motor_current", "wash_water")]

    def settle(self, line: Line, tph: float) -> float:
        """Hold a steady bed."""
        self.held = self.drain.settled(tph)
        self.current = 30.0 + 31.0 * tph * (1.0 - SLIMES) / line.nameplate_tph
        return tph * (1.0 - SLIMES)

    def step(self, line: Line, t: float) -> float:
        """Wash."""
        self.held += t
        out = wanted = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(line.dt)
            self.held -= out
            line.waste += out * SLIMES
            wanted = 30.0 + 31.0 * out * (1.0 - SLIMES) * 3600.0 / line.dt / line.nameplate_tph
        self.current += (wanted - self.current) * min(1.0, line.dt / 2.0)
        line.power_kw += self.kw * self.current / 100.0
        o = line.out
        run, trip, current, water = self._at
        o[run] = 1.0 if on else 0.0
        o[trip] = 0.0
        o[current] = self.current
        o[water] = self.water * (1.0 + 0.01 * line.wander) if on else 0.0
        return out - out * SLIMES


class Separator(Stage):
    """What jig and magnetic separator share: a bed, a yield that is product, the rest goes on."""

    yield_share = 0.0
    stay_s = 60.0
    shown: tuple[tuple[str, float], ...] = ()
    """Signals with the set point that stands in where the unit gives none."""

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.drain = Drain(self.stay_s)
        self._running = self.place("running")
        self._set_points = [
            (self.place(name), self.unit.reference.get(SignalRef(self.id, name), value)) for name, value in self.shown
        ]

    def settle(self, line: Line, tph: float) -> float:
        """Hold a steady bed."""
        del line
        self.held = self.drain.settled(tph)
        return tph * (1.0 - self.yield_share)

    def step(self, line: Line, t: float) -> float:
        """Separate."""
        self.held += t
        out = concentrate = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(line.dt)
            self.held -= out
            concentrate = out * self.yield_share
            line.product += concentrate
            line.power_kw += self.kw
        o = line.out
        o[self._running] = 1.0 if on else 0.0
        for place, value in self._set_points:
            o[place] = value * (1.0 + 0.004 * line.lump) if on else 0.0
        return out - concentrate


class Jig(Separator):
    """A jig for the coarse ore."""

    yield_share = JIG_YIELD
    stay_s = 90.0
    shown = (("stroke_rate", 160.0), ("hutch_water", 45.0))


class MagneticSeparator(Separator):
    """A magnetic separator for the fines that pass the jig."""

    yield_share = MAGNET_YIELD
    stay_s = 20.0
    shown = (("coil_current", 60.0), ("drum_speed", 45.0))
