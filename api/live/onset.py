"""Since when a unit runs as it does: pace is judged afterwards, and dated back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.plant.states import PACED

if TYPE_CHECKING:
    from orewatch.plant.classifier import Classifier


class Onsets:
    """Remembers the answer by unit until its state or its pace changes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def changed(self, number: int) -> None:
        """The unit's state is another one."""
        self._known.pop(number, None)

    def since_ms(self, classifier: Classifier, number: int, since_ms: int, edge_ms: int) -> int:
        """Return since when the unit runs without a break, ``since_ms`` at the latest, ``edge_ms`` at the earliest."""
        known = self._known.get(number)
        if known is not None and known[0] == edge_ms:
            return known[1]
        for interval in reversed(classifier.intervals(number, edge_ms)):
            if interval.state not in PACED:
                break
            since_ms = interval.start_ms
        self._known[number] = (edge_ms, since_ms)
        return since_ms
