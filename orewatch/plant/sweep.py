"""Latches over many seconds of one unit, by runs along time: the same answers as second by second."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from orewatch.plant.conditions import AGAINST, FOR, ROWS, UNKNOWN
from orewatch.plant.latches import ENTER_S, EXIT_S, Carry, Flip
from orewatch.plant.states import MESSAGES_BACK, REASON_CODE, Latch, StateReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENDLESS = np.iinfo(np.int64).max
_SILENT = REASON_CODE[StateReason.SILENT]


class _Heard(NamedTuple):
    """When a unit was heard.

    ``at`` the seconds; [T] ``counts`` heard, or silent between messages close enough; ``open_from`` where the
    last silence begins; ``prefix_counts`` whether the silence that is carried counts after all.
    """

    at: NDArray[np.int64]
    counts: NDArray[np.bool_]
    all: bool
    open_from: int
    prefix_counts: bool


def sweep(
    carry: Carry,
    time_ms: NDArray[np.int64],
    heard: NDArray[np.bool_],
    codes: NDArray[np.int8],
    reasons: NDArray[np.uint8],
) -> list[Flip]:
    """Advance one unit's ``carry`` (views [rows, 1]) in place over int64[T] seconds.

    ``heard`` [T]; ``codes`` and ``reasons`` [rows, T]. Flips come in order of decision, their ``unit`` 0.
    """
    if len(time_ms) == 0:
        return []
    span = _listen(carry, heard)
    flips: list[Flip] = []
    for row in range(ROWS):
        flips += _latch(carry, row, time_ms, heard, codes[row], reasons[row], span)
    flips += _silences(carry, time_ms, span)
    return sorted(flips, key=lambda flip: flip.decided_ms)


def _listen(carry: Carry, heard: NDArray[np.bool_]) -> _Heard:
    at = np.flatnonzero(heard)
    if len(at) == len(heard):
        return _Heard(at, heard, True, len(heard), bool(carry.silent_s[0] <= carry.limit_s[0]))
    if not len(at):
        return _Heard(at, heard, False, 0, False)
    limit = int(carry.limit_s[0])
    prefix_counts = int(carry.silent_s[0]) + int(at[0]) <= limit
    counts = heard.copy()
    if prefix_counts:
        counts[: at[0]] = True
    gaps = np.diff(at) - 1
    for index in np.flatnonzero((gaps > 0) & (gaps <= limit)):
        counts[at[index] : at[index + 1]] = True
    return _Heard(at, counts, False, int(at[-1]) + 1, prefix_counts)


def _latch(
    carry: Carry,
    row: int,
    time_ms: NDArray[np.int64],
    heard: NDArray[np.bool_],
    codes: NDArray[np.int8],
    reasons: NDArray[np.uint8],
    span: _Heard,
) -> list[Flip]:
    run, on = int(carry.run[row, 0]), bool(carry.on[row, 0])
    prior, pending = int(carry.count[row, 0]), int(carry.suspended[row, 0])
    if len(span.at):
        prior += pending if span.prefix_counts else 0
        pending = 0
    value = _effective(codes, heard, span, run)
    known = np.flatnonzero(value != UNKNOWN) if not span.all or (value == UNKNOWN).any() else None
    runs = _runs(value if known is None else value[known], known, time_ms, reasons)
    carried = _Runs.one(run, prior, int(carry.onset_ms[row, 0]), int(carry.reason[row, 0]))
    runs = runs.after(carried)
    need = np.full(len(runs.kind), _ENDLESS)
    need[runs.kind == FOR] = ENTER_S[row]
    need[runs.kind == AGAINST] = EXIT_S[row]
    strong = np.flatnonzero(runs.length >= need)
    level = runs.kind[strong] == FOR
    flips: list[Flip] = []
    for which in strong[np.flatnonzero(level != np.concatenate(([on], level[:-1])))]:
        # What was carried into a run brings its decision forward; at most to the first message.
        short = int(need[which] - (prior if which == 0 else 0))
        at = int(span.at[0]) if short <= 0 else _decided(int(runs.start[which]) + short - 1, known, span)
        on = bool(runs.kind[which] == FOR)
        flips.append(Flip(int(time_ms[at]), 0, row, on, int(runs.onset_ms[which]), int(runs.reason[which])))
    carry.on[row, 0], carry.run[row, 0], carry.count[row, 0] = on, runs.kind[-1], runs.length[-1]
    carry.onset_ms[row, 0], carry.reason[row, 0] = runs.onset_ms[-1], runs.reason[-1]
    tail = codes[span.open_from :]
    pending += int(np.count_nonzero((tail == runs.kind[-1]) & (tail != UNKNOWN)))
    silent = len(tail) + (0 if len(span.at) else int(carry.silent_s[0]))
    carry.suspended[row, 0] = pending if silent <= carry.limit_s[0] else 0
    return flips


class _Runs(NamedTuple):
    """Runs of equal codes among the seconds that count: all int64[r]; ``start`` in those seconds."""

    kind: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    onset_ms: NDArray[np.int64]
    reason: NDArray[np.int64]

    @classmethod
    def one(cls, kind: int, length: int, onset_ms: int, reason: int) -> _Runs:
        return cls(*(np.array([value], np.int64) for value in (kind, 0, length, onset_ms, reason)))

    def after(self, carried: _Runs) -> _Runs:
        """Put the run that is carried first; the first one here goes on with it where the code is the same."""
        joined = _Runs(*(np.concatenate(pair) for pair in zip(carried, self, strict=True)))
        if not len(self.kind) or self.kind[0] != carried.kind[0]:
            return joined
        joined.length[1] += joined.length[0]
        joined.onset_ms[1], joined.reason[1] = joined.onset_ms[0], joined.reason[0]
        return _Runs(*(column[1:] for column in joined))


def _runs(
    compact: NDArray[np.int8],
    known: NDArray[np.int64] | None,
    time_ms: NDArray[np.int64],
    reasons: NDArray[np.uint8],
) -> _Runs:
    cuts = np.flatnonzero(compact[1:] != compact[:-1]) + 1
    start = np.concatenate(([0], cuts)) if len(compact) else cuts
    second = start if known is None else known[start]
    length = np.diff(start, append=len(compact))
    return _Runs(compact[start].astype(np.int64), start, length, time_ms[second], reasons[second].astype(np.int64))


def _effective(codes: NDArray[np.int8], heard: NDArray[np.bool_], span: _Heard, run: int) -> NDArray[np.int8]:
    """Codes of the seconds that count: heard ones, and silent ones that say what was last known."""
    if span.all:
        return codes
    value = np.where(heard, codes, np.int8(UNKNOWN))
    quiet = span.counts & ~heard
    if quiet.any():
        last = np.where(value != UNKNOWN, np.arange(len(codes)), -1)
        last = np.maximum.accumulate(last)
        held = np.where(last < 0, np.int8(run), value[last])
        value = np.where(quiet & (codes == held), codes, value)
    return value


def _decided(position: int, known: NDArray[np.int64] | None, span: _Heard) -> int:
    """Return the second that decides: the one that completes the count, or the next message where that was silent."""
    second = position if known is None else int(known[position])
    return second if span.all else int(span.at[np.searchsorted(span.at, second)])


def _silences(carry: Carry, time_ms: NDArray[np.int64], span: _Heard) -> list[Flip]:
    """COMMS_LOSS by runs of silence, which are few; leaves the carry's silence as of the last second."""
    flips: list[Flip] = []
    at = span.at
    if len(at):
        # Only messages next to a silence, or the first two while lost, can change anything.
        beside = np.flatnonzero(np.concatenate(([at[0]], np.diff(at) - 1)) > 0)
        candidates = np.unique(np.concatenate([[0, 1], beside, beside + 1]))
        for index in candidates[candidates < len(at)]:
            _be_silent(carry, time_ms, int(at[index - 1]) + 1 if index else 0, int(at[index]), flips)
            _be_heard(carry, time_ms, int(at[index]), flips)
    _be_silent(carry, time_ms, int(at[-1]) + 1 if len(at) else 0, len(time_ms), flips)
    return flips


