"""The service's figures as Prometheus text, and those the collector left in the registry."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from orewatch.storage.database import DatabaseError
from orewatch.storage.query import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.mirror.mirror import Mirror
    from api.service import Service

log = logging.getLogger(__name__)

Sample = tuple[dict[str, str], float]


def metrics_text(service: Service) -> str:
    """Return everything, in the text exposition format 0.0.4."""
    return "".join(_family(*family) for family in _families(service))


def _families(service: Service) -> Iterator[tuple[str, str, str, Iterable[Sample]]]:
    now_ms = service.now_ms()
    states = Counter(facts.state.value for facts in service.judge.facts)
    stream, watch = service.stream, service.watch
    kinds = Counter(record.kind.value for record in service.book.standing())
    letters = service.outbox.counts()
    yield "orewatch_api_up_seconds", "gauge", "seconds since start", [({}, (now_ms - service.started_ms) / 1000)]
    yield "orewatch_units", "gauge", "units by state", [({"state": k}, v) for k, v in states.items()]
    yield "orewatch_broker_connected", "gauge", "1 while the broker link stands", [({}, service.link.connected)]
    yield "orewatch_tick_seconds", "gauge", "what the last tick took", [({}, watch.tick_ms / 1000)]
    yield (
        "orewatch_judged_behind_seconds",
        "gauge",
        "age of the last judged second",
        [({}, max(0, now_ms - watch.judged_ms) / 1000)],
    )
    counts = {**service.follower.counts, **watch.counts}
    yield "orewatch_api_events_total", "counter", "what came in", [({"what": k}, v) for k, v in counts.items()]
    yield "orewatch_viewers", "gauge", "open live streams", [({}, len(stream))]
    dropped = {"slow": stream.frames_dropped, "given_up": stream.given_up, "refused": stream.refused}
    yield (
        "orewatch_viewers_dropped_total",
        "counter",
        "frames and viewers dropped, by reason",
        [({"reason": k}, v) for k, v in dropped.items()],
    )
    yield "orewatch_alerts_standing", "gauge", "standing alerts by kind", [({"kind": k}, v) for k, v in kinds.items()]
    yield (
        "orewatch_alerts_raised_total",
        "counter",
        "alerts raised since start",
        [({"kind": k}, v) for k, v in service.engine.raised.items()],
    )
    yield "orewatch_alerts_unwritten", "gauge", "alerts the disk did not take", [({}, service.engine.unwritten)]
    failed = [({"task": name}, count) for name, count in service.tasks.failures.items()]
    yield "orewatch_task_failures_total", "counter", "errors at a task's edge, which then began anew", failed
    yield "orewatch_outbox_letters", "gauge", "letters by state", [({"state": k}, v) for k, v in letters.items()]
    yield "orewatch_outbox_failures_total", "counter", "attempts that failed", [({}, service.sender.failures)]
    if service.mirror is not None:
        yield from _mirrored(service.mirror, now_ms)
    yield "orewatch_collector_total", "counter", "the collector's counters", _collector(service)


def _mirrored(mirror: Mirror, now_ms: int) -> Iterator[tuple[str, str, str, Iterable[Sample]]]:
    points = [({"level": level}, n) for level, n in mirror.written.items()]
    yield "orewatch_mirror_points_total", "counter", "points written into the store, by level", points
    refused = [({"reason": reason}, n) for reason, n in mirror.refused.items()]
    yield "orewatch_mirror_refused_total", "counter", "points that the store refused for good, by reason", refused
    passed = [({"reason": reason}, n) for reason, n in mirror.passed_over.items()]
    yield "orewatch_mirror_passed_over_total", "counter", "what was owed and never will be written, by reason", passed
    owed = {"due": mirror.owed, "incomplete": mirror.waiting}
    yield (
        "orewatch_mirror_owed",
        "gauge",
        "hours and alerts that are to be written: due, and hours of which more is to come",
        [({"what": what}, n) for what, n in owed.items()],
    )
    yield "orewatch_mirror_failures_total", "counter", "rounds that its own files ended", [({}, mirror.failures)]
    behind: list[Sample] = []
    if mirror.minute_ms is not None:
        behind.append(({}, max(0, now_ms - mirror.minute_ms - MINUTE_MS) / 1000))
    yield "orewatch_mirror_behind_seconds", "gauge", "age of the last minute written as it passed", behind


def _collector(service: Service) -> list[Sample]:
    if service.registry is None:
        return []
    try:
        counters = service.registry.counters()
    except DatabaseError as error:
        log.warning("the collector's counters cannot be read: %s", error)
        return []
    return [({"unit": key.unit, "name": key.name, "reason": key.reason}, value) for key, value in counters.items()]


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {text}\n# TYPE {name} {kind}\n"]
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{shown}}} {float(value):g}\n" if shown else f"{name} {float(value):g}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
