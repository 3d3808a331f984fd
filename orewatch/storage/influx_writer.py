"""Writes the journal's blocks into InfluxDB, and loses none of them to a bad day of the server.

    network, 401, 404, 429, 5xx ...  retry, without end, ever longer apart
    413                              halve the batch
    400, 422                         bisect the batch, dead-letter the block that stays refused

influxdb-client sends our raw bytes, synchronously, to ``/api/v2/write``; servers before 1.8 have
only ``/write``. Nothing is buffered here: what is not written stays in the journal.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
import urllib3
from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException
from isal import igzip

from orewatch.storage.influx import UNREACHABLE, Answer, retry_after_s, shortened
from orewatch.storage.line_protocol import LineEncoder, encode_rollups
from orewatch.storage.projection import RejectedBy, Rejection, WriteOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.projection import DecodedBlock, RollupRows

_LOG: Final = logging.getLogger(__name__)

_V2_SINCE: Final = (1, 8)
_REFUSED: Final = frozenset({400, 422})
_TOO_LARGE: Final = 413
_NOT_FOUND: Final = 404
_GZIP_LEVEL: Final = 1
_MAX_BODY_BYTES: Final = 8 * 2**20
_SMALLEST_LIMIT: Final = 2**16
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
        max_body_bytes: int = _MAX_BODY_BYTES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._server = server
        self._name = name
        self._limit = max_body_bytes
        self._jitter = jitter
        self._encoder = LineEncoder()
        self._failures = 0
        self._send: Callable[[bytes], Answer] | None = None
        self._client: Any = None

    @property
    def name(self) -> str:
        """The name under which the journal keeps this projection's position."""
        return self._name

    def close(self) -> None:
        """Close the connections that writing opened; the server's own stay open."""
        if self._client is not None:
            self._client.close()
            self._client = self._send = None

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
        waiting = _pieces([_BYTES_PER_VALUE * values_of(item) for item in items], self._limit)
        while waiting and progress.stopped is None:
            start, end = waiting.pop()
            lines = encode(items[start:end])
            answer = self._post_whole(lines) if end - start == 1 else self._post(lines)
            if answer.status in _REFUSED or answer.status == _TOO_LARGE:
                if end - start > 1:
                    middle = (start + end) // 2
                    waiting += [(middle, end), (start, middle)]
                    continue
                progress.rejected.append((start, _reason(answer), answer.detail))
            elif not _is_success(answer):
                progress.stopped = answer
                break
            progress.written = end
        return progress

    def _post_whole(self, lines: bytes) -> Answer:
        """Send one block, in as many pieces as the server wants; the first lasting refusal is the answer."""
        waiting = [lines]
        refusal: Answer | None = None
        while waiting:
            piece = waiting.pop()
            answer = self._post(piece)
            middle = piece.rfind(b"\n", 0, len(piece) // 2) + 1 or piece.find(b"\n") + 1
            if answer.status == _TOO_LARGE and 0 < middle < len(piece):
                waiting += [piece[middle:], piece[:middle]]
            elif answer.status in _REFUSED or answer.status == _TOO_LARGE:
                refusal = refusal or answer
            elif not _is_success(answer):
                return answer
        return refusal or Answer(204)

    def _post(self, lines: bytes) -> Answer:
        if not lines:
            return Answer(204)
        if len(lines) > self._limit and lines.find(b"\n") + 1 < len(lines):
            return Answer(_TOO_LARGE, f"{len(lines)} bytes; at most {self._limit} at a time")
        try:
            if self._send is None:
                self._send = self._choose()
            answer = self._send(igzip.compress(lines, _GZIP_LEVEL))
        except (httpx.HTTPError, urllib3.exceptions.HTTPError) as error:
            # Another version may stand there when it comes back.
            self.close()
            return Answer(UNREACHABLE, f"{type(error).__name__}: {shortened(str(error))}")
        if answer.status == _TOO_LARGE:
            self._limit = max(_SMALLEST_LIMIT, len(lines) // 2)
        return answer

    def _choose(self) -> Callable[[bytes], Answer]:
        version = self._server.version()
        if version is not None and version < _V2_SINCE:
            _LOG.info("%s: InfluxDB %d.%d, written by /write", self._name, *version)
            return self._send_v1
        target = self._server.target
        self._client = InfluxDBClient(
            url=target.url,
            org=target.org,
            timeout=int(target.timeout_s * 1000),
            retries=False,
            # 1.8 takes "name:password" where later versions take a token.
            token=target.token or f"{target.username or ''}:{target.password or ''}",
        )
        _LOG.info("%s: written by /api/v2/write", self._name)
        return self._send_v2

    def _send_v1(self, body: bytes) -> Answer:
        target = self._server.target
        params = {"db": target.database, "precision": "ms"}
        if target.retention_policy:
            params["rp"] = target.retention_policy
        headers = {"Content-Encoding": "gzip"}
        answer = self._server.http.post("/write", params=params, content=body, headers=headers)
        if answer.status_code == _NOT_FOUND:
            self._server.create_database()
            answer = self._server.http.post("/write", params=params, content=body, headers=headers)
        return Answer(answer.status_code, shortened(answer.text), retry_after_s(answer.headers.get("Retry-After")))

    def _send_v2(self, body: bytes) -> Answer:
        target = self._server.target
        bucket = f"{target.database}/{target.retention_policy}" if target.retention_policy else target.database
        try:
            WriteService(self._client.api_client).post_write(
                target.org,
                bucket,
                body,
                precision="ms",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            detail = shortened(str(error.body or error.reason))
            return Answer(error.status or UNREACHABLE, detail, retry_after_s((error.headers or {}).get("Retry-After")))
        return Answer(204)


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


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's range of success


def _reason(answer: Answer) -> RejectedBy:
    if answer.status == _TOO_LARGE:
        return RejectedBy.TOO_LARGE
    for words, reason in _REASONS:
        if words in answer.detail:
            return reason
    return RejectedBy.MALFORMED
