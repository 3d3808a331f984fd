"""How much room a disk has, and how long it will last at the rate of the last hours."""

from __future__ import annotations

import shutil
from collections import deque
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EACH_S: Final = 300.0
"""So far apart free space is remembered."""
LOOK_BACK_S: Final = 6 * 3600.0
LEAST_S: Final = 3600.0
"""Less says nothing: a checkpoint, a log that was rotated."""
LEAST_BYTES: Final = 16 * 2**20
PARTS: Final = 6
SCARCE_BYTES: Final = 2**30
PLENTY_BYTES: Final = 20 * 2**30
"""A twentieth of a large disk is still plenty."""


class Room(NamedTuple):
    """Bytes free and in all; ``hours_left`` until it is full, None where it is not growing or not known yet."""

    free: int
    total: int
    hours_left: float | None


def usage_of(path: Path) -> tuple[int, int]:
    """Return bytes free for us, and bytes in all, of the disk that holds ``path``; :class:`OSError`."""
    found = shutil.disk_usage(path)
    return found.free, found.total


def is_short(free: int, total: int) -> bool:
    """Say whether a disk is about to take nothing. One that is hardly larger is so when half of it is gone."""
    return free < min(SCARCE_BYTES, total / 2)


def is_scarce(free: int, total: int) -> bool:
    """Say whether a disk is almost full."""
    return is_short(free, total) or (free < total / 20 and free < PLENTY_BYTES)


class Disk:
    """The disk that holds a folder, looked at now and then."""

    def __init__(self, path: Path, *, usage: Callable[[Path], tuple[int, int]] = usage_of) -> None:
        self._path = path
        self._usage = usage
        self._seen: deque[tuple[float, int]] = deque(maxlen=round(LOOK_BACK_S / EACH_S) + 1)

    def look(self, at_s: float) -> Room | None:
        """Return the room there is; ``at_s`` is a clock that nobody sets (s). None where the disk does not say."""
        try:
            free, total = self._usage(self._path)
        except OSError:
            return None
        if not self._seen or at_s - self._seen[-1][0] >= EACH_S:
            self._seen.append((at_s, free))
        return Room(free, total, self._hours_left(at_s, free))

    def _hours_left(self, at_s: float, free: int) -> float | None:
        first_s, first_free = self._seen[0]
        took_s = at_s - first_s
        if took_s < LEAST_S or first_free - free < LEAST_BYTES:
            return None
        seen = [*self._seen, (at_s, free)]
        starts = (first_s + part * took_s / PARTS for part in range(PARTS))
        edges = dict([*(next(one for one in seen if one[0] >= start_s) for start_s in starts), seen[-1]])
        # The usual one of its parts: a backup, or days that arrive at once, fill for a while and then no more.
        usual = median_low((left - right) / (later_s - s) for (s, left), (later_s, right) in pairwise(edges.items()))
        rate = min(usual, (first_free - free) / took_s)
        return free / rate / 3600 if rate > 0 else None
