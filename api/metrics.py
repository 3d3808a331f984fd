"""The service's figures as Prometheus text, and those the collector left in the registry."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from api.collector_metrics import collector_families
from api.exposition import Family, counter, exposition, gauge, histogram, labelled
from api.mirror.metrics import mirror_families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.health.signs import Signs
    from api.service import Service


async def metrics_text(service: Service) -> str:
    """Return everything, in the text exposition format 0.0.4."""
    signs = service.health.signs()
    own = exposition(
        [
            *_work(service),
            *_alerts(service, signs),
            *_viewers(service),
            *_health(service, signs),
            *([] if service.mirror is None else mirror_families(service.mirror, service.now_ms())),
        ]
    )
    # Thousands of lines where there are thousands of units: the tick must not wait for them.
    return own + await asyncio.to_thread(lambda: exposition(collector_families(signs, service.registry)))


def _work(service: Service) -> Iterator[Family]:
    now_ms, watch = service.now_ms(), service.watch
    states = Counter(facts.state.value for facts in service.judge.facts)
    yield gauge("orewatch_api_up_seconds", "seconds since start", (now_ms - service.started_ms) / 1000)
    yield labelled("orewatch_units", "gauge", "units by state", "state", dict(states))
    yield gauge("orewatch_broker_connected", "1 while the broker link stands", service.link.connected)
    events: dict[str, float | None] = {**service.follower.counts, **watch.counts}
    yield labelled("orewatch_api_events_total", "counter", "what came in", "what", events)
    yield gauge("orewatch_tick_seconds", "what the last tick took", watch.tick_ms / 1000)
    yield histogram("orewatch_tick_duration_seconds", "what ticks took", watch.ticks.histogram())
    yield gauge(
        "orewatch_judged_behind_seconds", "age of the last judged second", max(0, now_ms - watch.judged_ms) / 1000
    )
    yield histogram(
        "orewatch_memory_save_seconds", "what keeping the judge's memory took", service.health.saves.histogram()
    )
    failed: dict[str, float | None] = dict(service.tasks.failures)
    yield labelled(
        "orewatch_task_failures_total", "counter", "errors at a task's edge, which then began anew", "task", failed
    )


def _alerts(service: Service, signs: Signs) -> Iterator[Family]:
    kinds = Counter(record.kind.value for record in service.book.standing())
    raised: dict[str, float | None] = dict(service.engine.raised)
    letters: dict[str, float | None] = dict(service.outbox.counts())
    yield labelled("orewatch_alerts_standing", "gauge", "standing alerts by kind", "kind", dict(kinds))
    yield labelled("orewatch_alerts_raised_total", "counter", "alerts raised since start", "kind", raised)
    yield gauge("orewatch_alerts_unwritten", "alerts the disk did not take", service.engine.unwritten)
    yield labelled("orewatch_outbox_letters", "gauge", "letters by state", "state", letters)
    yield gauge("orewatch_outbox_oldest_seconds", "how long the oldest letter has waited", signs.outbox.oldest_s)
    yield counter("orewatch_outbox_failures_total", "attempts that failed", service.sender.failures)


def _viewers(service: Service) -> Iterator[Family]:
    stream = service.stream
    dropped: dict[str, float | None] = {
        "slow": stream.frames_dropped,
        "given_up": stream.given_up,
        "refused": stream.refused,
    }
    yield gauge("orewatch_viewers", "open live streams", len(stream))
    yield counter("orewatch_stream_frames_total", "frames given to viewers", stream.frames_given)
    yield labelled(
        "orewatch_viewers_dropped_total", "counter", "frames and viewers dropped, by reason", "reason", dropped
    )


def _health(service: Service, signs: Signs) -> Iterator[Family]:
    told = service.health.readiness(full=False)
    yield gauge("orewatch_ready", "1 while /readyz answers 200", told["status"] == "ready")
    checks = {name: check["ok"] for name, check in told["checks"].items()}
    yield labelled("orewatch_check_ok", "gauge", "1 where a part of /readyz is well", "check", checks)
    yield gauge("orewatch_store_up", "1 while history can be asked for", signs.store.up)
    vitals, room = signs.collector, signs.disk
    rooms = {
        "service": (None, None, None) if room is None else (room.free, room.total, room.hours_left),
        "collector": (None, None, None)
        if vitals is None
        else (vitals.disk_free_bytes, vitals.disk_total_bytes, vitals.disk_hours_left),
    }
    free, total, hours = ({name: found[i] for name, found in rooms.items()} for i in range(3))
    yield labelled("orewatch_disk_free_bytes", "gauge", "room on the disk of a process's files", "of", free)
    yield labelled("orewatch_disk_total_bytes", "gauge", "size of that disk", "of", total)
    yield labelled(
        "orewatch_disk_full_seconds",
        "gauge",
        "until it is full at the rate of the last hours; left out while it does not fill",
        "of",
        {name: None if left is None else left * 3600 for name, left in hours.items()},
    )
    yield labelled(
        "orewatch_health_points_dropped_total",
        "counter",
        "points of own health that InfluxDB did not take",
        "process",
        {"api": service.health.points.dropped, "collector": None if vitals is None else vitals.health_points_dropped},
    )
    yield gauge(
        "orewatch_clock_behind_seconds",
        "by how much this machine's clock is behind those of most units",
        signs.clock.units_ahead_s,
    )
