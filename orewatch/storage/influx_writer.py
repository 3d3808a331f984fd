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

from orewatch.storage.influx_answers import (
    advice,
    dropped_by_retention,
    is_final,
    is_success,
    reason_of,
)
from orewatch.storage.influx_post import MAX_BODY_BYTES, InfluxPost, wait_s
from orewatch.storage.levels import Level, Retention
from orewatch.storage.line_protocol import LineEncoder, encode_rollups
from orewatch.storage.projection import RefusedRollups, RejectedBy, Rejection, WriteOutcome
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import Answer, InfluxServer
    from orewatch.storage.projection import DecodedBlock, RollupRows

_LOG: Final = logging.getLogger(__name__)

# As wide lines of five signals have it; only a guess of how many blocks make a body.
_BYTES_PER_VALUE: Final = 40
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
        max_body_bytes: int = MAX_BODY_BYTES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._post = InfluxPost(
            server=server, name=name, retention=retention or Retention(), max_body_bytes=max_body_bytes
        )
        self._jitter = jitter
        self._encoder = LineEncoder()
        self._failures = 0

    @property
    def name(self) -> str:
        """The name under which the journal keeps this projection's position."""
        return self._name

    def close(self) -> None:
        """Close the connections that writing opened; the server's own stay open."""
        self._post.close()

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
        wait = wait_s(self._failures, stopped, self._jitter())
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
        waiting = _pieces([_BYTES_PER_VALUE * values_of(item) for item in items], self._post.limit)
        while waiting and progress.stopped is None:
            start, end = waiting.pop()
            lines = encode(items[start:end])
            answer = self._post.post_whole(lines, level) if end - start == 1 else self._post.post(lines, level)
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
