"""What the rules are asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from orewatch.plant.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.plant.states import Status


@dataclass(slots=True, kw_only=True)
class Facts:
    """What is known of one unit, in event time. ``told_ms``: when the shown state was decided.

    ``met``: it was heard at least once; who was never heard is not known to have fallen silent.
    ``unheard_since_ms``: its last word, where that lies before all that is remembered.
    ``coded``: a delay code explains the stop, whose hours stay scheduled ones.
    ``below_since_ms``: onset of the underperformance that stands, when it was decided, and its figures.
    """

    state: State
    reason: str
    since_ms: int
    told_ms: int
    idle_since_ms: int | None
    met: bool = False
    unheard_since_ms: int | None = None
    last_tonne_ms: int | None = None
    coded: bool = False
    below_since_ms: int | None = None
    below_over_ms: int = 0
    below_decided_ms: int = 0
    below_reason: str = ""
    below_figures: Mapping[str, float | str | None] | None = None

    @classmethod
    def of(cls, status: Status, now_ms: int) -> Self:
        """Return what the classifier shows of a unit that nothing else is known of."""
        return cls(
            state=status.state,
            reason=status.reason.value,
            since_ms=status.since_ms,
            told_ms=now_ms,
            idle_since_ms=status.idle_since_ms,
        )

    def follow(self, status: Status, now_ms: int) -> None:
        """Take over what the classifier shows."""
        self.state, self.reason, self.since_ms = status.state, status.reason.value, status.since_ms
        self.told_ms, self.idle_since_ms = now_ms, status.idle_since_ms

    def meet(self, last_ms: int | None = None) -> None:
        """Know that the unit was heard: just now, or last at ``last_ms``."""
        self.met, self.unheard_since_ms = True, last_ms

    @property
    def silent_ms(self) -> int | None:
        """Since when the unit is silent; None while it is not, and for one that was never heard."""
        if self.state is not State.COMMS_LOSS or not self.met:
            return None
        return self.since_ms if self.unheard_since_ms is None else self.unheard_since_ms
