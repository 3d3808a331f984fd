"""What is usual for a unit: robust baseline by ore and moisture, CUSUM on the deviation, comparison with peers."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS_14_MS = 14 * 86_400_000
LEAST_WINDOWS = 200
LEAST_PEERS = 4
PEER_Z = -2.0
MAD_TO_SIGMA = 1.4826
MAD_FLOOR_OF_TARGET = 0.02

# Simulated in-control run lengths: what k and h keep false alarms rare at a measured autocorrelation.
_CUSUM_BY_PHI = ((0.15, 0.5, 5.0), (0.45, 1.0, 5.0), (0.7, 1.0, 12.0))
_CUSUM_BEYOND = (1.0, 20.0)


class OreClass(NamedTuple):
    """What rates may be compared within."""

    ore: str
    moisture: str


@dataclass(slots=True, kw_only=True)
class Baseline:
    """The unit's own windows of one ore class, last 14 days. Do not :meth:`add` while an alarm stands."""

    # Arrays, for a fleet keeps thousands of these.
    start_ms: array[int] = field(default_factory=lambda: array("q"))
    tph: array[float] = field(default_factory=lambda: array("d"))
    kw: array[float] = field(default_factory=lambda: array("d"))

    def add(self, start_ms: int, tph: float, kw: float = float("nan")) -> None:
        """Take a window in, in any order, once; windows older than 14 days before the newest leave."""
        at = bisect_left(self.start_ms, start_ms)
        if at < len(self.start_ms) and self.start_ms[at] == start_ms:
            self.tph[at], self.kw[at] = tph, kw
            return
        self.start_ms.insert(at, start_ms)
        self.tph.insert(at, tph)
        self.kw.insert(at, kw)
        gone = bisect_left(self.start_ms, self.start_ms[-1] - DAYS_14_MS)
        del self.start_ms[:gone], self.tph[:gone], self.kw[:gone]

    @property
    def learning(self) -> bool:
        """Whether there are too few windows to judge by."""
        return len(self.tph) < LEAST_WINDOWS

    def z(self, tph: float, *, target_tph: float) -> float | None:
        """Return how far ``tph`` is from the median, in robust sigmas; None while learning."""
        return None if self.learning else robust_z(tph, self.tph, target_tph=target_tph)

    def usual(self) -> tuple[float, float] | None:
        """Return the median rate (t/h) and power (kW); None while learning or without power."""
        powers = np.array(self.kw)
        powers = powers[np.isfinite(powers)]
        if self.learning or not len(powers):
            return None
        return float(np.median(self.tph)), float(np.median(powers))

    def phi(self) -> float:
        """Return the measured lag-1 autocorrelation of neighbouring windows, 0..0.95."""
        return autocorrelation(self.start_ms, self.tph)

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able (NaN power as None)."""
        kw = [None if value != value else value for value in self.kw]  # noqa: PLR0124 - NaN is the one unequal to itself
        return {"start_ms": list(self.start_ms), "tph": list(self.tph), "kw": kw}

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Self:
        """Restore :meth:`to_dict`; ValueError where columns differ in length or are missing."""
        try:
            kw = [float("nan") if value is None else float(value) for value in table["kw"]]
            start_ms, tph = array("q", map(int, table["start_ms"])), array("d", map(float, table["tph"]))
            made = cls(start_ms=start_ms, tph=tph, kw=array("d", kw))
        except (KeyError, TypeError) as error:
            raise ValueError(f"baseline: {type(error).__name__}: {error}") from error
        if not len(made.start_ms) == len(made.tph) == len(made.kw):
            raise ValueError(f"baseline: columns of {len(made.start_ms)}, {len(made.tph)}, {len(made.kw)} windows")
        return made


@dataclass(slots=True, kw_only=True)
class Cusum:
    """One-sided CUSUM of how far a unit falls behind: S = max(0, S - z - k), alarm above h."""

    k: float = 1.0
    h: float = 12.0
    s: float = 0.0

    def take(self, z: float) -> bool:
        """Take the next z and return whether the alarm stands."""
        self.s = max(0.0, self.s - z - self.k)
        return self.s > self.h


def cusum_limits(phi: float) -> tuple[float, float]:
    """Return k and h that suit a measured autocorrelation: textbook h = 5 at 0.6 alarms falsely 8 times a week."""
    return next(((k, h) for most, k, h in _CUSUM_BY_PHI if phi <= most), _CUSUM_BEYOND)


def robust_z(value: float, others: Sequence[float], *, target_tph: float) -> float:
    """Return (value - median) / (1.4826 MAD) against ``others``; MAD is at least 2 % of target."""
    known = np.asarray(others, np.float64)
    median = float(np.median(known))
    mad = max(float(np.median(np.abs(known - median))), MAD_FLOOR_OF_TARGET * target_tph)
    return (value - median) / (MAD_TO_SIGMA * mad)


def behind_peers(share: float, peers: Sequence[float]) -> bool | None:
    """Return whether a unit's share of target falls behind its peers' of the same model, mineral and hour.

    None with fewer than 4 peers.
    """
    return robust_z(share, peers, target_tph=1.0) < PEER_Z if len(peers) >= LEAST_PEERS else None


def autocorrelation(start_ms: Sequence[int], values: Sequence[float], *, step_ms: int = 900_000) -> float:
    """Return the lag-1 autocorrelation over pairs of neighbouring windows, 0..0.95; 0 with too few pairs."""
    at, x = np.asarray(start_ms, np.int64), np.asarray(values, np.float64)
    beside = np.flatnonzero(np.diff(at) == step_ms)
    if len(beside) < LEAST_WINDOWS // 4:
        return 0.0
    centred = x - np.median(x)
    power = float(np.dot(centred[beside], centred[beside]))
    if power <= 0:
        return 0.0
    return float(np.clip(np.dot(centred[beside], centred[beside + 1]) / power, 0.0, 0.95))
