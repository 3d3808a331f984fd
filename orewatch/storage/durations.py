"""How long things took, in fixed steps: what Prometheus calls a histogram."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram(BaseModel):
    """Counts since the process started. ``counts``: of up to each bound (s), and at the end of what took longer."""

    model_config = ConfigDict(frozen=True)

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    seconds: float


class Durations:
    """Counts durations; one thread writes, others may read."""

    def __init__(self, bounds_s: Sequence[float] = BOUNDS_S) -> None:
        self._bounds_s = tuple(bounds_s)
        self._counts = [0] * (len(self._bounds_s) + 1)
        self._seconds = 0.0

    def took(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds_s, seconds)] += 1
        self._seconds += seconds

    def histogram(self) -> Histogram:
        """Return the counts so far."""
        return Histogram(bounds_s=self._bounds_s, counts=tuple(self._counts), seconds=self._seconds)
