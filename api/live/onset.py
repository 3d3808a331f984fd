"""Since when a unit does what it does, where that was found out afterwards: its pace, or why it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.plant.states import PACED, PRODUCING, UNKNOWN, State

if TYPE_CHECKING:
    from api.alerting.facts import Facts
    from api.live.pace import Pace
    from orewatch.plant.classifier import Classifier
    from orewatch.plant.inputs import UnitInputs

# Standing is standing, whichever of these it was called before an operator said why.
_STANDING = frozenset(State) - PRODUCING - UNKNOWN
_EXPLAINED = frozenset({State.PLANNED_STOP, State.BREAKDOWN})


class Onsets:
    """Remembers the answer by unit until its state, its pace or its stop changes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def changed(self, number: int) -> None:
        """The unit's state is another one."""
        self._known.pop(number, None)

    def shown_since(self, number: int, facts: Facts, pace: Pace, inputs: UnitInputs, classifier: Classifier) -> int:
        """Return since when the shown state lasts: of a pace its onset, as its alert says; of a stop its beginning."""
        if facts.state in PACED:
            verdict = pace.verdict
            edge_ms = verdict.since_ms if verdict and facts.state is State.UNDERPERFORMING else pace.over_ms
            alike = PACED
        elif facts.state in _EXPLAINED:
            stop = inputs.stop_at(classifier.now_ms)
            edge_ms = stop.start_ms if stop is not None and stop.start_ms < facts.since_ms else 0
            alike = _STANDING
        else:
            return facts.since_ms
        if not edge_ms:
            return facts.since_ms
        return self._since_ms(classifier, number, facts.since_ms, edge_ms, alike)

    def _since_ms(
        self, classifier: Classifier, number: int, since_ms: int, edge_ms: int, alike: frozenset[State]
    ) -> int:
        """Return since when states were ``alike`` without a break: from ``edge_ms``, by ``since_ms`` at the latest."""
        known = self._known.get(number)
        if known is not None and known[0] == edge_ms:
            return known[1]
        for interval in reversed(classifier.intervals(number, edge_ms)):
            if interval.state not in alike:
                break
            since_ms = interval.start_ms
        self._known[number] = (edge_ms, since_ms)
        return since_ms
