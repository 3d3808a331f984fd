"""Writes points into one level of an InfluxDB; what it refuses for good is counted by reason and not asked again.

network, 401, 404, 429, 5xx ...  stop; the caller comes again, ever longer apart
413                              halve the batch
400, 422                         the server says how many it dropped of the batch; else bisect
"""

from __future__ import annotations

import logging
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from orewatch.storage.influx_answers import REFUSED, advice, dropped_by_retention, is_final, is_success, reason_of
from orewatch.storage.influx_post import InfluxPost, wait_s
from orewatch.storage.levels import Level
from orewatch.storage.points import encode_points
from orewatch.storage.projection import WriteOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import Answer, InfluxServer
    from orewatch.storage.points import Point

_LOG: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 5000
# What a server that keeps the rest of a batch says of it, whatever it dropped the others for.
_DROPPED: Final = re.compile(r"partial write: .*dropped=(\d+)")


class PointWriter:
    """Points to ``level``. One thread at a time.

    ``written`` and ``refused`` (by reason) count points since the start.
    """

    def __init__(
        self,
        *,
        server: InfluxServer,
        name: str,
        level: Level = Level.RAW,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._post = InfluxPost(server=server, name=name)
        self._level = level
        self._name = name
        self._jitter = jitter
        self._failures = 0
        self.written = 0
        self.refused: Counter[str] = Counter()

    def close(self) -> None:
        """Close the connections that writing opened; the server's own stay open."""
        self._post.close()

    def write(self, points: Sequence[Point]) -> WriteOutcome:
        """Write points, in order. Never raises for a store that is down: that is an outcome, with ``retry``."""
        waiting = [(at, min(at + _AT_ONCE, len(points))) for at in range(0, len(points), _AT_ONCE)][::-1]
        done = 0
        while waiting:
            start, end = waiting.pop()
            answer = self._post.post(encode_points(points[start:end]), self._level)
            if is_success(answer):
                self.written += end - start
            elif (dropped := _dropped(answer)) is not None:
                count = min(dropped, end - start)
                self._refuse(count, answer)
                self.written += end - start - count
            elif is_final(answer):
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(middle, end), (start, middle)]
                    continue
                self._refuse(1, answer)
            else:
                return self._stopped(done, answer)
            done = end
        self._failures = 0
        return WriteOutcome(written=done)

    def _refuse(self, count: int, answer: Answer) -> None:
        reason = reason_of(answer).value
        if not self.refused[reason]:
            _LOG.warning("%s refuses points: %s: %s", self._name, reason, answer.detail)
        self.refused[reason] += count

    def _stopped(self, done: int, answer: Answer) -> WriteOutcome:
        wait = wait_s(self._failures, answer, self._jitter())
        self._failures += 1
        todo = advice(answer)
        detail = f"{answer.status or 'unreachable'}: {answer.detail}" + (f"; {todo}" if todo else "")
        return WriteOutcome(written=done, retry=True, wait_s=wait, detail=detail)


def _dropped(answer: Answer) -> int | None:
    """Return how many points of a batch were dropped, where the rest of it is stored; None otherwise."""
    if (old := dropped_by_retention(answer)) is not None:
        return old
    found = _DROPPED.search(answer.detail) if answer.status in REFUSED else None
    return int(found[1]) if found else None