def _be_silent(carry: Carry, time_ms: NDArray[np.int64], start: int, end: int, flips: list[Flip]) -> None:
    if end == start:
        return
    before, limit = int(carry.silent_s[0]), int(carry.limit_s[0])
    if before == 0:
        carry.silence_ms[0] = time_ms[start]
    carry.silent_s[0] = before + end - start
    if before <= limit < carry.silent_s[0] and not carry.lost[0]:
        carry.lost[0] = True
        at = start + limit - before
        onset = int(carry.silence_ms[0])
        flips.append(Flip(int(time_ms[at]), 0, Latch.COMMS_LOSS, True, onset, _SILENT))


def _be_heard(carry: Carry, time_ms: NDArray[np.int64], at: int, flips: list[Flip]) -> None:
    if carry.silent_s[0] > carry.limit_s[0]:
        carry.back[0] = 0
    carry.silent_s[0] = 0
    if not carry.lost[0]:
        return
    if carry.back[0] == 0:
        carry.back_ms[0] = time_ms[at]
    carry.back[0] += 1
    if carry.back[0] >= MESSAGES_BACK:
        carry.lost[0], carry.back[0] = False, 0
        onset = int(carry.back_ms[0])
        flips.append(Flip(int(time_ms[at]), 0, Latch.COMMS_LOSS, False, onset, _SILENT))
