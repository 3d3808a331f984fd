"""Latches: conditions that must last before they count, with onset dated back to where they began.

Each latch looks at its own code and at nothing else. A run of *for* as long as the enter delay switches
it on, a run of *against* as long as the exit delay switches it off, both from the run's first second.
Unknown seconds neither count nor break a run: a gap freezes every timer.

Seconds in which a unit says nothing are *suspended*: nobody knows yet whether nothing changed or the link
is gone. When it is heard again within the allowed silence they count after all, otherwise never. Longer
silence switches COMMS_LOSS on, from its first second; two messages switch it off, from the first of them.

Two ways through the same rules: :func:`tick`, one second of many units, and
:func:`orewatch.plant.sweep.sweep`, many seconds of one unit by runs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from orewatch.plant.conditions import AGAINST, FOR, ROWS, UNKNOWN
from orewatch.plant.states import DELAYS, MESSAGES_BACK, REASON_CODE, Latch, StateReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENTER_S = np.array([DELAYS[Latch(row)].enter_s for row in range(ROWS)], np.int64)
EXIT_S = np.array([DELAYS[Latch(row)].exit_s for row in range(ROWS)], np.int64)
_SILENT = REASON_CODE[StateReason.SILENT]


class Flip(NamedTuple):
    """A latch of a unit switched, from ``at_ms`` on; decided by the second ``decided_ms``."""

    decided_ms: int
    unit: int
    latch: int
    on: bool
    at_ms: int
    reason: int


@dataclass(slots=True, kw_only=True)
class Carry:
    """What latches remember of ``U`` units; written in place by :func:`tick`.

    [rows, U]: ``on``; the run being counted: its code ``run``, ``count`` s, ``onset_ms``, ``reason``, and
    ``suspended`` s of silence that may yet count. [U]: ``silent_s`` now, ``silence_ms`` where it began,
    ``limit_s`` allowed, ``back`` messages since loss, ``back_ms`` the first of them, ``lost``.
    """

    on: NDArray[np.bool_]
    run: NDArray[np.int8]
    count: NDArray[np.int64]
    onset_ms: NDArray[np.int64]
    reason: NDArray[np.uint8]
    suspended: NDArray[np.int64]
    silent_s: NDArray[np.int64]
    silence_ms: NDArray[np.int64]
    limit_s: NDArray[np.int64]
    back: NDArray[np.int64]
    back_ms: NDArray[np.int64]
    lost: NDArray[np.bool_]

    @classmethod
    def unknown(cls, limit_s: NDArray[np.int64], start_ms: int) -> Self:
        """Return a carry that knows nothing before ``start_ms`` of units with these allowed silences, int64[U]."""
        units = len(limit_s)
        on = np.zeros((ROWS, units), np.bool_)
        # Taken as turning until known otherwise: a start is one only after a stop that was seen.
        on[Latch.TURNING] = True
        return cls(
            on=on,
            run=np.full((ROWS, units), UNKNOWN, np.int8),
            count=np.zeros((ROWS, units), np.int64),
            onset_ms=np.full((ROWS, units), start_ms, np.int64),
            reason=np.zeros((ROWS, units), np.uint8),
            suspended=np.zeros((ROWS, units), np.int64),
            silent_s=limit_s + 1,
            silence_ms=np.full(units, start_ms, np.int64),
            limit_s=limit_s.astype(np.int64),
            back=np.zeros(units, np.int64),
            back_ms=np.full(units, start_ms, np.int64),
            lost=np.ones(units, np.bool_),
        )

    def of(self, unit: int) -> Carry:
        """Return one unit's part, as views."""
        return Carry(**{f.name: getattr(self, f.name)[..., unit : unit + 1] for f in fields(self)})

    def joined(self, other: Carry) -> Carry:
        """Return a carry of these units followed by the ``other`` ones."""
        return Carry(
            **{f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)], axis=-1) for f in fields(self)}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the carry as lists."""
        return {f.name: getattr(self, f.name).tolist() for f in fields(self)}

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Self:
        """Restore :meth:`to_dict`; ValueError where an array is missing or has another shape."""
        units = len(table.get("limit_s", ()))
        like = cls.unknown(np.zeros(units, np.int64), 0)
        arrays = {}
        for f in fields(cls):
            wanted = getattr(like, f.name)
            if f.name not in table:
                raise ValueError(f"carry: {f.name} is missing")
            arrays[f.name] = np.array(table[f.name], wanted.dtype)
            if arrays[f.name].shape != wanted.shape:
                raise ValueError(f"carry: {f.name} has shape {arrays[f.name].shape}; allowed: {wanted.shape}")
        return cls(**arrays)


def tick(
    carry: Carry, time_ms: int, heard: NDArray[np.bool_], codes: NDArray[np.int8], reasons: NDArray[np.uint8]
) -> list[Flip]:
    """Advance ``carry`` in place by the second ``time_ms``; ``heard`` [U], ``codes`` and ``reasons`` [rows, U]."""
    flips: list[Flip] = []
    if not heard.all():
        _be_silent(carry, time_ms, heard, codes, flips)
    returning = heard & (carry.silent_s > 0)
    if returning.any():
        # What was suspended counts now; a silence that lasted too long has left nothing suspended.
        carry.count[:, returning] += carry.suspended[:, returning]
        carry.suspended[:, returning] = 0
        _switch(carry, time_ms, returning, flips)
        after_loss = returning & (carry.silent_s > carry.limit_s)
        carry.back[after_loss] = 0
        carry.silent_s[returning] = 0
    if carry.lost.any():
        _come_back(carry, time_ms, heard, flips)
    known = heard & (codes != UNKNOWN)
    fresh = known & (codes != carry.run)
    if fresh.any():
        np.copyto(carry.run, codes, where=fresh)
        np.copyto(carry.count, 0, where=fresh)
        np.copyto(carry.onset_ms, time_ms, where=fresh)
        np.copyto(carry.reason, reasons, where=fresh)
    carry.count += known
    _switch(carry, time_ms, heard, flips)
    return flips


def _be_silent(
    carry: Carry, time_ms: int, heard: NDArray[np.bool_], codes: NDArray[np.int8], flips: list[Flip]
) -> None:
    silent = ~heard
    np.copyto(carry.silence_ms, time_ms, where=silent & (carry.silent_s == 0))
    carry.silent_s[silent] += 1
    within = silent & (carry.silent_s <= carry.limit_s)
    carry.suspended += within & (codes != UNKNOWN) & (codes == carry.run)
    gone = np.flatnonzero(silent & (carry.silent_s == carry.limit_s + 1))
    if len(gone):
        carry.suspended[:, gone] = 0
        for unit in gone:
            if not carry.lost[unit]:
                carry.lost[unit] = True
                flips.append(Flip(time_ms, int(unit), Latch.COMMS_LOSS, True, int(carry.silence_ms[unit]), _SILENT))


def _come_back(carry: Carry, time_ms: int, heard: NDArray[np.bool_], flips: list[Flip]) -> None:
    coming = heard & carry.lost
    np.copyto(carry.back_ms, time_ms, where=coming & (carry.back == 0))
    carry.back += coming
    for unit in np.flatnonzero(coming & (carry.back >= MESSAGES_BACK)):
        carry.lost[unit] = False
        carry.back[unit] = 0
        flips.append(Flip(time_ms, int(unit), Latch.COMMS_LOSS, False, int(carry.back_ms[unit]), _SILENT))


def _switch(carry: Carry, time_ms: int, among: NDArray[np.bool_], flips: list[Flip]) -> None:
    enter = (carry.run == FOR) & ~carry.on & (carry.count >= ENTER_S[:, None])
    leave = (carry.run == AGAINST) & carry.on & (carry.count >= EXIT_S[:, None])
    change = (enter | leave) & among
    if not change.any():
        return
    carry.on[change] ^= True
    for row, unit in zip(*np.nonzero(change), strict=True):
        onset, reason = int(carry.onset_ms[row, unit]), int(carry.reason[row, unit])
        flips.append(Flip(time_ms, int(unit), int(row), bool(carry.on[row, unit]), onset, reason))
