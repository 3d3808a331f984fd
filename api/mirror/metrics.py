"""What ``/metrics`` says of the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.exposition import Family, counter, gauge, labelled
from orewatch.storage.query import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.mirror.mirror import Mirror


def mirror_families(mirror: Mirror, now_ms: int) -> Iterator[Family]:
    """Yield the mirror's families of samples."""
    told = (
        ("orewatch_mirror_points_total", "points written into the store, by level", "level", mirror.written),
        (
            "orewatch_mirror_refused_total",
            "points that the store refused for good, by reason",
            "reason",
            mirror.refused,
        ),
        (
            "orewatch_mirror_passed_over_total",
            "what was owed and never will be written, by reason",
            "reason",
            mirror.passed_over,
        ),
    )
    for name, text, label, values in told:
        yield labelled(name, "counter", text, label, dict(values))
    yield labelled(
        "orewatch_mirror_owed",
        "gauge",
        "hours and alerts that are to be written: due, and hours of which more is to come",
        "what",
        {"due": mirror.owed, "incomplete": mirror.waiting},
    )
    yield counter("orewatch_mirror_failures_total", "rounds that its own files ended", mirror.failures)
    behind = None if mirror.minute_ms is None else max(0, now_ms - mirror.minute_ms - MINUTE_MS) / 1000
    yield gauge("orewatch_mirror_behind_seconds", "age of the last minute written as it passed", behind)
