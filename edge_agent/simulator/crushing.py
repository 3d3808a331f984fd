"""Feeding and crushing: hopper and feeder, crushers, screen, conveyor, belt scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from edge_agent.simulator.stage import Drain, Stage

if TYPE_CHECKING:
    from edge_agent.simulator.ore import Line
    from edge_agent.simulator.stage import Fitting

HOPPER_H: Final = 0.25
BUCKET: Final = 0.24
FEEDER_START_S: Final = 20.0
CHAMBER_H: Final = 0.010
BLOCKED_CURRENT: Final = 108.0
FREED: Final = 1.5
"""Most that a crusher passes, of nameplate, as it works off what had stood in it."""


class Feeder(Stage):
    """A hopper that a loader fills by the bucket, and the feeder below it. ``per_t``: feed per tonne at the scale."""

    state = ("held", "next_bucket")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.per_t = 1.0
        self.capacity = HOPPER_H * self.unit.nameplate_tph
        self.next_bucket = 0.55
        self._running, self._level, self._speed = map(self.place, ("running", "level", "speed"))

    def settle(self, line: Line, tph: float) -> float:
        """Stand with the hopper well filled."""
        del line
        self.held = 0.62 * self.capacity
        return tph * self.per_t

    def step(self, line: Line, t: float) -> float:
        """Feed at the set point, less as the hopper runs out; ``t`` is not used, ore comes by the bucket."""
        del t
        if line.loader_on and self.held < self.next_bucket * self.capacity:
            self.held += BUCKET * self.capacity
            line.loaded += BUCKET * self.capacity
            self.next_bucket = min(0.55, max(0.36, 0.46 + 0.05 * line.jitter))
        running = line.feeder_on and line.drives_for_s > FEEDER_START_S and not line.tripped and not line.chute_full
        speed = out = 0.0
        if running:
            # Hard ore is fed more slowly: the crew keeps the crusher within its current.
            rate = line.target_tph * self.per_t * line.capacity / (1.0 + 0.45 * (line.hardness - 1.0))
            rate *= 1.0 + 0.02 * line.wander
            speed = 62.0 * rate / (line.nameplate_tph * self.per_t)
            filled = min(1.0, self.held / (0.05 * self.capacity))
            out = min(self.held, max(0.0, rate * filled * (1.0 + 0.035 * line.lump)) * line.dt / 3600.0)
            self.held -= out
            line.power_kw += self.kw * (0.5 + 0.5 * speed / 62.0)
        line.out[self._running] = 1.0 if running else 0.0
        line.out[self._level] = 100.0 * self.held / self.capacity
        line.out[self._speed] = speed
        return out


class Crusher(Stage):
    """A jaw or impact crusher. It carries the hot bearing and the plugged chute."""

    state = ("held", "current", "bearing", "winding", "tripped")
    names: ClassVar = (
        "running", "tripped", "plugged", "motor_current", "bearing_temperature", "winding_temperature", "vibration",
    )  # fmt: skip

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        main = self.unit.roles.main == (self.id, "motor_current")
        self.no_load = self.unit.roles.no_load if main else 25.0
        self.full_load = self.unit.roles.full_load if main else 100.0
        bearing = self.machine.signals.get("bearing_temperature")
        self.trip_at = bearing.trip if bearing and bearing.trip is not None else 90.0
        self.current = self.bearing = self.winding = 0.0
        self.tripped = False
        self.drain = Drain(2.0)
        self._at = [self.place(name) for name in self.names]

    def settle(self, line: Line, tph: float) -> float:
        """Be warm under load."""
        self.held = self.drain.settled(tph)
        self.current = self._wanted(line, tph)
        self.bearing, self.winding = self._heat(line)
        return tph

    def _wanted(self, line: Line, tph: float) -> float:
        return self.no_load + (self.full_load - self.no_load) * 0.52 * line.effort * tph / line.nameplate_tph

    def _heat(self, line: Line) -> tuple[float, float]:
        share = self.current / 62.0
        turning = 1.0 if self.current > 1.0 else 0.0
        return line.ambient + 20.0 * turning + 18.0 * share, line.ambient + 16.0 * turning + 36.0 * share * share

    def step(self, line: Line, t: float) -> float:
        """Crush; with the chute blocked the chamber fills, the current climbs and the feeder is locked."""
        dt = line.dt
        self.held += t
        running = line.drives_on and not self.tripped
        cap = CHAMBER_H * line.nameplate_tph
        out = 0.0
        if running and not line.blocked:
            out = min(self.held * self.drain.share(dt), FREED * line.nameplate_tph * dt / 3600.0)
            self.held -= out
        full = self.held / cap
        # The switch sees ore standing in the chute, which crushing alone never does.
        plugged = line.blocked and full > 0.25  # noqa: PLR2004 - the switch's height
        line.chute_full = full > 1.0 or (line.chute_full and full > 0.6)  # noqa: PLR2004 - clears as it empties
        wanted = 0.0
        if running:
            wanted = self._wanted(line, out * 3600.0 / dt)
            if line.blocked:
                wanted += (BLOCKED_CURRENT - self.no_load + 1.5 * line.lump) * min(1.0, full)
        self.current += (wanted - self.current) * min(1.0, dt / 1.5)
        line.power_kw += self.kw * self.current / 100.0
        bearing, winding = self._heat(line)
        self.bearing += (bearing - self.bearing) * dt / 1500.0
        self.winding += (winding - self.winding) * dt / 1800.0
        hot = self.bearing + line.bearing_rise
        if hot >= self.trip_at:
            self.tripped = True
        elif self.tripped and not line.hot:
            self.tripped = False
        line.any_trip = line.any_trip or self.tripped
        o = line.out
        run, trip, plug, current, bear, wind, vib = self._at
        o[run] = 1.0 if running else 0.0
        o[trip] = 1.0 if self.tripped else 0.0
        o[plug] = 1.0 if plugged else 0.0
        o[current] = self.current
        o[bear] = hot
        o[wind] = self.winding
        o[vib] = 0.12 + (2.4 + 0.012 * self.current + 0.11 * line.bearing_rise if running else 0.0)
        return out


class Screen(Stage):
    """A vibrating screen; with a cone crusher in the circuit its oversize goes there and comes back."""

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.oversize = 0.28 if any(m.cls == "cone_crusher" for m in self.unit.machines.values()) else 0.0
        self.drain = Drain(1.5)
        self._at = [self.place(name) for name in ("running", "stroke", "acceleration")]

    def settle(self, line: Line, tph: float) -> float:
        """Hold a layer of ore, oversize that goes round included."""
        line.cone_return = tph / 3600.0 * self.oversize / (1.0 - self.oversize)
        self.held = self.drain.settled(tph / (1.0 - self.oversize))
        return tph

    def step(self, line: Line, t: float) -> float:
        """Screen what comes from the crusher and from the cone."""
        self.held += t + line.cone_return
        line.cone_return = 0.0
        out = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(line.dt)
            self.held -= out
            line.oversize = out * min(0.6, self.oversize * line.effort)
            line.power_kw += self.kw
        o = line.out
        run, stroke, acceleration = self._at
        o[run] = 1.0 if on else 0.0
        # A heavier bed damps the stroke a little.
        o[stroke] = 9.2 - 0.3 * t * 3600.0 / line.dt / line.nameplate_tph if on else 0.0
        o[acceleration] = 43.0 - 1.2 * t * 3600.0 / line.dt / line.nameplate_tph if on else 0.0
        return out - line.oversize


class ConeCrusher(Stage):
    """A cone crusher in closed circuit with the screen."""

    state = ("held", "current", "lube", "tripped")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.current = self.lube = 0.0
        self.tripped = False
        self.drain = Drain(2.0)
        self._at = [self.place(n) for n in ("running", "tripped", "motor_current", "lube_temperature", "lube_pressure")]

    def settle(self, line: Line, tph: float) -> float:
        """Hold the oversize that goes round."""
        around = line.cone_return * 3600.0
        self.held = self.drain.settled(around)
        self.current = 28.0 + 90.0 * around / line.nameplate_tph
        self.lube = line.ambient + 33.0
        return tph

    def step(self, line: Line, t: float) -> float:
        """Crush ``line.oversize``; ``t``, which has passed the screen, goes by."""
        dt = line.dt
        self.held += line.oversize
        wanted = 0.0
        on = line.drives_on
        if on:
            out = self.held * self.drain.share(dt)
            self.held -= out
            line.cone_return = out
            wanted = 28.0 + 90.0 * line.effort * out * 3600.0 / dt / line.nameplate_tph
        self.current += (wanted - self.current) * min(1.0, dt / 1.5)
        line.power_kw += self.kw * self.current / 100.0
        self.lube += (line.ambient + (14.0 + 19.0 * self.current / 58.0 if on else 0.0) - self.lube) * dt / 900.0
        o = line.out
        run, trip, current, temperature, pressure = self._at
        o[run] = 1.0 if on else 0.0
        o[trip] = 0.0
        o[current] = self.current
        o[temperature] = self.lube
        # Warm oil is thin.
        o[pressure] = 260.0 - 1.6 * (self.lube - 40.0) if on else 0.0
        return t


class Conveyor(Stage):
    """The fine bin and the belt below it, which the belt scale weighs."""

    state = ("held", "bin")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.bin = 0.0
        # A faster belt for more ore keeps the load per metre within a scale's range.
        self.speed = 0.5 if self.unit.nameplate_tph <= 10.0 else 0.8  # noqa: PLR2004 - t/h
        # On a small mobile unit the bin is a surge hopper, and the scale stands two metres down the belt.
        self.length = 2.0
        self.bin_drain = Drain(2.0)
        self.drain = Drain(self.length / self.speed)
        self._at = [self.place(name) for name in ("running", "drift", "belt_speed", "slip")]

    def settle(self, line: Line, tph: float) -> float:
        """Carry a steady load."""
        del line
        self.bin = self.bin_drain.settled(tph)
        self.held = self.drain.settled(tph)
        return tph

    def step(self, line: Line, t: float) -> float:
        """Draw from the bin onto the belt and off it, over the scale."""
        dt = line.dt
        self.bin += t
        out = speed = slip = 0.0
        on = line.drives_on
        if on:
            drawn = self.bin * self.bin_drain.share(dt)
            self.bin -= drawn
            self.held += drawn
            out = self.held * self.drain.share(dt)
            self.held -= out
            load = out * 3600.0 / dt / line.nameplate_tph
            slip = 0.7 + 0.3 * load
            speed = self.speed * (1.0 - slip / 100.0)
            line.power_kw += self.kw * (0.6 + 0.4 * load)
        line.scale_t = out
        line.belt_tph = out * 3600.0 / dt
        # A belt that stands keeps what lies on it.
        line.belt_load = line.belt_tph / (3.6 * speed) if on else self.held * 1000.0 / self.length
        o = line.out
        run, drift, belt, slipping = self._at
        o[run] = 1.0 if on else 0.0
        o[drift] = 0.0
        o[belt] = speed
        o[slipping] = slip
        return out


class BeltScale(Stage):
    """The belt scale: weighs what passes, and adds it up exactly."""

    state = ("held", "total")

    def __init__(self, fitting: Fitting) -> None:
        super().__init__(fitting)
        self.total = 0.0
        self.wrap = self.machine.signals["total"].wrap or 1e6
        self._at = [self.place(name) for name in ("belt_load", "mass_flow", "total")]

    def step(self, line: Line, t: float) -> float:
        """Weigh ``t``."""
        self.total += t
        if self.total >= self.wrap:
            self.total -= self.wrap
        o = line.out
        load, flow, total = self._at
        o[load] = line.belt_load
        o[flow] = line.belt_tph
        o[total] = self.total
        return t
