"""A unit's pace against its target, by the quarter hour: what stands of it, and since when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.live.usual import Usual
from orewatch.plant.performance import WINDOW_MS, Judge, Verdict, window_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orewatch.plant.baseline import OreClass
    from orewatch.plant.states import Interval

# States before a window that tell of a start.
LOOK_BACK_MS = 1_800_000
# After so many quarters without one that counts, nobody knows the pace any more.
FORGET_MS = 8 * WINDOW_MS


class Pace:
    """One unit's verdict."""

    def __init__(self) -> None:
        self._judge = Judge()
        self._usual = Usual()
        self.over_ms = 0

    @property
    def verdict(self) -> Verdict | None:
        """The underperformance that stands."""
        return self._judge.verdict

    @property
    def reason(self) -> str:
        """Why: what it points to, or how bad it is."""
        verdict = self.verdict
        if verdict is None:
            return ""
        return verdict.advisory.value if verdict.advisory else "severe" if verdict.severe else "below_target"

    @property
    def figures(self) -> dict[str, float | str | None]:
        """What people are shown of the verdict."""
        verdict = self.verdict
        if verdict is None:
            return {}
        return {
            "mean_tph": round(verdict.mean_tph, 3),
            "target_tph": verdict.target_tph,
            "share_pct": round(100 * verdict.ratio, 1),
            "window_min": verdict.windows * WINDOW_MS / 60_000,
            "votes": ", ".join(verdict.votes),
        }

    def take(
        self,
        start_ms: int,
        tonnes: float,
        intervals: Sequence[Interval],
        *,
        target_tph: float,
        ore: OreClass | None = None,
        shifts_ms: Sequence[int],
    ) -> bool:
        """Take the quarter that began at ``start_ms``; True where a verdict came or went.

        ``ore``: what was fed, for rates are usual or not only within one class of it; None: nobody said.
        """
        before = self.verdict
        window = window_of(start_ms, tonnes, intervals, shift_changes_ms=shifts_ms)
        own = self._usual.judge(window, ore, target_tph=target_tph, alarmed=before is not None)
        after = self._judge.take(window, target_tph=target_tph, own=own)
        end_ms = start_ms + WINDOW_MS
        if after is not None and end_ms - self._judge.last_ms > FORGET_MS:
            self.over_ms = self._judge.last_ms + WINDOW_MS
            self._judge = Judge(last_ms=self._judge.last_ms)
        elif before is not None and after is None:
            self.over_ms = end_ms
        return (before is None) != (self.verdict is None)

    @property
    def usual(self) -> Usual:
        """What is usual for the unit."""
        return self._usual

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`restore` reads."""
        return {"judge": self._judge.to_dict(), "over": self.over_ms, "usual": self._usual.to_dict()}

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Read :meth:`to_dict`; ValueError or KeyError where it is something else."""
        self._judge = Judge.from_dict(raw["judge"])
        self.over_ms = int(raw["over"])
        if "usual" in raw:
            self._usual = Usual.from_dict(raw["usual"])
