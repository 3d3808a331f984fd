"""From the journal into a store: each projection at its own pace, retried without end, repeatable from any point.

::

    journal --blocks behind my position--> decode --> Projection.write --> position, dirty windows (one transaction)
    dirty windows --> every block that touches them --> roll up --> Projection.write_rollups --> clean
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collector.owed_windows import OwedWindows
from collector.projection_signs import Fare, signs_of
from collector.refusals import refused_block, refused_windows, unreadable
from orewatch.storage.progress import DirtyWindow, Progress
from orewatch.storage.projection import RejectedBy
from orewatch.storage.pruned import contested, pruned_until
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.rollup_tables import EmbeddedProjection
from orewatch.storage.rollups import roll_up, touched
from orewatch.storage.sqlite import BlockReader, runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.counters import Counters
    from orewatch.storage.dead_letters import DeadLetter
    from orewatch.storage.journal import Journal, StoredBlock
    from orewatch.storage.projection import DecodedBlock, Projection, RollupRows, WriteOutcome
    from orewatch.storage.vitals import ProjectionSigns

log = logging.getLogger(__name__)

BATCH_BLOCKS: Final = 256
LONGEST_RUN: Final = {MINUTE_MS: 240, HOUR_MS: 12}


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: blocks moved on, and how long to wait before the next (0: more is there already)."""

    moved: int
    wait_s: float


IDLE_S: Final = 0.5


