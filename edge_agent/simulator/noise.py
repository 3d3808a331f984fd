"""What sensors add to the truth: noise of their own, with memory, the same for the same seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from orewatch.plant.catalogue import SignalKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.plant.unit import Unit

BLOCK: Final = 256
"""Ticks whose noise is made at once."""

DISTURBANCES: Final = 4
"""Normals per tick that drive the ore itself (see :mod:`edge_agent.simulator.ore`)."""


@dataclass(frozen=True, slots=True)
class SensorNoise:
    """Standard deviation = ``absolute`` (in the signal's unit) + ``relative`` * value; ``memory`` from tick to tick."""

    absolute: float = 0.0
    relative: float = 0.0
    memory: float = 0.0


_QUIET: Final = SensorNoise()

# By signal name; a machine class is named where the same word means different sensors.
SENSORS: Final = {
    "level": SensorNoise(0.25, 0.002, 0.6),
    "speed": SensorNoise(0.02, 0.003, 0.3),
    "motor_current": SensorNoise(0.1, 0.012, 0.3),
    "bearing_temperature": SensorNoise(0.08, 0.0, 0.8),
    "winding_temperature": SensorNoise(0.12, 0.0, 0.8),
    "trunnion_temperature": SensorNoise(0.06, 0.0, 0.8),
    "lube_temperature": SensorNoise(0.06, 0.0, 0.7),
    "coolant_temperature": SensorNoise(0.2, 0.0, 0.8),
    "lube_pressure": SensorNoise(0.0, 0.012, 0.4),
    "oil_pressure": SensorNoise(0.0, 0.008, 0.4),
    "vibration": SensorNoise(0.01, 0.04, 0.5),
    "stroke": SensorNoise(0.0, 0.006, 0.5),
    "acceleration": SensorNoise(0.02, 0.01, 0.5),
    "belt_speed": SensorNoise(0.0, 0.004, 0.2),
    "slip": SensorNoise(0.02, 0.08, 0.6),
    "belt_load": SensorNoise(0.004, 0.006, 0.2),
    "mass_flow": SensorNoise(0.004, 0.006, 0.2),
    "ball_mill.power": SensorNoise(0.02, 0.004, 0.4),
    "genset.power": SensorNoise(0.02, 0.003, 0.2),
    "feed_pressure": SensorNoise(0.05, 0.018, 0.5),
    "slurry_density": SensorNoise(1.2, 0.003, 0.7),
    "ph": SensorNoise(0.008, 0.001, 0.7),
    "air": SensorNoise(0.02, 0.012, 0.4),
    "pulp_level": SensorNoise(2.0, 0.006, 0.6),
    "rake_torque": SensorNoise(0.05, 0.02, 0.6),
    "pressure": SensorNoise(0.5, 0.006, 0.4),
    "cycle_time": SensorNoise(0.0, 0.01, 0.9),
    "stroke_rate": SensorNoise(0.0, 0.003, 0.4),
    "hutch_water": SensorNoise(0.02, 0.006, 0.5),
    "coil_current": SensorNoise(0.02, 0.004, 0.4),
    "drum_speed": SensorNoise(0.02, 0.003, 0.4),
    "wash_water": SensorNoise(0.02, 0.008, 0.5),
    "frequency": SensorNoise(0.0, 0.0001, 0.3),
    "engine_speed": SensorNoise(0.0, 0.0001, 0.3),
}


def sensor_noise(cls: str, signal: str) -> SensorNoise:
    """Return the noise of a signal of a machine class; KeyError for a signal that has none."""
    return SENSORS.get(f"{cls}.{signal}") or SENSORS[signal]


class NoiseSource:
    """Noise of all of a unit's sensors, and the disturbances of its ore.

    It is made in blocks of :data:`BLOCK` ticks; a block depends on seed, unit, its number and on the noise
    that the block before it ended with (``carry``), so that this pair is all a snapshot must keep.
    """

    def __init__(self, *, unit: Unit, seed: int) -> None:
        specs = [
            sensor_noise(m.cls, name) if s.kind is SignalKind.ANALOG else _QUIET
            for m in unit.machines.values()
            for name, s in m.signals.items()
        ]
        self.absolute: NDArray[np.float64] = np.array([s.absolute for s in specs])
        self.relative: NDArray[np.float64] = np.array([s.relative for s in specs])
        self._memory = np.array([s.memory for s in specs])
        self._fresh = np.sqrt(1 - self._memory**2)
        self._key = [seed & 0xFFFF_FFFF_FFFF_FFFF, zlib.crc32(unit.id.encode())]
        self.block = -1
        self.carry: NDArray[np.float64] = np.zeros(len(specs))
        self._next_carry = self.carry
        self._sensor = np.zeros((BLOCK, len(specs)))
        self._ore: list[list[float]] = []

    def at(self, tick: int) -> tuple[NDArray[np.float64], list[float]]:
        """Return unit-variance sensor noise float64[k] and the ore's normals; ticks must not go back."""
        block, row = divmod(tick, BLOCK)
        while self.block < block:
            self.make(self.block + 1, self._next_carry)
        return self._sensor[row], self._ore[row]

    def make(self, block: int, carry: NDArray[np.float64]) -> None:
        """Make one block, going on from ``carry`` float64[k]."""
        self.block, self.carry = block, carry
        normals = np.random.default_rng([*self._key, block]).standard_normal((BLOCK, len(carry) + DISTURBANCES))
        self._ore = normals[:, len(carry) :].tolist()
        fresh = normals[:, : len(carry)] * self._fresh
        now = carry
        for row in range(BLOCK):
            now = now * self._memory + fresh[row]
            self._sensor[row] = now
        self._next_carry = now


def shown(
    truth: NDArray[np.float64], noise: NDArray[np.float64], source: NoiseSource, sensors: SensorScale
) -> NDArray[np.float64]:
    """Return what sensors show for ``truth`` and unit-variance ``noise``, both float64[..., k]."""
    value = truth + noise * (source.absolute + source.relative * np.abs(truth))
    value = np.minimum(np.maximum(value, sensors.low), sensors.high)
    steps = np.floor(value * sensors.inverse + sensors.rounding)
    return np.asarray(steps * sensors.multiply / sensors.divide)


class SensorScale:
    """Range and resolution of a unit's sensors, as vectors float64[k] in the order of its signals."""

    def __init__(self, unit: Unit) -> None:
        signals = [s for _, s in unit.signals()]
        steps = [float(s.resolution or 1e-6) for s in signals]
        self.low = np.array([s.low for s in signals])
        self.high = np.array([s.high for s in signals])
        # Dividing by a whole number keeps decimals exact: 123 * 0.1 is not 12.3, 123 / 10 is.
        self.divide = np.array([round(1 / r) if r < 1 else 1 for r in steps], dtype=np.float64)
        self.multiply = np.array([r if r >= 1 else 1.0 for r in steps])
        self.inverse = self.divide / self.multiply
        # A totaliser counts whole steps only, so that it never shows its wrap value.
        self.rounding = np.array([1e-6 if s.kind is SignalKind.TOTALISER else 0.5 for s in signals])


def columns(unit: Unit) -> Sequence[str]:
    """Return the signals' names, ``machine.signal``, in the order of all vectors here."""
    return [str(ref) for ref, _ in unit.signals()]
