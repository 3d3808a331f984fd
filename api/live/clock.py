"""The clock of the tick: which seconds are due, and whether the clock leapt."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

SECOND_MS = 1000
# A pause as long as a unit may be silent says nothing of the units: it was us who did not look.
LEAP_MS = 45_000
# How long the tick waits for a clock that was set back a little, before it begins anew.
BACK_MS = 5_000


class Leap(Enum):
    """What the wall clock did since the last tick."""

    NONE = auto()
    FORWARD = auto()
    BACK = auto()


class Due(NamedTuple):
    """The seconds to judge, oldest first, and what the clock did."""

    seconds: tuple[int, ...]
    leap: Leap


def due_seconds(judged_to_ms: int, now_ms: int) -> Due:
    """Return the whole seconds since ``judged_to_ms`` that are over at ``now_ms``."""
    over_ms = now_ms // SECOND_MS * SECOND_MS
    if over_ms - judged_to_ms > LEAP_MS:
        return Due((), Leap.FORWARD)
    if judged_to_ms - over_ms > BACK_MS:
        return Due((), Leap.BACK)
    return Due(tuple(range(judged_to_ms, over_ms, SECOND_MS)), Leap.NONE)


def whole_second(at_ms: int) -> int:
    """Return the start of the second that ``at_ms`` lies in."""
    return at_ms // SECOND_MS * SECOND_MS
