"""The line that ore travels: what machines share at one instant, and how feed, hardness and weather wander."""

from __future__ import annotations

import math
from typing import Final

LUMP_S: Final = 6.0
WANDER_S: Final = 900.0
HARDNESS_S: Final = 10_800.0
FOLLOW_S: Final = 60.0
DAY_S: Final = 86_400.0
TEHRAN_S: Final = 12_600.0


class Line:
    """What the machines of a unit share. Masses in t, rates in t/h, powers in kW, temperatures in Cel."""

    # What a snapshot keeps; the rest is made anew in every tick.
    STATE: Final = (
        "lump", "wander", "soft", "hardness", "capacity", "bearing_rise", "drives_for_s",
        "loaded", "product", "waste", "cone_return", "tripped", "chute_full",
    )  # fmt: skip

    def __init__(self, *, nameplate_tph: float, target_tph: float) -> None:
        self.nameplate_tph = nameplate_tph
        self.target_tph = target_tph
        self.dt = 1.0
        # Commands: of the crew, of scenarios.
        self.feeder_on = True
        self.drives_on = True
        self.engine_on = True
        self.loader_on = True
        self.blocked = False
        self.hot = False
        self.wanted_capacity = 1.0
        self.wanted_hardness = 1.0
        self.wanted_rise = 0.0
        self.rise_s = 240.0
        # Slow states.
        self.lump = 0.0
        self.wander = 0.0
        self.soft = 0.0
        self.hardness = 1.0
        self.capacity = 1.0
        self.bearing_rise = 0.0
        self.drives_for_s = 3600.0
        self.cone_return = 0.0
        self.tripped = False
        self.chute_full = False
        # The ore's whereabouts since the beginning.
        self.loaded = 0.0
        self.product = 0.0
        self.waste = 0.0
        # Made anew in every tick.
        self.ambient = 12.0
        self.jitter = 0.0
        self.effort = 1.0
        self.power_kw = 0.0
        self.oversize = 0.0
        self.concentrate = 0.0
        self.scale_t = 0.0
        self.belt_tph = 0.0
        self.belt_speed = 0.0
        self.belt_load = 0.0
        self.mill_out_t = 0.0
        self.any_trip = False
        self.out: list[float] = []

    def step(self, dt: float, utc_s: float, normals: list[float]) -> None:
        """Let feed, hardness, weather and commands go on by ``dt`` s; ``normals`` are four standard normals."""
        self.dt = dt
        self.lump = _wander(self.lump, dt / LUMP_S, normals[0])
        self.wander = _wander(self.wander, dt / WANDER_S, normals[1])
        self.soft = _wander(self.soft, dt / HARDNESS_S, normals[2])
        self.jitter = normals[3]
        follow = min(1.0, dt / FOLLOW_S)
        self.capacity += (self.wanted_capacity - self.capacity) * follow
        self.hardness += (self.wanted_hardness - self.hardness) * follow
        # A bearing that no longer turns cools whatever ails it.
        rise = 0.0 if self.tripped else self.wanted_rise
        self.bearing_rise += (rise - self.bearing_rise) * min(1.0, dt / (self.rise_s if rise else 600.0))
        self.drives_for_s = self.drives_for_s + dt if self.drives_on else 0.0
        self.ambient = ambient(utc_s)
        self.effort = self.hardness * (1.0 + 0.03 * self.soft)
        self.power_kw = 0.0
        self.oversize = 0.0
        self.concentrate = 0.0
        self.mill_out_t = 0.0
        self.any_trip = False


def ambient(utc_s: float) -> float:
    """Return the air's temperature: an autumn day in the mountains, coldest before sunrise."""
    local = (utc_s + TEHRAN_S) % DAY_S
    return 12.0 + 6.0 * math.sin(2 * math.pi * (local / DAY_S - 0.375))


def _wander(value: float, share: float, normal: float) -> float:
    # An Ornstein-Uhlenbeck step: mean 0, variance 1 whatever the step.
    keep = math.exp(-share)
    return value * keep + math.sqrt(1.0 - keep * keep) * normal
