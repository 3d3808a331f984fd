"""Every unit's pace against its target, judged together when a quarter of an hour is as good as settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.live.pace import LOOK_BACK_MS, Pace
from orewatch.plant.performance import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from api.live.tally import Tally
    from api.live.usual import UsualWindow
    from orewatch.plant.baseline import OreClass
    from orewatch.plant.classifier import Classifier

CHUNK_MS = 300_000  # how long after its end a quarter is judged


class Paces:
    """Paces by unit number. ``shifts_ms``: changes of shift in a span."""

    def __init__(self, *, shifts_ms: Callable[[int, int], Sequence[int]]) -> None:
        self._shifts_ms = shifts_ms
        self._paces: list[Pace] = []

    def __getitem__(self, number: int) -> Pace:
        return self._paces[number]

    def append(self) -> None:
        """Take in one more unit."""
        self._paces.append(Pace())

    def judge(
        self,
        end_ms: int,
        *,
        classifier: Classifier,
        tallies: Sequence[Tally],
        target_tph: Callable[[int, int], float],
        ore: Callable[[int, int], OreClass | None],
    ) -> list[int]:
        """Judge the quarter that ended one chunk before ``end_ms``, if one did; returns whose verdict came or went.

        ``target_tph`` and ``ore``: what was in force for a unit at an instant.
        """
        quarter_end_ms = end_ms - CHUNK_MS
        if end_ms % CHUNK_MS or quarter_end_ms % WINDOW_MS:
            return []
        start_ms = quarter_end_ms - WINDOW_MS
        shifts_ms = self._shifts_ms(start_ms - WINDOW_MS, quarter_end_ms + WINDOW_MS)
        changed = []
        for number, pace in enumerate(self._paces):
            intervals = classifier.intervals(number, start_ms - LOOK_BACK_MS, quarter_end_ms)
            tonnes = tallies[number].at(quarter_end_ms) - tallies[number].at(start_ms)
            if pace.take(
                start_ms,
                tonnes,
                intervals,
                target_tph=target_tph(number, start_ms),
                ore=ore(number, start_ms),
                shifts_ms=shifts_ms,
            ):
                changed.append(number)
        return changed

    def fresh(self) -> list[tuple[int, UsualWindow]]:
        """Return the windows that are still to be kept, by unit number."""
        return [(number, window) for number, pace in enumerate(self._paces) for window in pace.usual.fresh]

    def forget_fresh(self) -> None:
        """They are kept."""
        for pace in self._paces:
            pace.usual.fresh.clear()

    def to_dict(self, number: int) -> dict[str, Any]:
        """Return what :meth:`restore` reads."""
        return self._paces[number].to_dict()

    def restore(self, number: int, raw: Mapping[str, Any]) -> None:
        """Read :meth:`to_dict`; ValueError or KeyError where it is something else."""
        self._paces[number].restore(raw)
