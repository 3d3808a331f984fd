"""Writes the journal's blocks into InfluxDB, and loses none of them to a bad day of the server.

    network, 401, 404, 429, 5xx ...  retry, without end, ever longer apart
    413                              halve the batch
    400, 422                         bisect the batch, dead-letter the block that stays refused

:mod:`orewatch.storage.influx_post` sends. Nothing is buffered here: what is not written stays in the journal.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from orewatch.storage.influx_post import MAX_BODY_BYTES, REFUSED, TOO_LARGE, InfluxPost, is_success
from orewatch.storage.line_protocol import LineEncoder, encode_rollups
from orewatch.storage.projection import RejectedBy, Rejection, WriteOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import Answer, InfluxServer
    from orewatch.storage.projection import DecodedBlock, RollupRows

_LOG: Final = logging.getLogger(__name__)

# As wide lines of five signals have it; only a guess of how many blocks make a body.
_BYTES_PER_VALUE: Final = 40
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_REASONS: Final = (
    ("field type conflict", RejectedBy.FIELD_TYPE),
    ("retention policy", RejectedBy.RETENTION),
    ("too large", RejectedBy.TOO_LARGE),
)

_Item = TypeVar("_Item")


@dataclass(slots=True)
class _Progress:
    """How far a batch has come; ``stopped`` is the answer that stopped it."""

    written: int = 0
    rejected: list[tuple[int, RejectedBy, str]] = field(default_factory=list)
    stopped: Answer | None = None


class InfluxWriter:
    """The InfluxDB projection. One thread at a time."""

    def __init__(
        self,
        *,
        server: InfluxServer,
        name: str = "influxdb",
        max_body_bytes: int = MAX_BODY_BYTES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._post = InfluxPost(server=server, name=name, max_body_bytes=max_body_bytes)
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
        progress = self._write(blocks, self._encoder.encode, lambda block: block.header.values)
        rejected = tuple(Rejection(blocks[i].header, reason, detail) for i, reason, detail in progress.rejected)
        return self._outcome(progress, rejected)

    def write_rollups(self, rows: Sequence[RollupRows]) -> WriteOutcome:
        """Write rolled-up windows; those the server refuses for good are logged, and can be computed again."""
        progress = self._write(rows, encode_rollups, lambda part: 4 * part.count.size)
        for i, reason, detail in progress.rejected:
            _LOG.warning(
                "%s refuses rollups of %s.%s: %s: %s", self._name, rows[i].unit, rows[i].machine, reason, detail
            )
        return self._outcome(progress, ())

    def _outcome(self, progress: _Progress, rejected: tuple[Rejection, ...]) -> WriteOutcome:
        if progress.stopped is None:
            self._failures = 0
            return WriteOutcome(written=progress.written, rejected=rejected)
        # The exponent stops growing long after the wait does: 2 ** failures must stay a number.
        wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._failures, 16))
        wait = max(progress.stopped.retry_after_s, wait * (0.5 + 0.5 * self._jitter()))
        self._failures += 1
        detail = f"{progress.stopped.status or 'unreachable'}: {progress.stopped.detail}"
        return WriteOutcome(written=progress.written, retry=True, wait_s=wait, rejected=rejected, detail=detail)

    def _write(
        self,
        items: Sequence[_Item],
        encode: Callable[[Sequence[_Item]], bytes],
        values_of: Callable[[_Item], int],
    ) -> _Progress:
        progress = _Progress()
        # Cut beforehand: lines that turn out too many would have to be made again.
        waiting = _pieces([_BYTES_PER_VALUE * values_of(item) for item in items], self._post.limit)
        while waiting and progress.stopped is None:
            start, end = waiting.pop()
            lines = encode(items[start:end])
            answer = self._post.post_whole(lines) if end - start == 1 else self._post.post(lines)
            if answer.status in REFUSED or answer.status == TOO_LARGE:
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(middle, end), (start, middle)]
                    continue
                progress.rejected.append((start, _reason(answer), answer.detail))
            elif not is_success(answer):
                progress.stopped = answer
                break
            progress.written = end
        return progress


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


def _reason(answer: Answer) -> RejectedBy:
    if answer.status == TOO_LARGE:
        return RejectedBy.TOO_LARGE
    for words, reason in _REASONS:
        if words in answer.detail:
            return reason
    return RejectedBy.MALFORMED
