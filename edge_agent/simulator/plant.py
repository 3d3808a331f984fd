"""A simulated processing unit: ore, power and heat through the machines of a circuit, a second at a time.

feeder -> crusher -> screen (<-> cone) -> bin -> belt scale -> mill -> flotation -> thickener -> filter -> product
   |         |          |                          |             |         |                                 waste
   +---------+----------+------ kW ----------------+-------------+---------+-> genset -> energy, fuel
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edge_agent.simulator.circuits import CONCENTRATORS, SimulatorError, stages_of
from edge_agent.simulator.noise import NoiseSource, SensorScale, shown
from edge_agent.simulator.ore import Line, ambient
from edge_agent.simulator.scenarios import SCENARIOS, ScenarioError, Where, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from edge_agent.simulator.crushing import BeltScale
    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit

SNAPSHOT_VERSION: Final = 1


class SnapshotError(ValueError):
    """A snapshot does not belong to this plant; the message names the field, its value and what is allowed."""


class Plant:
    """A simulated unit, warm and running at its target from the start.

    The same ``unit``, ``seed`` and ``start_ms`` (UTC, for the time of day) give the same plant, step by step.
    ``refs`` are the unit's signals; :attr:`truth` and all vectors are in their order.
    """

    def __init__(self, *, unit: Unit, seed: int, start_ms: int = 0) -> None:
        self.unit = unit
        self.seed = seed
        self.refs: tuple[SignalRef, ...] = tuple(ref for ref, _ in unit.signals())
        self.tick = 0
        self.start_s = start_ms / 1000.0
        self.seconds = 0.0
        self.noise = NoiseSource(unit=unit, seed=seed)
        self.sensors = SensorScale(unit)
        self._line = Line(nameplate_tph=unit.nameplate_tph, target_tph=unit.target_tph)
        # One place more than signals: what a machine has no signal for is written there.
        self._line.out = [0.0] * (len(self.refs) + 1)
        self._stages = stages_of(unit)
        self._concentrates = any(m.cls in CONCENTRATORS for m in unit.machines.values())
        self._active: dict[str, dict[str, float]] = {}
        self._hooks: dict[str, Callable[[bool, Mapping[str, float]], None]] = {}
        self._settle()

    def _settle(self) -> None:
        line = self._line
        line.ambient = ambient(self.start_s)
        flow = self.unit.target_tph
        for stage in self._stages:
            flow = stage.settle(line, flow)
        line.concentrate = 0.0
        self._opening = self._held()
        # A minute lets what is shown for the first time come out of the machines themselves.
        for _ in range(60):
            self.step()

    def step(self, dt_s: float = 1.0) -> None:
        """Let ``dt_s`` seconds pass (0 to 10)."""
        if not 0 < dt_s <= 10:  # noqa: PLR2004 - beyond it chutes and belts are no longer resolved
            raise SimulatorError(f"dt_s: {dt_s!r}; allowed: above 0, up to 10 s")
        line = self._line
        self.tick += 1
        self.seconds += dt_s
        if self._active:
            self._act(dt_s)
        line.step(dt_s, self.start_s + self.seconds, self.noise.at(self.tick)[1])
        t = 0.0
        for stage in self._stages:
            t = stage.step(line, t)
        if self._concentrates:
            line.waste += t
        else:
            line.product += t
        line.tripped = line.any_trip

    @property
    def truth(self) -> NDArray[np.float64]:
        """What is, before any sensor: float64[k]."""
        return np.array(self._line.out[:-1])

    @property
    def truth_row(self) -> list[float]:
        """The same as a list with one unused value at its end, copied; for those who collect many."""
        return self._line.out[:]

    def read(self) -> dict[SignalRef, float]:
        """Return what the sensors show: with noise, at their resolution, within their range."""
        values = shown(self.truth, self.noise.at(self.tick)[0], self.noise, self.sensors)
        return dict(zip(self.refs, values.tolist(), strict=True))

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the scenarios that are on."""
        return tuple(self._active)

    def start(self, name: str, **parameters: float) -> None:
        """Start a scenario, or start it anew; ScenarioError for an unknown one, or one of link or clock unhooked."""
        values = checked(name, parameters)
        scenario = SCENARIOS[name]
        if scenario.where is not Where.PLANT:
            if name not in self._hooks:
                raise ScenarioError(f"scenario {name}: {scenario.where} is not the plant's; give Plant.hook a callback")
            self._hooks[name](True, values)
        if name == "reset_totaliser":
            self._scale().total = 0.0
        if scenario.lasting:
            self._active[name] = {**values, "age_s": 0.0}
            self._command()

    def stop(self, name: str) -> None:
        """End a scenario; nothing happens where it is not on. ScenarioError for an unknown one."""
        checked(name, {})
        values = self._active.pop(name, None)
        if values is None:
            return
        if name in self._hooks:
            self._hooks[name](False, values)
        self._command()

    def hook(self, name: str, callback: Callable[[bool, Mapping[str, float]], None]) -> None:
        """Have ``callback(on, parameters)`` called when a scenario of link or clock starts or ends."""
        checked(name, {})
        self._hooks[name] = callback

    def _act(self, dt: float) -> None:
        for values in self._active.values():
            values["age_s"] += dt
        self._command()

    def _command(self) -> None:
        # What the scenarios that are on ask of feeder, drives, loader and ore, afresh each time.
        line, on = self._line, self._active
        stop = on.get("stop_feeder")
        line.feeder_on = stop is None
        line.drives_on = stop is None or not 0 < stop["drives_off_s"] <= stop["age_s"]
        line.loader_on = "starve" not in on
        line.blocked = "block_chute" in on
        loss = on.get("throughput_loss")
        line.wanted_capacity = 1.0
        if loss:
            reached = min(1.0, loss["age_s"] / loss["over_s"]) if loss["over_s"] > 0 else 1.0
            line.wanted_capacity = 1.0 - (1.0 - loss["level"]) * reached
        hard = on.get("harder_ore")
        line.wanted_hardness = 1.0
        if hard:
            reached = min(1.0, hard["age_s"] / hard["over_s"]) if hard["over_s"] > 0 else 1.0
            line.wanted_hardness = 1.0 + (hard["factor"] - 1.0) * reached
        hot = on.get("hot_bearing")
        line.hot = hot is not None
        line.wanted_rise = hot["rise_k"] if hot else 0.0
        line.rise_s = max(1.0, hot["time_constant_s"]) if hot else 600.0

    def _scale(self) -> BeltScale:
        return next(s for s in self._stages if s.machine.cls == "belt_scale")  # type: ignore[return-value]

    def _held(self) -> float:
        return sum(s.held + getattr(s, "bin", 0.0) for s in self._stages) + self._line.cone_return

    def balance(self) -> dict[str, float]:
        """Return the ore's whereabouts in t: opening + loaded = held + product + waste."""
        line = self._line
        return {
            "opening": self._opening,
            "loaded": line.loaded,
            "held": self._held(),
            "product": line.product,
            "waste": line.waste,
        }

    def snapshot(self) -> dict[str, Any]:
        """Return everything :meth:`restore` needs to go on exactly, as JSON can carry it."""
        line = self._line
        return {
            "version": SNAPSHOT_VERSION,
            "unit": self.unit.id,
            "circuit": self.unit.circuit,
            "seed": self.seed,
            "tick": self.tick,
            "start_s": self.start_s,
            "seconds": self.seconds,
            "opening": self._opening,
            "line": {name: getattr(line, name) for name in line.STATE},
            "shown": line.out[:],
            "stages": {stage.id: stage.snapshot() for stage in self._stages},
            "noise": {"block": self.noise.block, "carry": self.noise.carry.tolist()},
            # Link and clock are not the plant's: whoever owns them starts those again.
            "scenarios": {n: dict(v) for n, v in self._active.items() if SCENARIOS[n].where is Where.PLANT},
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where a snapshot was taken; SnapshotError where it belongs to another unit, seed or version."""
        mine = {"version": SNAPSHOT_VERSION, "unit": self.unit.id, "circuit": self.unit.circuit, "seed": self.seed}
        for name, value in mine.items():
            if snapshot.get(name) != value:
                raise SnapshotError(f"snapshot: {name} is {snapshot.get(name)!r}; allowed: {value!r}")
        line = self._line
        try:
            if len(snapshot["shown"]) != len(line.out) or len(snapshot["noise"]["carry"]) != len(self.refs):
                raise SnapshotError(f"snapshot: {len(snapshot['shown']) - 1} signals; allowed: {len(self.refs)}")
            self.tick, self.start_s = int(snapshot["tick"]), float(snapshot["start_s"])
            self.seconds, self._opening = float(snapshot["seconds"]), float(snapshot["opening"])
            for name in line.STATE:
                setattr(line, name, snapshot["line"][name])
            line.out[:] = map(float, snapshot["shown"])
            for stage in self._stages:
                stage.restore(snapshot["stages"][stage.id])
            self.noise.make(int(snapshot["noise"]["block"]), np.array(snapshot["noise"]["carry"], dtype=np.float64))
            self._active = {str(n): {k: float(v) for k, v in p.items()} for n, p in snapshot["scenarios"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(f"snapshot: {type(error).__name__}: {error}") from error
        self._command()
