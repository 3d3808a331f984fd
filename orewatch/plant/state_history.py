"""One unit's states over time: latched spans laid over each other, first match shown, holes held.

Where no latch is on, the previous state is held. Flips date back, so the newest stretch may still change;
what no flip can reach any more is settled and kept as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from orewatch.plant.states import (
    LATCH_STATE,
    RANK,
    REASONS,
    STANDING_IDLE,
    STARTUP_MS,
    STATES,
    Interval,
    Latch,
    State,
    StateReason,
)

if TYPE_CHECKING:
    from orewatch.plant.latches import Flip

_RANK_OF = [RANK[LATCH_STATE[latch]] for latch in Latch]
_COMMS, _CLOCK, _STARTUP = RANK[State.COMMS_LOSS], RANK[State.CLOCK_BAD], RANK[State.STARTUP]
_LEARNING = REASONS.index(StateReason.LEARNING)
_SILENT = REASONS.index(StateReason.SILENT)
_IDLING = frozenset(RANK[state] for state in STANDING_IDLE)
_ALWAYS = 1 << 62


class _Step(NamedTuple):
    """From ``at_ms`` on: what is shown, and what it is by the process alone (link and clock aside)."""

    at_ms: int
    rank: int
    reason: int
    process_rank: int
    process_reason: int

    def same(self, other: _Step) -> bool:
        return self.rank == other.rank and (self.reason == _LEARNING) == (other.reason == _LEARNING)


class Shown(NamedTuple):
    """What is shown at an instant; ``expires_ms`` when time alone will change it."""

    state: State
    reason: StateReason
    since_ms: int
    idle_since_ms: int | None
    expires_ms: int


class StateHistory:
    """The states of one unit from ``start_ms`` on."""

    def __init__(self, *, start_ms: int, keep_ms: int) -> None:
        self.start_ms = start_ms
        self.keep_ms = keep_ms
        self.settled_ms = start_ms
        # [start, end, reason] by latch; silent until something is heard.
        self._spans: list[list[list[int]]] = [[] for _ in Latch]
        self._spans[Latch.COMMS_LOSS].append([start_ms, _ALWAYS, _SILENT])
        self._past = [_Step(start_ms, _COMMS, _SILENT, _COMMS, _LEARNING)]

    def apply(self, flip: Flip) -> None:
        """Take in a flip; it must not reach back before what is settled."""
        spans = self._spans[flip.latch]
        if flip.on:
            end = flip.at_ms + STARTUP_MS if flip.latch == Latch.TURNING else _ALWAYS
            spans.append([flip.at_ms, end, flip.reason])
        elif spans:
            spans[-1][1] = min(spans[-1][1], flip.at_ms)

    def shown(self, now_ms: int) -> Shown:
        """Return what is shown just before ``now_ms``."""
        steps = self._steps(now_ms)
        last = steps[-1]
        expires = min((s[1] for s in self._spans[Latch.TURNING] if s[1] > now_ms), default=_ALWAYS)
        idle = self._spans[Latch.IDLE]
        stands = last.process_rank in _IDLING and idle and idle[-1][1] == _ALWAYS
        since = idle[-1][0] if stands else None
        return Shown(STATES[last.rank], REASONS[last.reason], last.at_ms, since, expires)

    def settle(self, before_ms: int) -> None:
        """Keep what lies before ``before_ms`` as it is: no flip to come dates back further."""
        if before_ms <= self.settled_ms:
            return
        self._past = self._steps(before_ms)
        self.settled_ms = before_ms
        for latch, spans in enumerate(self._spans):
            self._spans[latch] = [s for s in spans if s[1] > before_ms]
        oldest = before_ms - self.keep_ms
        gone = 0
        while gone + 1 < len(self._past) and self._past[gone + 1].at_ms <= oldest:
            gone += 1
        del self._past[:gone]

    def intervals(self, now_ms: int, start_ms: int | None = None, end_ms: int | None = None) -> list[Interval]:
        """Return the intervals up to ``now_ms``, cut to ``[start_ms, end_ms)``; the last one is open if it lasts."""
        limit = end_ms if end_ms is not None and end_ms <= now_ms else None
        steps = self._steps(now_ms if limit is None else max(limit, self.settled_ms))
        out = []
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            end = following.at_ms if following else None
            begin = step.at_ms if start_ms is None else max(step.at_ms, start_ms)
            until = limit if end is None or (limit is not None and limit < end) else end
            if until is None or begin < until:
                provisional = end is None or end > self.settled_ms
                out.append(Interval(STATES[step.rank], REASONS[step.reason], begin, until, provisional))
        return out

    def _steps(self, until_ms: int) -> list[_Step]:
        """Return the settled steps and, after them, what the spans make of the time up to ``until_ms``."""
        steps = list(self._past)
        edges = self._edges(until_ms)
        active: dict[int, int] = {}
        held = (steps[-1].process_rank, steps[-1].process_reason)
        at = self.settled_ms
        position = 0
        while at < until_ms:
            while position < len(edges) and edges[position][0] == at:
                _, begins, rank, reason = edges[position]
                active.pop(rank, None)
                if begins:
                    active[rank] = reason
                position += 1
            process = min((rank for rank in active if rank > _CLOCK), default=held[0])
            if process != held[0]:
                # The cause of a state is the one at its onset, also where it was merely held meanwhile.
                held = (process, active[process])
            link = min((rank for rank in active if rank <= _CLOCK), default=-1)
            rank, reason = (link, active[link]) if link >= 0 else held
            _append(steps, _Step(at, rank, reason, *held))
            at = edges[position][0] if position < len(edges) else until_ms
        return steps

    def _edges(self, until_ms: int) -> list[tuple[int, bool, int, int]]:
        """Where spans begin and end after what is settled: time, begins (ends come first), rank, reason; sorted."""
        edges = []
        for rank, spans in zip(_RANK_OF, self._spans, strict=True):
            for start, end, reason in spans:
                begin = max(start, self.settled_ms)
                if begin < min(end, until_ms):
                    edges.append((begin, True, rank, reason))
                    if end < until_ms:
                        edges.append((end, False, rank, reason))
        return sorted(edges)

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able."""
        return {
            "start_ms": self.start_ms,
            "keep_ms": self.keep_ms,
            "settled_ms": self.settled_ms,
            "spans": self._spans,
            "past": [list(step) for step in self._past],
        }

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Self:
        """Restore :meth:`to_dict`; ValueError where it is malformed."""
        history = cls(start_ms=int(table["start_ms"]), keep_ms=int(table["keep_ms"]))
        history.settled_ms = int(table["settled_ms"])
        spans = [[[int(n) for n in span] for span in latch] for latch in table["spans"]]
        past = [_Step(*(int(n) for n in step)) for step in table["past"]]
        if len(spans) != len(Latch) or not past:
            raise ValueError(
                f"state history: {len(spans)} latches, {len(past)} steps; allowed: {len(Latch)}, 1 or more"
            )
        history._spans, history._past = spans, past
        return history


def _append(steps: list[_Step], step: _Step) -> None:
    last = steps[-1]
    if last.same(step):
        steps[-1] = last._replace(process_rank=step.process_rank, process_reason=step.process_reason)
    elif last.at_ms == step.at_ms:
        steps[-1] = step
    else:
        steps.append(step)
