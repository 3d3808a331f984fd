"""Lines of line protocol to a level of an InfluxDB: the way its version takes, gzip, what is missing made, its answer.

Nothing is buffered here, and nothing is sent twice but in smaller pieces.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import httpx
import urllib3
from isal import igzip

from orewatch.storage.influx import UNREACHABLE, Answer, shortened
from orewatch.storage.influx_answers import TOO_LARGE, is_final, is_missing, is_success
from orewatch.storage.influx_changes import Done
from orewatch.storage.influx_setup import SetupError, ensure
from orewatch.storage.influx_ways import way_of

if TYPE_CHECKING:
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.influx_ways import Way
    from orewatch.storage.levels import Level, Retention

_LOG: Final = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 8 * 2**20
_GZIP_LEVEL: Final = 1
_SMALLEST_LIMIT: Final = 2**16
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0


def wait_s(failures: int, answer: Answer, jitter: float) -> float:
    """Return how long to leave a server alone after so many ``failures`` in a row; ``jitter`` in 0 to 1."""
    # The exponent stops growing long after the wait does: 2 ** failures must stay a number.
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures, 16))
    return max(answer.retry_after_s, wait * (0.5 + 0.5 * jitter))


class InfluxPost:
    """Posts lines. One thread at a time.

    ``retention``: of levels that are missing and may be made; None: they are waited for.
    """

    def __init__(
        self,
        *,
        server: InfluxServer,
        name: str,
        retention: Retention | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._server = server
        self._name = name
        self._retention = retention
        self._limit = max_body_bytes
        self._way: Way | None = None
        self._tried_to_make = False

    @property
    def limit(self) -> int:
        """The bytes that the server takes at a time, as far as is known; ever fewer once it refused more."""
        return self._limit

    def close(self) -> None:
        """Close the connections that posting opened; the server's own stay open."""
        if self._way is not None:
            self._way.close()
            self._way = None

    def post_whole(self, lines: bytes, level: Level) -> Answer:
        """Send lines in as many pieces as the server wants; the first lasting refusal is the answer."""
        waiting = [lines]
        refusal: Answer | None = None
        while waiting:
            piece = waiting.pop()
            answer = self.post(piece, level)
            middle = piece.rfind(b"\n", 0, len(piece) // 2) + 1 or piece.find(b"\n") + 1
            if answer.status == TOO_LARGE and 0 < middle < len(piece):
                waiting += [piece[middle:], piece[:middle]]
            elif is_final(answer):
                refusal = refusal or answer
            elif not is_success(answer):
                return answer
        return refusal or Answer(204)

    def post(self, lines: bytes, level: Level) -> Answer:
        """Send lines in one piece; never raises. More than :attr:`limit` is answered 413 without asking."""
        if not lines:
            return Answer(204)
        if len(lines) > self._limit and lines.find(b"\n") + 1 < len(lines):
            return Answer(TOO_LARGE, f"{len(lines)} bytes; at most {self._limit} at a time")
        body = igzip.compress(lines, _GZIP_LEVEL)
        try:
            if self._way is None:
                self._way = way_of(self._server)
                self._tried_to_make = False
                _LOG.info("%s: %s", self._name, self._way.said)
            answer = self._way.send(body, level)
            if is_missing(answer) and self._retention is not None and not self._tried_to_make:
                self._tried_to_make = True
                if self._make(self._retention):
                    answer = self._way.send(body, level)
        except (httpx.HTTPError, urllib3.exceptions.HTTPError) as error:
            # Another version may stand there when it comes back.
            self.close()
            return Answer(UNREACHABLE, f"{type(error).__name__}: {shortened(str(error))}")
        if is_success(answer):
            # Should it be taken away once more, it may be made once more.
            self._tried_to_make = False
        if answer.status == TOO_LARGE:
            self._limit = max(_SMALLEST_LIMIT, len(lines) // 2)
        return answer

    def _make(self, retention: Retention) -> bool:
        """Make what is missing, and nothing else; False where that is not allowed."""
        try:
            changes = ensure(self._server, retention, now_ms=0, only_missing=True)
        except SetupError as error:
            _LOG.warning("%s: what is missing cannot be made: %s", self._name, error)
            # One that went away meanwhile has refused nothing.
            self._tried_to_make = not isinstance(error.__cause__, httpx.HTTPError)
            return False
        for change in changes:
            if change.done is not Done.ALREADY:
                _LOG.warning("%s: %s", self._name, change)
        return True
