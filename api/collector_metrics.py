"""The collector's figures, out of the registry: its vital signs, its counters, and the spools of the units."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from api.exposition import Family, Sample, gauge, histogram, labelled
from orewatch.storage.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from api.health.signs import Signs
    from orewatch.storage.registry import CounterKey, Registry, SpoolState
    from orewatch.storage.vitals import Vitals

log = logging.getLogger(__name__)

# What is counted, by the collector's name for it; any other name it counts is shown, too.
_TEXTS: Final = {
    "blocks_received": "blocks that came",
    "blocks": "blocks by what became of them: stored, duplicate, conflict",
    "values_stored": "values in stored blocks",
    "bytes_stored": "bytes of stored blocks",
    "rejected": "messages that were not accepted, by reason",
    "dead_letters": "what was kept because it could not be accepted, by reason",
    "not_projected": "blocks that a store will never take, by reason",
    "projection_retries": "writes that a store did not take and that are tried again, by store",
    "queue_full": "what was dropped because the journal took nothing; units send it again",
    "journal_failures": "commits that the disk did not take, by reason",
    "link_lost": "times that the link to the broker was lost",
    "faults": "errors of the collector's own, by place",
}
_NAMES: Final = {"bytes_stored": "stored_bytes"}


def collector_families(signs: Signs, registry: Registry | None) -> Iterator[Family]:
    """Yield what is known of the collector; nothing where there is no registry."""
    if signs.collector is not None:
        yield gauge(
            "orewatch_collector_record_age_seconds",
            "how long ago the collector's vital signs last changed",
            signs.collector_age_s,
        )
        yield from _vitals(signs.collector)
    if registry is None:
        return
    try:
        counters, spools = registry.counters(), registry.spools()
    except DatabaseError as error:
        log.warning("the collector's counters cannot be read: %s", error)
        return
    yield from _counters(counters)
    yield from _spools(spools)


def _vitals(vitals: Vitals) -> Iterator[Family]:
    yield gauge("orewatch_collector_start_time_seconds", "when it started, Unix time", vitals.started_ms / 1000)
    yield gauge("orewatch_collector_broker_connected", "1 while its broker link stands", vitals.broker_connected)
    yield gauge("orewatch_collector_queue_bytes", "what waits for the journal", vitals.queue_bytes)
    yield gauge("orewatch_collector_queue_bound_bytes", "the most that may wait", vitals.queue_bound_bytes)
    yield gauge("orewatch_collector_held_blocks", "blocks held until their schema is known", vitals.held_blocks)
    yield gauge("orewatch_collector_journal_bytes", "the journal's file", vitals.journal_bytes)
    yield gauge("orewatch_collector_journal_position", "position of the newest block", vitals.journal_position)
    yield histogram("orewatch_collector_commit_seconds", "what a commit to the journal took", vitals.commits)
    letters: dict[str, float | None] = dict(vitals.letters)
    yield labelled("orewatch_collector_letters", "gauge", "dead letters kept, by verdict", "verdict", letters)
    stores = {p.name: p for p in vitals.projections}
    for name, text, of in (
        ("lag_blocks", "blocks that wait for a store", lambda p: p.lag_blocks),
        ("lag_seconds", "how long ago the oldest block that waits was received", lambda p: p.lag_s),
        ("up", "1 while a store takes what it is given", lambda p: p.waiting_since_ms is None),
        ("position", "position up to which blocks are written", lambda p: p.position),
        ("dirty_windows", "windows to be rolled up again", lambda p: p.windows_dirty),
        (
            "last_success_timestamp_seconds",
            "when it last took something, or had nothing to take; Unix time",
            lambda p: None if p.last_success_ms is None else p.last_success_ms / 1000,
        ),
    ):
        values = {store: of(signs) for store, signs in stores.items()}
        yield labelled(f"orewatch_projection_{name}", "gauge", text, "store", values)
    yield labelled(
        "orewatch_certificate_not_after_timestamp_seconds",
        "gauge",
        "when a certificate of the collector ends, Unix time",
        "name",
        {c.name: c.not_after_ms / 1000 for c in vitals.certificates},
    )


def _counters(counters: Mapping[CounterKey, int]) -> Iterator[Family]:
    families: dict[str, list[Sample]] = {}
    for key, total in sorted(counters.items()):
        families.setdefault(key.name, []).append(Sample({"unit": key.unit, "reason": key.reason}, total))
    for name, samples in families.items():
        text = _TEXTS.get(name, "counted by the collector")
        yield Family(f"orewatch_collector_{_NAMES.get(name, name)}_total", "counter", text, samples)


def _spools(spools: list[SpoolState]) -> Iterator[Family]:
    yield labelled(
        "orewatch_unit_spool_blocks", "gauge", "blocks that wait at the unit", "unit", {s.node: s.depth for s in spools}
    )
    yield labelled(
        "orewatch_unit_spool_dropped_scans_total",
        "counter",
        "scans that the unit's spool dropped since it was made",
        "unit",
        {s.node: s.dropped for s in spools},
    )
    yield labelled(
        "orewatch_unit_last_seen_timestamp_seconds",
        "gauge",
        "when the collector last heard the unit, Unix time",
        "unit",
        {s.node: s.last_seen_ms / 1000 for s in spools},
    )
