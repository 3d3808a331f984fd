"""Writes the journal's blocks into InfluxDB, and loses none of them to a bad day of the server.

    network, 401, 403, 404, 429, 5xx ...  retry, without end, ever longer apart
    database, bucket, policy missing      make the levels, once; where that is not allowed: retry
    413                                   halve the batch
    400, 422: beyond retention            the rest of the body is stored; the blocks concerned are named
    400, 422: anything else               bisect the batch, dead-letter the block that stays refused

Raw scans go to the default level, rollups to ``minutes`` and ``hours``
(:mod:`orewatch.storage.levels`). Nothing is buffered here: what is not written stays in the journal.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import urllib3
from isal import igzip

from orewatch.storage.influx import UNREACHABLE, Answer, shortened
from orewatch.storage.influx_answers import (
    TOO_LARGE,
    advice,
    dropped_by_retention,
    is_final,
    is_missing,
    is_success,
    reason_of,
)
from orewatch.storage.influx_changes import Done
from orewatch.storage.influx_setup import SetupError, ensure
from orewatch.storage.influx_ways import way_of
from orewatch.storage.levels import Level, Retention
from orewatch.storage.line_protocol import LineEncoder, encode_rollups
from orewatch.storage.projection import RefusedRollups, RejectedBy, Rejection, WriteOutcome
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.influx_ways import Way
    from orewatch.storage.projection import DecodedBlock, RollupRows

_LOG: Final = logging.getLogger(__name__)

_GZIP_LEVEL: Final = 1
_MAX_BODY_BYTES: Final = 8 * 2**20
_SMALLEST_LIMIT: Final = 2**16
# As wide lines of five signals have it; only a guess of how many blocks make a body.
_BYTES_PER_VALUE: Final = 40
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_LEVEL_OF: Final = {MINUTE_MS: Level.MINUTES, HOUR_MS: Level.HOURS}

_Item = TypeVar("_Item")


@dataclass(slots=True)
class _Progress:
    """How far a batch has come; ``stopped`` is the answer that stopped it."""

    written: int = 0
    rejected: list[tuple[int, RejectedBy, str]] = field(default_factory=list)
    stopped: Answer | None = None


class InfluxWriter:
    """The InfluxDB projection. One thread at a time. ``retention``: of levels that are missing and may be made."""

    def __init__(
        self,
        *,
        server: InfluxServer,
        retention: Retention | None = None,
        name: str = "influxdb",
        max_body_bytes: int = _MAX_BODY_BYTES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._server = server
        self._retention = retention or Retention()
        self._name = name
        self._limit = max_body_bytes
        self._jitter = jitter
        self._encoder = LineEncoder()
        self._failures = 0
        self._way: Way | None = None
        self._tried_to_make = False

    @property
    def name(self) -> str:
        """The name under which the journal keeps this projection's position."""
        return self._name

    def close(self) -> None:
        """Close the connections that writing opened; the server's own stay open."""
        if self._way is not None:
            self._way.close()
            self._way = None

    def write(self, blocks: Sequence[DecodedBlock]) -> WriteOutcome:
        """Write the scans of ``blocks``, in order."""
        progress = self._write(blocks, self._encoder.encode, lambda block: block.header.values, Level.RAW)
        rejected = tuple(Rejection(blocks[i].header, reason, detail) for i, reason, detail in progress.rejected)
        return self._outcome(progress, rejected=rejected)

    def write_rollups(self, rows: Sequence[RollupRows]) -> WriteOutcome:
        """Write rolled-up windows, each to its level; those refused for good are named, and can be computed again."""
        refused: list[RefusedRollups] = []
        for step_ms, level in _LEVEL_OF.items():
            parts = [part for part in rows if part.step_ms == step_ms]
            progress = self._write(parts, encode_rollups, lambda part: 5 * part.count.size, level)
            refused += [RefusedRollups(parts[i], reason, detail) for i, reason, detail in progress.rejected]
            if progress.stopped is not None:
                progress.written = 0
                return self._outcome(progress)
        return self._outcome(_Progress(written=len(rows)), refused=tuple(refused))

    def _outcome(
        self,
        progress: _Progress,
        *,
        rejected: tuple[Rejection, ...] = (),
        refused: tuple[RefusedRollups, ...] = (),
    ) -> WriteOutcome:
        stopped = progress.stopped
        if stopped is None:
            self._failures = 0
            return WriteOutcome(written=progress.written, rejected=rejected, refused=refused)
        # The exponent stops growing long after the wait does: 2 ** failures must stay a number.
        wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._failures, 16))
        wait = max(stopped.retry_after_s, wait * (0.5 + 0.5 * self._jitter()))
        self._failures += 1
        detail = f"{stopped.status or 'unreachable'}: {stopped.detail}"
        todo = advice(stopped)
        return WriteOutcome(
            written=progress.written,
            retry=True,
            wait_s=wait,
            rejected=rejected,
            detail=f"{detail}; {todo}" if todo else detail,
        )

    def _write(
        self,
        items: Sequence[_Item],
        encode: Callable[[Sequence[_Item]], bytes],
        values_of: Callable[[_Item], int],
        level: Level,
    ) -> _Progress:
        progress = _Progress()
        # Cut beforehand: lines that turn out too many would have to be made again.
        waiting = _pieces([_BYTES_PER_VALUE * values_of(item) for item in items], self._limit)
        while waiting and progress.stopped is None:
            start, end = waiting.pop()
            lines = encode(items[start:end])
            answer = self._post_whole(lines, level) if end - start == 1 else self._post(lines, level)
            dropped = dropped_by_retention(answer)
            if dropped is not None:
                parts = [encode(items[i : i + 1]) for i in range(start, end)]
                old = [start + i for i in _with_the_oldest(parts, dropped)]
                progress.rejected += [(i, RejectedBy.RETENTION, answer.detail) for i in old]
            elif is_final(answer):
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(middle, end), (start, middle)]
                    continue
                progress.rejected.append((start, reason_of(answer), answer.detail))
            elif not is_success(answer):
                progress.stopped = answer
                break
            progress.written = end
        return progress

    def _post_whole(self, lines: bytes, level: Level) -> Answer:
        """Send one block, in as many pieces as the server wants; the first lasting refusal is the answer."""
        waiting = [lines]
        refusal: Answer | None = None
        while waiting:
            piece = waiting.pop()
            answer = self._post(piece, level)
            middle = piece.rfind(b"\n", 0, len(piece) // 2) + 1 or piece.find(b"\n") + 1
            if answer.status == TOO_LARGE and 0 < middle < len(piece):
                waiting += [piece[middle:], piece[:middle]]
            elif is_final(answer):
                refusal = refusal or answer
            elif not is_success(answer):
                return answer
        return refusal or Answer(204)

    def _post(self, lines: bytes, level: Level) -> Answer:
        if not lines:
            return Answer(204)
        if len(lines) > self._limit and lines.find(b"\n") + 1 < len(lines):
            return Answer(TOO_LARGE, f"{len(lines)} bytes; at most {self._limit} at a time")
        body = igzip.compress(lines, _GZIP_LEVEL)
        try:
            if self._way is None:
                self._way = way_of(self._server)
                self._tried_to_make = False
                _LOG.info("%s: written by %s", self._name, self._way.path)
            answer = self._way.send(body, level)
            if is_missing(answer) and not self._tried_to_make:
                self._tried_to_make = True
                if self._make():
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

    def _make(self) -> bool:
        """Make what is missing, and nothing else; False where that is not allowed."""
        try:
            changes = ensure(self._server, self._retention, now_ms=0, only_missing=True)
        except SetupError as error:
            _LOG.warning("%s: what is missing cannot be made: %s", self._name, error)
            return False
        for change in changes:
            if change.done is not Done.ALREADY:
                _LOG.warning("%s: %s", self._name, change)
        return True


def _with_the_oldest(parts: Sequence[bytes], dropped: int) -> list[int]:
    """Return which parts have one of the ``dropped`` oldest lines: retention is a bound in time, the same for all."""
    times = [[int(line.rsplit(b" ", 1)[1]) for line in part.splitlines()] for part in parts]
    ordered = sorted(t for lines in times for t in lines)
    if not ordered:
        return []
    bound = ordered[min(max(dropped, 1), len(ordered)) - 1]
    return [i for i, lines in enumerate(times) if lines and min(lines) <= bound]


def _pieces(sizes: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Return the bounds of runs of about ``limit`` bytes at most, the first run last."""
    pieces = []
    start = total = 0
    for i, size in enumerate(sizes):
        if i > start and total + size > limit:
            pieces.append((start, i))
            start, total = i, 0
        total += size
    if sizes:
        pieces.append((start, len(sizes)))
    return pieces[::-1]
