"""What went wrong since it was last told, by who counted it and why: one line for the log, not one per event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_MS: Final = 10_000
"""The first trouble is told so soon; what goes on is told every :data:`AGAIN_MS`."""
AGAIN_MS: Final = 600_000
_WELL: Final = frozenset({"scans", "blocks_sent", "acknowledged_blocks", "resend_blocks"})
"""Counted, and no trouble."""


class Troubles:
    """Remembers what was told. Times are milliseconds of a clock that is never set."""

    def __init__(self, *, at_ms: int) -> None:
        self._told: dict[tuple[str, str], int] = {}
        self._next_ms = at_ms + FIRST_MS

    def line(self, counters: Mapping[str, Mapping[str, int]], at_ms: int, *, last: bool = False) -> str:
        """Return what to tell now, "" for nothing; ``last``: whatever was not told yet."""
        if at_ms < self._next_ms and not last:
            return ""
        new: list[str] = []
        for who, counts in counters.items():
            for why, count in counts.items():
                more = count - self._told.get((who, why), 0)
                if more and why not in _WELL:
                    new.append(f"{who} {why} {more} ({count} in all)")
                    self._told[who, why] = count
        self._next_ms = at_ms + (AGAIN_MS if new else FIRST_MS)
        return ", ".join(new)
