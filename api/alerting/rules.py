"""When an alert comes and when it goes: pure rules in event time, one small memory per unit and rule.

A rule is told what is true (:class:`Condition`) and how far event time has come. It may be told more often
than needed: cutting time elsewhere changes nothing. While nothing is known of the plant, timers freeze
(a gap is never evidence); clearing has a delay of its own, so that flapping makes one episode, not twenty.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from api.alerting.models import AlertKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class Condition(NamedTuple):
    """What a rule needs to know: since when its condition holds (None: it does not), and why.

    ``over_ms`` is since when it does not hold; ``frozen``: nothing is known, count nothing.
    """

    onset_ms: int | None
    reason: str
    over_ms: int
    frozen: bool = False


class Raised(NamedTuple):
    """The condition has lasted long enough: an episode begins, back-dated to its onset."""

    kind: AlertKind
    onset_ms: int
    raised_ms: int
    reason: str


class Cleared(NamedTuple):
    """The condition is over since ``cleared_ms``."""

    kind: AlertKind
    onset_ms: int
    cleared_ms: int


Transition = Raised | Cleared


@dataclass(slots=True)
class Episode:
    """What a rule remembers of one unit. ``at_ms``: how far it has been told."""

    at_ms: int | None = None
    onset_ms: int | None = None
    raised_ms: int | None = None
    counted_ms: int = 0
    over_ms: int | None = None

    @property
    def active(self) -> bool:
        """The alert was raised and has not cleared."""
        return self.raised_ms is not None

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read :meth:`to_dict`; TypeError where it is something else."""
        return cls(**raw)

    def elapse(self, now_ms: int) -> int:
        """Move to ``now_ms`` and return by how much; never backwards."""
        elapsed = 0 if self.at_ms is None else max(0, now_ms - self.at_ms)
        self.at_ms = now_ms if self.at_ms is None else max(self.at_ms, now_ms)
        return elapsed

    def end(self) -> None:
        """Forget the episode, not how far time has come."""
        self.onset_ms = self.raised_ms = self.over_ms = None
        self.counted_ms = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingRule:
    """Raise once the condition has held for ``on_ms`` since its onset; clear after ``off_ms`` without it."""

    kind: AlertKind
    on_ms: int
    off_ms: int

    def advance(self, episode: Episode, condition: Condition, now_ms: int) -> list[Transition]:
        """Bring ``episode`` (changed in place) to ``now_ms``, ``condition`` having been true since it was last told."""
        elapsed = episode.elapse(now_ms)
        if condition.onset_ms is not None:
            return self._holds(episode, condition, condition.onset_ms, now_ms)
        if condition.frozen or not episode.active:
            return []
        if episode.over_ms is None:
            # The first second without: time counts from where the condition ended, which is back-dated.
            episode.over_ms = condition.over_ms
            episode.counted_ms = max(0, now_ms - condition.over_ms)
        else:
            episode.counted_ms += elapsed
            # What followed may have been dated back further than where the condition was first seen to end.
            episode.over_ms = min(episode.over_ms, max(condition.over_ms, episode.onset_ms or 0))
        if episode.counted_ms < self.off_ms or episode.onset_ms is None:
            return []
        cleared = Cleared(self.kind, episode.onset_ms, max(episode.over_ms, episode.onset_ms))
        episode.end()
        return [cleared]

    def _holds(self, episode: Episode, condition: Condition, onset_ms: int, now_ms: int) -> list[Transition]:
        episode.over_ms, episode.counted_ms = None, 0
        if episode.active or now_ms - onset_ms < self.on_ms:
            return []
        episode.onset_ms, episode.raised_ms = onset_ms, onset_ms + self.on_ms
        return [Raised(self.kind, onset_ms, episode.raised_ms, condition.reason)]

    def due_ms(self, episode: Episode, condition: Condition) -> int | None:
        """Return when something comes of it if nothing else changes; None: never."""
        if condition.onset_ms is not None:
            return None if episode.active else condition.onset_ms + self.on_ms
        if condition.frozen or not episode.active or episode.at_ms is None:
            return None
        if episode.over_ms is None:
            return condition.over_ms + self.off_ms
        return episode.at_ms + self.off_ms - episode.counted_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class NotProducingRule:
    """Raise after ``on_ms`` of scheduled, known time since the last tonne, whatever the cause."""

    on_ms: int
    kind: AlertKind = AlertKind.NOT_PRODUCING

    def advance(self, episode: Episode, condition: Condition, now_ms: int) -> list[Transition]:
        """Bring ``episode`` to ``now_ms``; ``condition.onset_ms`` is the last tonne, None: never seen one."""
        elapsed = episode.elapse(now_ms)
        cleared: list[Transition] = []
        last_ms = condition.onset_ms
        if episode.onset_ms is None:
            episode.onset_ms = episode.at_ms if last_ms is None else last_ms
            elapsed = 0 if last_ms is None else max(0, now_ms - last_ms)
        elif last_ms is not None and last_ms > episode.onset_ms:
            if episode.active:
                cleared.append(Cleared(self.kind, episode.onset_ms, last_ms))
            episode.end()
            episode.onset_ms = last_ms
            elapsed = min(elapsed, max(0, now_ms - last_ms))
        if not condition.frozen:
            episode.counted_ms += elapsed
        if episode.active or episode.counted_ms < self.on_ms or episode.onset_ms is None:
            return cleared
        episode.raised_ms = now_ms - (episode.counted_ms - self.on_ms)
        return [*cleared, Raised(self.kind, episode.onset_ms, episode.raised_ms, condition.reason)]

    def due_ms(self, episode: Episode, condition: Condition) -> int | None:
        """Return when the alert comes if nothing changes; None: never."""
        if condition.frozen or episode.active or episode.at_ms is None:
            return None
        return episode.at_ms + self.on_ms - episode.counted_ms
