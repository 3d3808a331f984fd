"""The collector's vital signs: what it writes down every few seconds, so that others can tell how it is.

The collector has no HTTP server. It writes one record into the journal's file; the api reads it there, shows it in
``/metrics`` and ``/readyz``, and raises alerts by it. A record that grows old is a sign, too.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from orewatch.storage.durations import Histogram  # noqa: TC001 - pydantic reads the annotations

SILENT_S: Final = 120.0
"""A collector that has written nothing for so long is silent."""


class _Sign(BaseModel):
    # A later collector may tell more than this reader knows.
    model_config = ConfigDict(frozen=True, extra="ignore")


class ProjectionSigns(_Sign):
    """One store's: how far it is, and why it waits.

    ``oldest_ms``: when the oldest block that waits was received; ``lag_s``: how long ago that is.
    ``waiting_since_ms``: since when the store takes nothing, None while it does; ``why``: its last words.
    ``last_success_ms``: when it last took something or had nothing to take, None before the first time.
    """

    name: str
    position: int
    lag_blocks: int
    lag_s: float
    oldest_ms: int | None = None
    waiting_since_ms: int | None = None
    why: str = ""
    last_success_ms: int | None = None
    windows_dirty: int = 0

    @property
    def store(self) -> str:
        """What people call it: the embedded store made anew is still the embedded store."""
        return self.name.partition("-")[0]


class CertificateSigns(_Sign):
    """A certificate's end. ``name``: the setting that names its file."""

    name: str
    not_after_ms: int


class Vitals(_Sign):
    """Everything, as of ``at_ms`` (ms UTC, the collector's clock).

    ``broker_since_ms``: since when the link to the broker is as it is. ``disk_hours_left``: until the disk is full
    at the rate of the last hours, None where it is not growing or not known yet. Rates are of the last half minute.
    """

    at_ms: int
    started_ms: int
    broker_connected: bool
    broker_since_ms: int
    queue_bytes: int
    queue_bound_bytes: int
    held_blocks: int = 0
    blocks_s: float | None = None
    values_s: float | None = None
    commits: Histogram
    journal_bytes: int
    journal_position: int
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_hours_left: float | None = None
    letters: dict[str, int] = {}
    rejected: int = 0
    projections: tuple[ProjectionSigns, ...] = ()
    certificates: tuple[CertificateSigns, ...] = ()
    health_points_dropped: int = 0
