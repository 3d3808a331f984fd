"""Writes a span of one unit into a store again, out of the journal: raw scans and rollups, also beside a collector.

::

    span --> every block that touches it, and what overlaps those --> Projection.write, in the journal's order
         --> its minutes and hours, each from every block that touches it --> Projection.write_rollups
         --> have blocks come in meanwhile? then once more: ours may have been written over theirs

Writing again changes nothing that was right. The projection's position stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from collector.refusals import refused_block, refused_windows
from orewatch.storage.dead_letters import drop_letters
from orewatch.storage.projection import RejectedBy
from orewatch.storage.pruned import contested
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.rollups import roll_up, touched
from orewatch.storage.sqlite import BlockReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.counters import Counters
    from orewatch.storage.dead_letters import DeadLetter
    from orewatch.storage.journal import Journal
    from orewatch.storage.projection import DecodedBlock, Projection, RollupRows, WriteOutcome

CHUNK_MS: Final = 6 * HOUR_MS
BATCH_BLOCKS: Final = 256
# Blocks that overlap blocks that overlap ...: an ordinary unit's end after one round.
_WIDENINGS: Final = 16


@dataclass(slots=True)
class Written:
    """What a span came to: blocks and windows written, and those the store refused, by reason."""

    blocks: int = 0
    windows: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str, count: int = 1) -> None:
        """Count refusals."""
        self.refused[reason] = self.refused.get(reason, 0) + count


class SpanProjector:
    """Writes spans into one store. ``raw``: the store keeps scans of its own (the embedded one has the journal's).

    ``wait``: is called with seconds and the reason where the store asks to wait.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        projection: Projection,
        counters: Counters,
        wait: Callable[[float, str], None],
        now_ms: Callable[[], int],
        raw: bool = True,
    ) -> None:
        self._journal = journal
        self._projection = projection
        self._counters = counters
        self._wait = wait
        self._now_ms = now_ms
        self._raw = raw
        self._reader = BlockReader(journal=journal)

    def project(
        self, unit: str, start_ms: int, end_ms: int, *, told: Callable[[int, Written], None] = lambda *_: None
    ) -> Written:
        """Write ``[start_ms, end_ms)`` of a unit again; ``told`` hears after each few hours up to when it is done.

        Windows of which retention has pruned scans are left alone: computed from a part they would be wrong.
        """
        written = Written()
        # Of years in which there is nothing not every few hours need be looked for.
        there = _reach(self._journal, unit) or (start_ms, start_ms)
        start_ms, end_ms = max(start_ms, there[0]), min(end_ms, there[1])
        for at in range(start_ms // HOUR_MS * HOUR_MS, end_ms, CHUNK_MS):
            first, end = max(at, start_ms), min(at + CHUNK_MS, end_ms)
            if self._journal.span_positions(unit, first, end):
                self._chunk(unit, first, end, written)
            told(end, written)
        return written

    def _chunk(self, unit: str, start_ms: int, end_ms: int, written: Written) -> None:
        while True:
            wide_start, wide_end = self._widened(unit, start_ms, end_ms)
            first_hour, last_hour = wide_start // HOUR_MS * HOUR_MS, -(-wide_end // HOUR_MS) * HOUR_MS
            before = self._journal.span_positions(unit, first_hour, last_hour)
            once = Written()
            letters: list[DeadLetter] = []
            blocks = self._reader.span(unit, wide_start, wide_end)
            if self._raw:
                letters += self._blocks(blocks, once)
            letters += self._windows(unit, blocks, once)
            self._settle_letters(unit, blocks, letters)
            if self._journal.span_positions(unit, first_hour, last_hour) == before:
                break
        written.blocks += len(blocks)
        written.windows += once.windows
        for reason, count in once.refused.items():
            written.refuse(reason, count)

    def _widened(self, unit: str, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the span of every block that touches ours: of two values at one time the later block's must win."""
        for _ in range(_WIDENINGS):
            headers = [stored.header for stored in self._journal.span(unit, start_ms, end_ms)]
            if not headers:
                break
            wide = min(h.first_ms for h in headers), max(h.last_ms for h in headers) + 1
            if wide[0] >= start_ms and wide[1] <= end_ms:
                break
            start_ms, end_ms = min(wide[0], start_ms), max(wide[1], end_ms)
        return start_ms, end_ms

    def _blocks(self, blocks: Sequence[DecodedBlock], written: Written) -> list[DeadLetter]:
        letters = []
        waiting = list(blocks)
        while waiting:
            outcome = self._projection.write(waiting[:BATCH_BLOCKS])
            waiting = waiting[outcome.written :]
            for rejection in outcome.rejected:
                written.refuse(rejection.reason.value)
                if rejection.reason is not RejectedBy.RETENTION:
                    letters.append(refused_block(rejection, self._projection.name, self._now_ms()))
            self._wait_for(outcome)
        return letters

    def _windows(self, unit: str, blocks: Sequence[DecodedBlock], written: Written) -> list[DeadLetter]:
        letters: list[DeadLetter] = []
        for step_ms in (MINUTE_MS, HOUR_MS):
            starts = sorted({s for block in blocks for s in touched(block, step_ms)})
            around = self._reader.span(unit, starts[0], starts[-1] + step_ms) if starts else []
            # Only now: a collector beside us may have pruned some of them while they were read.
            lost = contested(self._journal.database, unit, starts, step_ms)
            starts = [s for s in starts if s not in lost]
            if not starts:
                continue
            rows: list[RollupRows] = roll_up(around, starts, step_ms)
            outcome = self._projection.write_rollups(rows)
            while outcome.retry:
                self._wait_for(outcome)
                outcome = self._projection.write_rollups(rows)
            for part in outcome.refused:
                written.refuse(part.reason.value, len(part.rows.time_ms))
            letters += refused_windows(outcome.refused, self._projection.name, self._now_ms(), self._counters)
            written.windows += len(starts)
        return letters

    def _wait_for(self, outcome: WriteOutcome) -> None:
        if outcome.retry:
            self._wait(outcome.wait_s, outcome.detail)

    def _settle_letters(self, unit: str, blocks: Sequence[DecodedBlock], letters: Sequence[DeadLetter]) -> None:
        """Forget this store's letters of blocks that it has taken now; keep those of blocks it still refuses."""
        refused = {letter.data for letter in letters}
        taken = {b.header.spool + b.header.number.to_bytes(8, "little") for b in blocks} - refused
        spans = [(b.header.first_ms // HOUR_MS * HOUR_MS, b.header.last_ms) for b in blocks]
        settled = []
        for letter in self._journal.dead_letters(unit=unit, limit=10_000):
            if not letter.reason.startswith(f"{self._projection.name}:") or letter.data in refused:
                continue
            if letter.data in taken or _within(letter.data, spans):
                settled.append(letter.id)
        if letters:
            self._journal.commit([], letters)
        if settled:
            with self._journal.database.write() as cursor:
                drop_letters(cursor, settled)


def _reach(journal: Journal, unit: str) -> tuple[int, int] | None:
    """Return bounds, ``[start, end)`` in ms, of all that is kept of ``unit``; None where nothing is."""
    rows: list[tuple[Any, ...]] = journal.database.rows(
        "SELECT MIN((SELECT MIN(b.last_ms) FROM blocks b WHERE b.spool = s.id) - s.longest_ms),"
        " MAX((SELECT MAX(b.last_ms) FROM blocks b WHERE b.spool = s.id)) + 1 FROM spools s WHERE s.unit = ?",
        (unit,),
    )
    start_ms, end_ms = rows[0]
    return None if start_ms is None else (start_ms, end_ms)


def _within(where: bytes, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a letter of windows (``machine/class/step/first-last``) lies in what was written now."""
    first, _, last = where.rpartition(b"/")[2].partition(b"-")
    if not (first.isdigit() and last.isdigit()) or not spans:
        return False
    return min(s for s, _ in spans) <= int(first) and int(last) <= max(e for _, e in spans)
