"""How a projection fares: since when its store takes nothing, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.storage.vitals import ProjectionSigns

if TYPE_CHECKING:
    from orewatch.storage.journal import Journal


class Fare:
    """Written by the projection's thread, read by others."""

    def __init__(self) -> None:
        self.waiting_since_ms: int | None = None
        self.why = ""
        self.last_success_ms: int | None = None

    def well(self, now_ms: int) -> None:
        """The store took what there was."""
        self.waiting_since_ms, self.why, self.last_success_ms = None, "", now_ms

    def waits(self, why: str, now_ms: int) -> None:
        """It took nothing, for the reason it gave."""
        self.why = why
        if self.waiting_since_ms is None:
            self.waiting_since_ms = now_ms


def signs_of(
    name: str, fare: Fare, *, position: int, windows_dirty: int, journal: Journal, now_ms: int
) -> ProjectionSigns:
    """Return a projection's vital signs; :class:`JournalError`."""
    oldest_ms = journal.received_after(position)
    return ProjectionSigns(
        name=name,
        position=position,
        lag_blocks=max(0, journal.newest_position() - position),
        lag_s=0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000,
        oldest_ms=oldest_ms,
        waiting_since_ms=fare.waiting_since_ms,
        why=fare.why,
        last_success_ms=fare.last_success_ms,
        windows_dirty=windows_dirty,
    )
