"""Where one block ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from orewatch.telemetry.scan import Scans

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Span:
    """Scans with the earliest and latest of their times, the latest of each group, and the count of their values."""

    scans: list[Scans] = field(default_factory=list)
    first_ms: int = 0
    last_ms: int = 0
    values: int = 0
    newest: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, scans: list[Scans]) -> Span:
        """Measure ``scans``, none of them empty."""
        first = min((int(s.time_ms.min()) for s in scans), default=0)
        last = max((int(s.time_ms.max()) for s in scans), default=0)
        newest: dict[int, int] = {}
        for s in scans:
            newest[s.group] = max(newest.get(s.group, 0), int(s.time_ms[-1]))
        return cls(scans, first, last, sum(s.steps.size for s in scans), newest)

    def joined(self, other: Span) -> Span:
        """Return both together."""
        if not self.scans:
            return other
        first, last = min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms)
        newest = {**self.newest, **other.newest}
        return Span([*self.scans, *other.scans], first, last, self.values + other.values, newest)

    def runs_back(self, other: Span) -> bool:
        """Whether ``other`` has a group at or before the time at which this already has it: a clock was set back.

        That one group is behind another says nothing: a slow source answers late.
        """
        return any(first <= self.newest.get(group, first - 1) for group, first in other.oldest())

    def oldest(self) -> list[tuple[int, int]]:
        """Return (group, earliest time) of each part."""
        return [(s.group, int(s.time_ms[0])) for s in self.scans]


@dataclass(frozen=True, slots=True)
class Limits:
    """A block is full at ``values`` values, or when its scans span ``span_ms``."""

    span_ms: int
    values: int


def cut(held: Span, batch: list[Scans], limits: Limits) -> tuple[list[list[Scans]], Span, list[Scans]]:
    """Return what to seal now, what is open then, and the part of that which came with ``batch``.

    A block ends where the clock was set back, so that the times of a group only grow within one.
    """
    new = Span.of(batch)
    sealed: list[list[Scans]] = []
    aged = held.runs_back(new) or new.first_ms - held.first_ms >= limits.span_ms
    if held.scans and (aged or held.values >= limits.values):
        sealed.append(held.scans)
        held = Span()
    length = new.last_ms - new.first_ms
    span_ms = limits.span_ms
    if new.values > limits.values and length:
        span_ms = max(1, min(span_ms, length * limits.values // new.values))
    if length < span_ms:
        return sealed, held.joined(new), batch
    *whole, rest = slice_by_time(batch, held.first_ms if held.scans else new.first_ms, span_ms)
    if whole:
        whole[0] = [*held.scans, *whole[0]]
        held = Span()
    return [*sealed, *whole], held.joined(Span.of(rest)), rest


def slice_by_time(scans: Sequence[Scans], start_ms: int, span_ms: int) -> list[list[Scans]]:
    """Cut ``scans`` into consecutive spans of ``span_ms`` from ``start_ms``; empty spans are left out."""
    spans: dict[int, list[Scans]] = {}
    for s in scans:
        which = (s.time_ms - start_ms) // span_ms
        # Almost always in order of time, where a slice is a view and costs nothing.
        if (np.diff(which) >= 0).all():
            numbers, first = np.unique(which, return_index=True)
            bounds = [*first.tolist(), len(s)]
            for number, a, b in zip(numbers.tolist(), bounds, bounds[1:], strict=False):
                quality = None if s.quality is None else s.quality[a:b]
                spans.setdefault(number, []).append(Scans(s.group, s.time_ms[a:b], s.steps[a:b], quality))
            continue
        for number in np.unique(which).tolist():
            rows = which == number
            quality = None if s.quality is None else s.quality[rows]
            spans.setdefault(number, []).append(Scans(s.group, s.time_ms[rows], s.steps[rows], quality))
    return [spans[number] for number in sorted(spans)]
