"""The mirror's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.exposition import Family, counter, gauge, labelled
from orewatch.storage.query import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.mirror.mirror import Mirror


def mirror_families(mirror: Mirror, now_ms: int) -> Iterator[Family]:
    """Yield what was written, refused, passed over, and what is owed."""
    yield labelled(
        "orewatch_mirror_points_total", "counter", "points written into the store", "level", dict(mirror.written)
    )
    yield labelled(
        "orewatch_mirror_refused_total", "counter", "points the store refused for good", "reason", dict(mirror.refused)
    )
    passed_over = dict(mirror.passed_over)
    yield labelled("orewatch_mirror_passed_over_total", "counter", "what never will be written", "reason", passed_over)
    owed = {"due": mirror.owed, "incomplete": mirror.waiting}
    yield labelled(
        "orewatch_mirror_owed",
        "gauge",
        "hours and alerts to be written; of incomplete hours more is to come",
        "what",
        owed,
    )
    yield counter("orewatch_mirror_failures_total", "rounds that its own files ended", mirror.failures)
    behind = None if mirror.minute_ms is None else max(0, now_ms - mirror.minute_ms - MINUTE_MS) / 1000
    yield gauge("orewatch_mirror_behind_seconds", "age of the last minute written as it passed", behind)
