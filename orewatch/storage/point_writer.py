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

from orewatch.storage.influx_post import REFUSED, TOO_LARGE, InfluxPost, is_success, refusal_of
from orewatch.storage.points import encode_points
from orewatch.storage.projection import WriteOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import Answer, InfluxServer
    from orewatch.storage.points import Point

_LOG: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 5000
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
# What a server that keeps the rest says of a batch.
_DROPPED: Final = re.compile(r"partial write: .*dropped=(\d+)")


class PointWriter:
    """Points to ``level`` (None: raw). One thread at a time.

    ``written`` and ``refused`` (by reason) count points since the start.
    """

    def __init__(
        self,
        *,
        server: InfluxServer,
        name: str,
        level: str | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._post = InfluxPost(server=server, name=name, level=level)
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
            answer = self._post.post(encode_points(points[start:end]))
            if is_success(answer):
                self.written += end - start
            elif answer.status in REFUSED and (dropped := _DROPPED.search(answer.detail)):
                count = min(int(dropped[1]), end - start)
                self._refuse(count, answer)
                self.written += end - start - count
            elif answer.status in REFUSED or answer.status == TOO_LARGE:
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
        reason = refusal_of(answer).value
        if not self.refused[reason]:
            _LOG.warning("%s refuses points: %s: %s", self._name, reason, answer.detail)
        self.refused[reason] += count

    def _stopped(self, done: int, answer: Answer) -> WriteOutcome:
        # The exponent stops growing long after the wait does: 2 ** failures must stay a number.
        wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._failures, 16))
        wait = max(answer.retry_after_s, wait * (0.5 + 0.5 * self._jitter()))
        self._failures += 1
        detail = f"{answer.status or 'unreachable'}: {answer.detail}"
        return WriteOutcome(written=done, retry=True, wait_s=wait, detail=detail)
