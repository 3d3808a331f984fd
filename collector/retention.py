"""Retention in the collector: what is past its level goes, and the space goes back to the disk, a little at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from orewatch.storage.database import DatabaseError
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.retention import WindowPruning, newest_scan, prune_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.counters import Counters
    from orewatch.storage.database import Database
    from orewatch.storage.journal import Journal
    from orewatch.storage.retention import Levels

log = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
# Blocks of an hour that was spooled for weeks come within minutes, or over a bad link within hours: none of them
# goes before the hour has been made of all of them.
RECEIVED_MS: Final = DAY_MS
# Where nothing was found to delete, nothing will be in the next seconds.
REST_MS: Final = 60_000
PAGES_AT_ONCE: Final = 64
# What comes takes the place of what goes. Only what stays free beyond that is worth moving pages for.
SPARE_PAGES: Final = 64
SPARE_SHARE: Final = 0.05


class Retention:
    """One step each time it is called, on the thread that writes the journal."""

    def __init__(
        self,
        *,
        journal: Journal,
        windows: Database,
        projections: Callable[[], Sequence[str]],
        levels: Levels,
        counters: Counters,
    ) -> None:
        self._journal = journal
        self._files = (journal.database, windows)
        self._projections = projections
        self._levels = levels
        self._counters = counters
        self._pruning = WindowPruning(database=windows)
        self._idle_ms = 0
        for file in self._files:
            if not file.gives_back:
                log.warning("%s: made before it could give space back; `orewatch storage compact` lets it", file.path)

    def step(self, now_ms: int) -> None:
        """Delete a little of what is past its level, or give a little of the freed space back."""
        if 0 <= now_ms - self._idle_ms < REST_MS:
            return
        # A clock of ours that is years ahead must not empty the store: what units scanned last tells the time, too.
        busy = False
        try:
            by_ms = min(now_ms, newest_scan(self._journal) + DAY_MS)
            pruned = self._prune_blocks(by_ms) + self._prune_windows(by_ms)
            # Signals without anything to delete must not make the round through all of them last for days.
            busy = bool(pruned) or self._pruning.under_way or any(map(give_back, self._files))
        except DatabaseError as error:
            # What is not deleted today is deleted tomorrow; blocks go on being taken meanwhile.
            log.warning("retention: %s", error)
            self._counters.add("", "retention_failures", "busy" if error.busy else "error")
        self._idle_ms = 0 if busy else now_ms

    def _prune_blocks(self, now_ms: int) -> int:
        pruned = prune_blocks(
            self._journal,
            projections=self._projections(),
            # Whole hours: of none a part.
            scanned_before_ms=(now_ms - self._levels.raw_ms) // HOUR_MS * HOUR_MS,
            received_before_ms=now_ms - min(RECEIVED_MS, self._levels.raw_ms),
        )
        if pruned:
            self._counters.add("", "blocks_pruned", amount=pruned)
        return pruned

    def _prune_windows(self, now_ms: int) -> int:
        pruned = 0
        for step_ms, kept_ms in ((MINUTE_MS, self._levels.minutes_ms), (HOUR_MS, self._levels.hours_ms)):
            gone = self._pruning.step(step_ms, now_ms - kept_ms)
            if gone:
                self._counters.add("", "windows_pruned", "1m" if step_ms == MINUTE_MS else "1h", gone)
            pruned += gone
        return pruned


def give_back(file: Database) -> bool:
    """Give up to a mebibyte of free pages back; False where there are no more than are soon needed again."""
    pages, free = file.pages()
    beyond = free - max(SPARE_PAGES, int(SPARE_SHARE * pages))
    if beyond <= 0 or not file.gives_back:
        return False
    file.give_back(min(beyond, PAGES_AT_ONCE))
    return True