class Projector:
    """Drives one projection. Its methods block and belong to one thread."""

    def __init__(
        self, *, journal: Journal, projection: Projection, counters: Counters, batch: int = BATCH_BLOCKS
    ) -> None:
        self._journal = journal
        self._projection = projection
        self._counters = counters
        self._batch = batch
        self._progress = Progress(database=journal.database, projection=projection.name)
        self._reader = BlockReader(journal=journal)
        self._owed = OwedWindows(self._progress.dirty())
        self.fare = Fare()

    @property
    def name(self) -> str:
        """The projection's name."""
        return self._projection.name

    def restart(self, position: int) -> None:
        """Begin again behind ``position``."""
        self._progress.restart(position)

    def signs(self, now_ms: int) -> ProjectionSigns:
        """Return how the projection fares; any thread may ask. :class:`JournalError`."""
        return signs_of(
            self.name,
            self.fare,
            position=self._progress.position(),
            windows_dirty=len(self._owed),
            journal=self._journal,
            now_ms=now_ms,
        )

    def step(self, now_ms: int) -> Step:
        """Move a batch on, and roll up what is due. :class:`JournalError` where the journal cannot be read."""
        before = self._progress.position()
        stored = self._journal.blocks(before, self._batch)
        moved, wait_s = self._write(before, stored, now_ms) if stored else (0, 0.0)
        if not wait_s:
            wait_s = self._roll(now_ms, everything=False)
        if not wait_s:
            self.fare.well(now_ms)
        more = len(stored) == self._batch
        return Step(moved, wait_s or (0.0 if more else IDLE_S))

    def drain(self, now_ms: int) -> bool:
        """Move on until nothing is left and everything is rolled up; False when the store asks to wait."""
        while True:
            step = self.step(now_ms)
            if not step.moved:
                break
        behind = self._journal.blocks(self._progress.position(), 1)
        return not behind and not self._roll(now_ms, everything=True)

    def _write(self, before: int, stored: Sequence[StoredBlock], now_ms: int) -> tuple[int, float]:
        decoded: list[DecodedBlock] = []
        ends: list[int] = []
        letters: list[DeadLetter] = []
        for block in stored:
            found = self._reader.decode(block)
            if found is None:
                letters.append(unreadable(block, now_ms))
                continue
            decoded.append(found)
            ends.append(block.position)
        outcome = self._projection.write(decoded) if decoded else None
        written = outcome.written if outcome else 0
        position = stored[-1].position if written == len(decoded) else (ends[written - 1] if written else 0)
        if outcome and outcome.rejected:
            letters += [
                refused_block(r, self.name, now_ms) for r in outcome.rejected if r.reason is not RejectedBy.RETENTION
            ]
            for old in (r for r in outcome.rejected if r.reason is RejectedBy.RETENTION):
                # Older than people want it kept there. Its rollups are kept for longer, and go in.
                self._counters.add(old.header.unit, "not_projected", f"{self.name}:{old.reason.value}")
        if letters:
            self._journal.commit([], letters)
            for letter in letters:
                self._counters.add(letter.unit, "not_projected", letter.reason)
        dirty = _touched(decoded[:written])
        if position and self._progress.advance(before, position, dirty):
            self._owed.add(dirty, now_ms)
        return written + len(stored) - len(decoded), self._waits(outcome, now_ms)

    def _waits(self, outcome: WriteOutcome | None, now_ms: int) -> float:
        if outcome is None or not outcome.retry:
            return 0.0
        self._counters.add("", "projection_retries", self.name)
        if outcome.written:
            self.fare.well(now_ms)
        self.fare.waits(outcome.detail, now_ms)
        log.warning("%s: waiting %.1f s: %s", self.name, outcome.wait_s, outcome.detail)
        return max(outcome.wait_s, 0.1)

    def _roll(self, now_ms: int, *, everything: bool) -> float:
        """Roll up dirty windows that are due; seconds to wait where the store asks for it."""
        # Minutes first, and written: hours may be made of them.
        for step_ms, due in self._owed.due(now_ms, everything=everything).items():
            wait_s = self._roll_level(due, step_ms, now_ms)
            if wait_s:
                return wait_s
        return 0.0

    def _roll_level(self, due: Mapping[str, Sequence[int]], step_ms: int, now_ms: int) -> float:
        rows: list[RollupRows] = []
        done: list[DirtyWindow] = []
        for unit, starts in due.items():
            for run in _runs(sorted(starts), step_ms):
                rows += self._rows(unit, step_ms, run)
                done += [DirtyWindow(unit, step_ms, start) for start in run]
                if len(done) >= self._batch:
                    wait_s = self._put(rows, done, now_ms)
                    if wait_s:
                        return wait_s
                    rows, done = [], []
        return self._put(rows, done, now_ms) if done else 0.0

    def _rows(self, unit: str, step_ms: int, starts: Sequence[int]) -> list[RollupRows]:
        database = self._journal.database
        lost = contested(database, unit, starts, step_ms)
        if lost:
            # Computing a window from what retention has left would replace the truth by a part of it.
            self._counters.add(unit, "rollups_past_retention", "kept_as_it_was", len(lost))
        whole = [start for start in starts if start not in lost]
        # Very late, and the first that is heard of this time: nothing was deleted that would be missing.
        until_ms = pruned_until(database, unit)
        late = sum(start < until_ms for start in whole)
        if late:
            self._counters.add(unit, "rollups_past_retention", "made_of_late_data", late)
        rows: list[RollupRows] = []
        if whole and step_ms == HOUR_MS and isinstance(self._projection, EmbeddedProjection):
            rows, left = self._projection.hours(unit, whole)
            whole = sorted(left)
        for first, end in runs(whole, step_ms):
            blocks = self._reader.span(unit, first, end)
            rows += roll_up(blocks, [s for s in whole if first <= s < end], step_ms)
        return rows

    def _put(self, rows: Sequence[RollupRows], done: Sequence[DirtyWindow], now_ms: int) -> float:
        outcome = self._projection.write_rollups(rows) if rows else None
        wait_s = self._waits(outcome, now_ms)
        if outcome and outcome.refused:
            self._journal.commit([], refused_windows(outcome.refused, self.name, now_ms, self._counters))
        if not wait_s:
            self._progress.clean(done)
            self._owed.settle(done)
        return wait_s


def _touched(blocks: Sequence[DecodedBlock]) -> set[DirtyWindow]:
    return {
        DirtyWindow(block.header.unit, step_ms, start)
        for block in blocks
        for step_ms in (MINUTE_MS, HOUR_MS)
        for start in touched(block, step_ms)
    }


def _runs(starts: Sequence[int], step_ms: int) -> list[Sequence[int]]:
    """Cut windows into neighbouring runs, none longer than memory likes."""
    longest = LONGEST_RUN[step_ms]
    cut: list[Sequence[int]] = []
    for first, end in runs(starts, step_ms):
        run = range(first, end, step_ms)
        cut += [run[at : at + longest] for at in range(0, len(run), longest)]
    return cut
