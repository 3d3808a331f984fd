"""The state classifier: evidence in, states out, the same live (second by second) and over history.

evidence -> conditions -> latches (tick over units | sweep along time) -> flips -> state history -> what is shown
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from orewatch.plant.conditions import AGAINST, FOR, conditions
from orewatch.plant.evidence import SECOND_MS, Evidence, silence
from orewatch.plant.latches import ENTER_S, Carry, Flip, tick
from orewatch.plant.state_history import Shown, StateHistory
from orewatch.plant.states import (
    LATCH_STATE,
    RANK,
    SILENCE_LEAST_S,
    STANDING_IDLE,
    Change,
    Interval,
    Latch,
    Pending,
    State,
    Status,
)
from orewatch.plant.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.plant.unit import Unit

KEEP_MS = 26 * 3_600_000
_SWEEP_FROM = 8  # seconds of one step from which runs along time cost less than ticks
_NOTHING = np.iinfo(np.int64).max


def silence_limit_s(unit: Unit) -> int:
    """Return how long (s) a unit may say nothing before the link counts as lost: 60 s, or three periods."""
    return max(SILENCE_LEAST_S, round(3 * min((s.rate_s for _, s in unit.signals()), default=0)))


class Classifier:
    """States of ``U`` units, advanced by evidence; everything it remembers goes through :meth:`to_dict`.

    Live: one second of many units a step. History: many seconds of one unit a step. Cutting the evidence
    elsewhere changes nothing. ``start_ms``: the first second it knows of. ``keep_ms``: how long intervals stay.
    """

    def __init__(self, *, units: Sequence[Unit], start_ms: int, keep_ms: int = KEEP_MS) -> None:
        _whole_second("start_ms", start_ms)
        self.keep_ms = keep_ms
        self.now_ms = start_ms  # end of the last second that was taken in
        self._ids = [unit.id for unit in units]
        limits = np.array([silence_limit_s(unit) for unit in units], np.int64)
        self._carry = Carry.unknown(limits, start_ms)
        self._histories = [StateHistory(start_ms=start_ms, keep_ms=keep_ms) for _ in units]
        self._shown = [history.shown(start_ms + SECOND_MS) for history in self._histories]
        self._expires = np.full(len(units), _NOTHING)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Which units count as silent: bool[U]."""
        return self._carry.lost.copy()

    def add(self, units: Sequence[Unit]) -> None:
        """Add units, unknown before now; their numbers (columns of the evidence) follow those known."""
        self._ids += [unit.id for unit in units]
        limits = np.array([silence_limit_s(unit) for unit in units], np.int64)
        self._carry = self._carry.joined(Carry.unknown(limits, self.now_ms))
        for _ in units:
            history = StateHistory(start_ms=self.now_ms, keep_ms=self.keep_ms)
            self._histories.append(history)
            self._shown.append(history.shown(self.now_ms + SECOND_MS))
        self._expires = np.append(self._expires, np.full(len(units), _NOTHING))

    def step(self, evidence: Evidence) -> list[Change]:
        """Advance by ``T`` seconds; return what changed on display, in order of decision.

        Seconds that are missing since the last step count as silence. ValueError for evidence that goes
        back in time, is not of whole consecutive seconds, or is not of all units.
        """
        if len(evidence) == 0:
            return []
        self._check(evidence)
        changes = self._pass_silently(int(evidence.time_ms[0]))
        return changes + self._advance(evidence)

    def status(self, unit: int) -> Status:
        """Return what is shown of a unit now."""
        shown = self._shown[unit]
        pendings = self.pendings(unit)
        # The idle rule first: it is the one that people are told about.
        pending = next((p for p in pendings if p.state is State.IDLE), pendings[0] if pendings else None)
        return Status(shown.state, shown.reason, shown.since_ms, shown.idle_since_ms, pending)

    def pendings(self, unit: int) -> list[Pending]:
        """Every state being counted towards that would change what is shown, the nearest first."""
        carry = self._carry.of(unit)
        if carry.lost[0]:
            return []
        shown = self._shown[unit].state
        own = [latch for latch, state in LATCH_STATE.items() if state is shown and latch is not Latch.COMMS_LOSS]
        leaving = all(not carry.on[row, 0] or carry.run[row, 0] == AGAINST for row in own)
        found = []
        for row in np.flatnonzero((carry.run[:, 0] == FOR) & ~carry.on[:, 0]):
            state = LATCH_STATE[Latch(int(row))]
            stronger = RANK[state] < RANK[shown] or (state in STANDING_IDLE and shown in STANDING_IDLE)
            if row != Latch.TURNING and (stronger or leaving):
                total = int(ENTER_S[row])
                counted = int(carry.count[row, 0] + carry.suspended[row, 0])
                found.append(Pending(state, max(0, total - counted), total))
        return sorted(found, key=lambda p: p.remaining_s)

    def intervals(self, unit: int, start_ms: int | None = None, end_ms: int | None = None) -> list[Interval]:
        """States of a unit, in order and without holes, cut to ``[start_ms, end_ms)``; the last is open if it lasts."""
        return self._histories[unit].intervals(self.now_ms, start_ms, end_ms)

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able."""
        return {
            "now_ms": self.now_ms,
            "units": list(self._ids),
            "carry": self._carry.to_dict(),
            "histories": [history.to_dict() for history in self._histories],
        }

    @classmethod
    def from_dict(cls, units: Sequence[Unit], table: dict[str, Any], *, keep_ms: int = KEEP_MS) -> Self:
        """Restore :meth:`to_dict` for ``units``; those it does not hold begin unknown. ValueError if malformed."""
        try:
            now_ms, ids = int(table["now_ms"]), list(table["units"])
            carry = Carry.from_dict(table["carry"])
            histories = [StateHistory.from_dict(one) for one in table["histories"]]
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"classifier: {type(error).__name__}: {error}") from error
        if not len(ids) == len(histories) == len(carry.lost):
            raise ValueError(f"classifier: {len(ids)} units, {len(histories)} histories, {len(carry.lost)} carries")
        classifier = cls(units=units, start_ms=now_ms, keep_ms=keep_ms)
        for number, unit in enumerate(units):
            if unit.id not in ids:
                continue
            old = ids.index(unit.id)
            mine, theirs = classifier._carry.of(number), carry.of(old)
            for name in Carry.__slots__:
                if name != "limit_s":
                    getattr(mine, name)[...] = getattr(theirs, name)
            classifier._histories[number] = histories[old]
            classifier._show(number)
        return classifier

    def _check(self, evidence: Evidence) -> None:
        first = int(evidence.time_ms[0])
        _whole_second("evidence", first)
        if np.any(np.diff(evidence.time_ms) != SECOND_MS):
            raise ValueError("evidence: its seconds are not consecutive")
        if first < self.now_ms:
            raise ValueError(f"evidence begins at {first}; allowed: {self.now_ms} or later")
        if evidence.heard.shape != (len(evidence), len(self._ids)):
            shape = evidence.heard.shape
            raise ValueError(f"evidence has shape {shape}; allowed: {(len(evidence), len(self._ids))}")

    def _pass_silently(self, until_ms: int) -> list[Change]:
        """Take in seconds without evidence; beyond every limit only the length of the silence still grows."""
        missing = (until_ms - self.now_ms) // SECOND_MS
        if not missing:
            return []
        most = int(self._carry.limit_s.max(initial=0)) + 2
        expiring = self._expires[self._expires < until_ms]
        if len(expiring):
            most = max(most, int(expiring.max() - self.now_ms) // SECOND_MS + 2)
        told = min(missing, most)
        changes = self._advance(silence(self.now_ms, told, len(self._ids)))
        self._carry.silent_s += missing - told
        self.now_ms = until_ms
        return changes

    def _advance(self, evidence: Evidence) -> list[Change]:
        codes, reasons = conditions(evidence)
        if len(evidence) < _SWEEP_FROM:
            changes = []
            for second in range(len(evidence)):
                time_ms = int(evidence.time_ms[second])
                flips = tick(self._carry, time_ms, evidence.heard[second], codes[:, second], reasons[:, second])
                self.now_ms = time_ms + SECOND_MS
                changes += self._take(flips)
            return changes
        flips = []
        for unit in range(len(self._ids)):
            found = sweep(
                self._carry.of(unit), evidence.time_ms, evidence.heard[:, unit], codes[..., unit], reasons[..., unit]
            )
            flips += [flip._replace(unit=unit) for flip in found]
        self.now_ms = int(evidence.time_ms[-1]) + SECOND_MS
        return self._take(flips)

    def _take(self, flips: list[Flip]) -> list[Change]:
        """Lay flips into the histories; what time alone changes comes in its place between them."""
        by_unit: dict[int, list[Flip]] = {int(u): [] for u in np.flatnonzero(self._expires < self.now_ms)}
        for flip in flips:
            by_unit.setdefault(flip.unit, []).append(flip)
        changes: list[Change] = []
        if by_unit:
            settled = self._settled_ms()
            for unit, own in by_unit.items():
                changes += self._take_unit(unit, own, int(settled[unit]))
        changes.sort(key=lambda change: (change.decided_ms, change.unit))
        return changes

    def _take_unit(self, unit: int, flips: list[Flip], settled: int) -> list[Change]:
        history = self._histories[unit]
        changes: list[Change] = []
        # No flip from here on reaches back further than this, so what lies before need not be laid out again.
        reach = [settled] * (len(flips) + 1)
        for index in range(len(flips) - 1, -1, -1):
            reach[index] = min(reach[index + 1], flips[index].at_ms)
        index = 0
        while index < len(flips):
            decided = flips[index].decided_ms
            changes += self._expire(unit, decided)
            history.settle(min(reach[index], decided))
            while index < len(flips) and flips[index].decided_ms == decided:
                history.apply(flips[index])
                index += 1
            changes += self._changed(unit, decided)
        changes += self._expire(unit, self.now_ms)
        history.settle(settled)
        return changes

    def _expire(self, unit: int, before_ms: int) -> list[Change]:
        """STARTUP ends by time: show what follows from the second in which it does, if that is before ``before_ms``."""
        expires = int(self._expires[unit])
        return self._changed(unit, expires) if expires < before_ms else []

    def _changed(self, unit: int, decided_ms: int) -> list[Change]:
        before = self._shown[unit]
        shown = self._show(unit, decided_ms + SECOND_MS)
        if shown[:4] == before[:4]:
            return []
        return [Change(unit, decided_ms, shown.state, shown.reason, shown.since_ms, shown.idle_since_ms)]

    def _show(self, unit: int, until_ms: int | None = None) -> Shown:
        shown = self._histories[unit].shown(self.now_ms if until_ms is None else until_ms)
        self._shown[unit] = shown
        self._expires[unit] = min(shown.expires_ms, _NOTHING)
        return shown

    def _settled_ms(self) -> NDArray[np.int64]:
        """Return from when on each unit's states may still change: the onset of the oldest run being counted."""
        carry = self._carry
        counting = ((carry.run == FOR) & ~carry.on) | ((carry.run == AGAINST) & carry.on)
        oldest: NDArray[np.int64] = np.where(counting, carry.onset_ms, self.now_ms).min(axis=0)
        np.minimum(oldest, carry.silence_ms, out=oldest, where=(carry.silent_s > 0) & ~carry.lost)
        np.minimum(oldest, carry.back_ms, out=oldest, where=(carry.back > 0) & carry.lost)
        return oldest


def classify(unit: Unit, evidence: Evidence) -> list[Interval]:
    """Return the states of one unit over ``evidence`` [T, 1], nothing being known before; all intervals end."""
    if len(evidence) == 0:
        return []
    start, end = int(evidence.time_ms[0]), int(evidence.time_ms[-1]) + SECOND_MS
    classifier = Classifier(units=[unit], start_ms=start, keep_ms=end - start)
    classifier.step(evidence)
    return [replace(interval, end_ms=interval.end_ms or end) for interval in classifier.intervals(0)]


def _whole_second(name: str, value: int) -> None:
    if value % SECOND_MS:
        raise ValueError(f"{name}: {value} is not a whole second in ms")


def states_at(intervals: Sequence[Interval], grid_ms: NDArray[np.int64]) -> list[State]:
    """Return the state at each of ``grid_ms``, which must lie within ``intervals``."""
    starts = np.array([interval.start_ms for interval in intervals], np.int64)
    return [intervals[i].state for i in np.searchsorted(starts, grid_ms, side="right") - 1]
