"""What is usual for a unit with the ore it eats: a baseline and a CUSUM for each class of ore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from orewatch.plant.baseline import Baseline, Cusum, OreClass, cusum_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orewatch.plant.performance import Window

UNTOLD: Final = OreClass("", "")
"""Ore that nobody named."""
MAX_CLASSES: Final = 6
"""Beyond it the class that was fed longest ago is forgotten: the memory of a fleet must stay small."""
DECIMALS: Final = 2
PHI_MS: Final = 86_400_000


class UsualWindow(NamedTuple):
    """A quarter of an hour that counts as usual: class of ore, start, dry t/h."""

    ore: str
    moisture: str
    start_ms: int
    tph: float


class Usual:
    """One unit's baselines by ore class, the one last fed at the end; ``fresh``: windows that are still to be kept."""

    def __init__(self) -> None:
        self._baselines: dict[OreClass, Baseline] = {}
        self._cusums: dict[OreClass, Cusum] = {}
        self._measured_ms: dict[OreClass, int] = {}
        self.fresh: list[UsualWindow] = []

    def judge(self, window: Window, ore: OreClass | None, *, target_tph: float, alarmed: bool) -> bool | None:
        """Take a window; return whether the unit falls behind its own usual with this ore, None while that is unknown.

        ``alarmed``: a verdict stands. What is below the usual must not become the usual: nothing is learnt then.
        """
        kind = ore or UNTOLD
        known = self._baselines.get(kind)
        if not window.counts:
            return None
        if known is not None and known.start_ms and window.start_ms <= known.start_ms[-1]:
            return None  # taken before, as after a crash: the windows were kept, the judge's memory is older
        baseline = self._fed(kind)
        z = baseline.z(window.tph, target_tph=target_tph)
        behind = None
        if z is not None:
            cusum = self._cusums.get(kind)
            if cusum is None or window.start_ms - self._measured_ms.get(kind, 0) >= PHI_MS:
                # Measuring takes its while, and changes little from hour to hour.
                k, h = cusum_limits(baseline.phi())
                cusum = self._cusums[kind] = Cusum(k=k, h=h, s=0.0 if cusum is None else cusum.s)
                self._measured_ms[kind] = window.start_ms
            behind = cusum.take(z)
        if not alarmed and not behind:
            tph = round(window.tph, DECIMALS)
            baseline.add(window.start_ms, tph)
            self.fresh.append(UsualWindow(kind.ore, kind.moisture, window.start_ms, tph))
        return behind

    def _fed(self, kind: OreClass) -> Baseline:
        """Return the baseline of a class, as the one last fed."""
        baseline = self._baselines.pop(kind, Baseline())
        self._baselines[kind] = baseline
        while len(self._baselines) > MAX_CLASSES:
            oldest = next(iter(self._baselines))
            del self._baselines[oldest]
            self._cusums.pop(oldest, None)
        return baseline

    def remember(self, windows: Iterable[UsualWindow]) -> None:
        """Take in windows kept before, in any order; what was learnt since stays."""
        for window in sorted(windows, key=lambda one: one.start_ms):
            kind = OreClass(window.ore, window.moisture)
            self._fed(kind).add(window.start_ms, window.tph)

    def to_dict(self) -> list[list[Any]]:
        """Return the sums of the CUSUMs, JSON-able; windows are kept by themselves (:meth:`take_fresh`)."""
        return [[kind.ore, kind.moisture, cusum.s] for kind, cusum in self._cusums.items()]

    @classmethod
    def from_dict(cls, table: Sequence[Sequence[Any]]) -> Self:
        """Restore :meth:`to_dict`; ValueError where it is malformed."""
        usual = cls()
        for ore, moisture, s in table:
            usual._cusums[OreClass(str(ore), str(moisture))] = Cusum(s=float(s))
        return usual
