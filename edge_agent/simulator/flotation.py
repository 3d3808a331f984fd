"""Grinding and flotation: ball mill, cyclone, flotation bank, thickener, filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.simulator.stage import Drain, Stage
from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from edge_agent.simulator.ore import Line
    from edge_agent.simulator.stage import Fitting

FLOAT_YIELD: Final = 0.09
FILTER_CYCLE_S: Final = 720.0


class BallMill(Stage):
    """A ball mill. Its power comes from the balls first, and grows with the ore among them."""

    state = ("held", "power", "trunnion", "winding")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        main = self.unit.roles.main == (self.id, "power")
        self.full_load = self.unit.roles.full_load if main else 95.0
        self.no_load = self.unit.roles.no_load if main else 0.65 * self.full_load
        self.power = self.trunnion = self.winding = 0.0
        self.drain = Drain(240.0)
        self.full = self.drain.settled(self.unit.nameplate_tph)
        self._at = [
            self.place(name) for name in ("running", "tripped", "power", "trunnion_temperature", "winding_temperature")
        ]

    def _wanted(self, line: Line) -> float:
        filled: float = (self.held / self.full) ** 0.6 if self.held > 0.0 else 0.0
        effort: float = line.effort**0.3
        return self.no_load + (self.full_load - self.no_load) * 0.88 * filled * effort

    def settle(self, line: Line, tph: float) -> float:
        """Be filled and warm."""
        self.held = self.drain.settled(tph)
        self.power = self._wanted(line)
        share = self.power / self.full_load
        self.trunnion, self.winding = line.ambient + 40.0 * share, line.ambient + 60.0 * share * share
        return tph

    def step(self, line: Line, t: float) -> float:
        """Grind."""
        dt = line.dt
        self.held += t
        out = wanted = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(dt)
            self.held -= out
            wanted = self._wanted(line) * (1.0 + 0.003 * line.lump)
        self.power += (wanted - self.power) * min(1.0, dt / 4.0)
        line.power_kw += self.power
        line.mill_out_t = out
        share = self.power / self.full_load
        self.trunnion += (line.ambient + 40.0 * share - self.trunnion) * dt / 3600.0
        self.winding += (line.ambient + 60.0 * share * share - self.winding) * dt / 1800.0
        o = line.out
        run, trip, power, trunnion, winding = self._at
        o[run] = 1.0 if on else 0.0
        o[trip] = 0.0
        o[power] = self.power
        o[trunnion] = self.trunnion
        o[winding] = self.winding
        return out


class Cyclone(Stage):
    """The cyclone that closes the mill's circuit; it shows what the mill gives and holds nothing itself."""

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self._at = [self.place(name) for name in ("feed_pressure", "slurry_density")]

    def step(self, line: Line, t: float) -> float:
        """Classify."""
        load = t * 3600.0 / line.dt / line.nameplate_tph
        on = line.drives_on
        if on:
            line.power_kw += self.kw * (0.6 + 0.4 * load)
        pressure, density = self._at
        line.out[pressure] = 62.0 + 45.0 * load + 1.5 * line.wander if on else 0.0
        line.out[density] = 1000.0 + 365.0 * load**0.8
        return t


class FlotationBank(Stage):
    """A flotation bank: its froth goes to the thickener, the pulp goes on."""

    state = ("held", "ph")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.set_point = self.unit.reference.get(SignalRef(self.id, "ph"), 9.0)
        self.ph = self.set_point
        self.drain = Drain(420.0)
        self._at = [self.place(name) for name in ("running", "ph", "air", "pulp_level")]

    def settle(self, line: Line, tph: float) -> float:
        """Be full of pulp."""
        self.held = self.drain.settled(tph)
        line.concentrate += tph * FLOAT_YIELD
        return tph * (1.0 - FLOAT_YIELD)

    def step(self, line: Line, t: float) -> float:
        """Float."""
        dt = line.dt
        self.held += t
        out = froth = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(dt)
            self.held -= out
            froth = out * FLOAT_YIELD
            line.concentrate += froth
            line.power_kw += self.kw
        # Lime holds the pH while pulp flows; standing pulp loses it slowly.
        wanted = self.set_point + 0.06 * line.wander if on else 7.8
        self.ph += (wanted - self.ph) * dt / (120.0 if on else 7200.0)
        o = line.out
        run, ph, air, level = self._at
        o[run] = 1.0 if on else 0.0
        o[ph] = self.ph
        o[air] = 21.0 * line.nameplate_tph + 2.0 * line.wander if on else 0.0
        o[level] = 360.0 + 60.0 * out * 3600.0 / dt / line.nameplate_tph
        return out - froth


class Thickener(Stage):
    """The concentrate's thickener. The tailings that pass along the line do not enter it."""

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.drain = Drain(1500.0)
        self._torque = self.place("rake_torque")

    def settle(self, line: Line, tph: float) -> float:
        """Hold a steady bed."""
        self.held = self.drain.settled(line.concentrate)
        return tph

    def step(self, line: Line, t: float) -> float:
        """Thicken ``line.concentrate``; ``t`` goes by."""
        self.held += line.concentrate
        out = 0.0
        if line.drives_on:
            out = self.held * self.drain.share(line.dt)
            self.held -= out
            line.power_kw += self.kw
        line.concentrate = out
        bed = self.held / self.drain.settled(line.nameplate_tph * 2.0 * FLOAT_YIELD)
        line.out[self._torque] = 9.0 + 26.0 * bed if line.drives_on else 0.0
        return t


class Filter(Stage):
    """A filter press: its pressure rises through each cycle; the cake is product."""

    state = ("held", "cycle_s")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.cycle_s = 0.0
        self.drain = Drain(FILTER_CYCLE_S)
        self._at = [self.place(name) for name in ("running", "pressure", "cycle_time")]

    def settle(self, line: Line, tph: float) -> float:
        """Be in the middle of a cycle."""
        self.held = self.drain.settled(line.concentrate)
        return tph

    def step(self, line: Line, t: float) -> float:
        """Filter ``line.concentrate``; ``t`` goes by."""
        self.held += line.concentrate
        line.concentrate = 0.0
        pressure = 0.0
        if line.drives_on:
            out = self.held * self.drain.share(line.dt)
            self.held -= out
            line.product += out
            line.power_kw += self.kw
            self.cycle_s = (self.cycle_s + line.dt) % FILTER_CYCLE_S
            pressure = 450.0 + 300.0 * self.cycle_s / FILTER_CYCLE_S
        o = line.out
        run, shown, cycle = self._at
        o[run] = 1.0 if line.drives_on else 0.0
        o[shown] = pressure
        o[cycle] = FILTER_CYCLE_S / 60.0
        return t
