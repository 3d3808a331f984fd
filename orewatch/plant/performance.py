"""Underperformance: a unit that runs, but below what is expected of it.

    windows of 15 min -> votes (target | own CUSUM | peers) -> Verdict, with figures and what it points to

Only windows in which the unit ran count, none near a start or a change of shift; a window without
evidence neither counts nor resets. Windows have fixed bounds, so late data can count them again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from orewatch.plant.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.plant.states import Interval

WINDOW_MS = 900_000
RUNNING_SHARE = 0.8
AFTER_START_MS = 1_800_000
SHIFT_CHANGE_MS = 900_000
LOW, LOW_WINDOWS = 0.85, 4
SEVERE, SEVERE_WINDOWS = 0.75, 2
# Clearing takes more than the limit itself, and half an hour of it: no flapping.
CLEAR, CLEAR_WINDOWS = 0.90, 2
TWO = 2
NOTABLE = 0.05
_HOUR_MS = 3_600_000
_WINDOW_H = WINDOW_MS / _HOUR_MS


class Vote(StrEnum):
    """What speaks for underperformance."""

    TARGET = "target"
    SEVERE = "severe"
    OWN = "own"
    PEERS = "peers"


class Advisory(StrEnum):
    """What the figures point to; advice, never a verdict."""

    HARD_ORE = "hard_ore"  # rate down, kW.h/t up
    FEED = "feed"  # rate and power both down


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Fifteen minutes of a unit: mean dry ``tph`` and ``kw`` over it, ``running`` share of it, 0..1."""

    start_ms: int
    tph: float
    running: float
    kw: float | None = None
    excluded: bool = False

    @property
    def counts(self) -> bool:
        """Whether the window is evidence at all."""
        return self.running >= RUNNING_SHARE and not self.excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A unit underperforms since ``since_ms``; decided at ``decided_ms`` (end of the window that decided).

    Rates dry t/h; ``ratio`` of mean to target over ``windows`` low windows; ``tonnes_lost`` against target so far.
    """

    since_ms: int
    decided_ms: int
    severe: bool
    votes: tuple[Vote, ...]
    target_tph: float
    mean_tph: float
    ratio: float
    windows: int
    tonnes_lost: float
    advisory: Advisory | None


def window_of(
    start_ms: int,
    tonnes: float,
    intervals: Sequence[Interval],
    *,
    kw: float | None = None,
    shift_changes_ms: Sequence[int] = (),
) -> Window:
    """Return the window that begins at ``start_ms`` from its dry ``tonnes`` and the unit's states.

    ``intervals`` must reach back 30 min, to know of a start.
    """
    end_ms = start_ms + WINDOW_MS
    ran = 0
    after_start = False
    for interval in intervals:
        end = end_ms if interval.end_ms is None else interval.end_ms
        if interval.state in {State.RUNNING, State.UNDERPERFORMING}:
            ran += max(0, min(end, end_ms) - max(interval.start_ms, start_ms))
        if interval.state is State.STARTUP:
            after_start |= interval.start_ms < end_ms and start_ms < interval.start_ms + AFTER_START_MS
    near_shift = any(start_ms < at + SHIFT_CHANGE_MS and at - SHIFT_CHANGE_MS < end_ms for at in shift_changes_ms)
    return Window(
        start_ms=start_ms,
        tph=tonnes * _HOUR_MS / WINDOW_MS,
        running=ran / WINDOW_MS,
        kw=kw,
        excluded=after_start or near_shift,
    )


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges one unit window by window; remembers the low stretch and the verdict that stands."""

    since_ms: int = 0
    windows: int = 0
    severe: int = 0
    clear: int = 0
    tonnes: float = 0.0
    target_t: float = 0.0
    lost_t: float = 0.0
    last_ms: int = -1
    verdict: Verdict | None = None

    def take(
        self,
        window: Window,
        *,
        target_tph: float,
        own: bool | None = None,
        peers: bool | None = None,
        usual: tuple[float, float] | None = None,
    ) -> Verdict | None:
        """Take the next window and return the verdict that stands after it, or None.

        ``own``: the unit's CUSUM alarm, None while its baseline is learning. ``peers``: whether it falls behind
        its peers, None with too few. ``usual``: the baseline's rate (t/h) and power (kW), for the advisory.
        A window that was taken before, or does not count, changes nothing.
        """
        if window.start_ms <= self.last_ms or not window.counts:
            return self.verdict
        self.last_ms = window.start_ms
        ratio = window.tph / target_tph
        agreed = bool(own) and bool(peers)
        if ratio < LOW or agreed or (self.verdict and ratio < CLEAR):
            self._add(window, ratio, target_tph)
        else:
            self.clear += 1
            self.severe = 0
            if not self.verdict or self.clear >= CLEAR_WINDOWS:
                self._forget()
            return self.verdict
        votes = self._votes(own=own, peers=peers)
        if self.verdict or _enough(votes, alone=own is None or peers is None):
            self.verdict = Verdict(
                since_ms=self.since_ms,
                decided_ms=self.verdict.decided_ms if self.verdict else window.start_ms + WINDOW_MS,
                severe=Vote.SEVERE in votes,
                votes=votes or (self.verdict.votes if self.verdict else ()),
                target_tph=target_tph,
                mean_tph=self.tonnes / (self.windows * _WINDOW_H),
                ratio=self.tonnes / self.target_t,
                windows=self.windows,
                tonnes_lost=self.lost_t,
                advisory=advise(window, usual) if usual else None,
            )
        return self.verdict

    def _add(self, window: Window, ratio: float, target_tph: float) -> None:
        if not self.windows:
            self.since_ms = window.start_ms
        self.windows += 1
        self.severe = self.severe + 1 if ratio <= SEVERE else 0
        self.clear = 0
        self.tonnes += window.tph * _WINDOW_H
        self.target_t += target_tph * _WINDOW_H
        self.lost_t += max(0.0, target_tph - window.tph) * _WINDOW_H

    def _forget(self) -> None:
        self.windows = self.severe = self.clear = 0
        self.tonnes = self.target_t = self.lost_t = 0.0
        self.verdict = None

    def _votes(self, *, own: bool | None, peers: bool | None) -> tuple[Vote, ...]:
        low = self.windows >= LOW_WINDOWS and self.tonnes < LOW * self.target_t
        cast = {Vote.SEVERE: self.severe >= SEVERE_WINDOWS, Vote.TARGET: low, Vote.OWN: own, Vote.PEERS: peers}
        return tuple(vote for vote, given in cast.items() if given)

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able."""
        return asdict(self)

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Self:
        """Restore :meth:`to_dict`; ValueError where it is malformed."""
        try:
            judge = cls(**table)
            if table["verdict"]:
                told = dict(table["verdict"])
                told["votes"] = tuple(map(Vote, told["votes"]))
                told["advisory"] = Advisory(told["advisory"]) if told["advisory"] else None
                judge.verdict = Verdict(**told)
        except (KeyError, TypeError) as error:
            raise ValueError(f"judge: {type(error).__name__}: {error}") from error
        return judge


def advise(window: Window, usual: tuple[float, float]) -> Advisory | None:
    """Say what a low window points to, against the ``usual`` rate (t/h) and power (kW)."""
    rate, power = usual
    if window.kw is None or window.tph <= 0 or window.tph >= rate * (1 - NOTABLE):
        return None
    if window.kw < power * (1 - NOTABLE):
        return Advisory.FEED
    return Advisory.HARD_ORE if window.kw / window.tph > power / rate * (1 + NOTABLE) else None


def _enough(votes: tuple[Vote, ...], *, alone: bool) -> bool:
    """Any two votes, or severe target; target alone while nothing else can vote. Severe and target are one voice."""
    voices = len({Vote.TARGET if vote is Vote.SEVERE else vote for vote in votes})
    return Vote.SEVERE in votes or voices >= TWO or (alone and Vote.TARGET in votes)
