"""When orewatch itself needs somebody: one visible list of conditions, each a pure question to the signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from api.alerting.models import AlertKind
from orewatch.certificates import SOON_DAYS
from orewatch.storage.disk import is_scarce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.health.signs import Signs

BEHIND_S: Final = 600.0
QUEUE_SHARE: Final = 0.8
DISK_HOURS: Final = 48.0
OUTBOX_S: Final = 900.0
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A condition that holds: why, with the figures of now."""

    reason: str
    figures: Mapping[str, float | str | None] = field(default_factory=dict)


class Else(Enum):
    """What else a condition may be: well, or not known, and then no timer moves."""

    WELL = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One kind of alert on orewatch itself: raised once it has held for ``on_s``, over after ``off_s`` without it."""

    kind: AlertKind
    priority: str
    on_s: float
    off_s: float
    of: Callable[[Signs], Trouble | Else]


def collector_silent(signs: Signs) -> Trouble | Else:
    """The collector writes nothing down any more. One that never did is not missed."""
    if signs.collector is None or signs.collector_age_s is None:
        return Else.WELL
    if signs.collector_speaks is None:
        return Else.UNKNOWN
    if signs.collector_speaks:
        return Else.WELL
    return Trouble("no_record", {"silent_s": round(signs.collector_age_s)})


def collector_behind(signs: Signs) -> Trouble | Else:
    """It lives, but does not keep up: cut off from the broker, its queue almost full, or a store far behind.

    A store that takes nothing is a condition of its own, and a silent collector tells nothing.
    """
    vitals = signs.collector
    if vitals is None:
        return Else.WELL
    if not signs.collector_speaks:
        return Else.UNKNOWN
    if not vitals.broker_connected:
        return Trouble("no_broker")
    share = vitals.queue_bytes / max(1, vitals.queue_bound_bytes)
    if share >= QUEUE_SHARE:
        return Trouble("queue", {"queue_pct": round(100 * share)})
    behind = [p for p in vitals.projections if p.lag_s >= BEHIND_S and p.waiting_since_ms is None]
    if behind:
        worst = max(behind, key=lambda p: p.lag_s)
        return Trouble("projection", {"store": worst.store, "lag_s": round(worst.lag_s), "blocks": worst.lag_blocks})
    return Else.WELL


def store_down(signs: Signs) -> Trouble | Else:
    """History cannot be read, or cannot be written."""
    if signs.store.up is False:
        return Trouble("unreadable")
    waiting = [p for p in signs.collector.projections if p.waiting_since_ms is not None] if signs.collector else []
    if waiting and signs.collector_speaks:
        return Trouble("unwritable", {"store": waiting[0].store, "blocks": waiting[0].lag_blocks})
    if waiting:
        # So it was when the collector was last heard.
        return Else.UNKNOWN
    return Else.WELL if signs.store.up else Else.UNKNOWN


def disk_filling(signs: Signs) -> Trouble | Else:
    """The collector's disk or the service's own is almost full, or will be in two days."""
    known = False
    rooms = [("service", signs.disk)] if signs.disk else []
    for name, room in rooms:
        known = True
        if trouble := _disk(name, room.free, room.total, room.hours_left):
            return trouble
    vitals = signs.collector
    if vitals is not None and vitals.disk_free_bytes is not None and vitals.disk_total_bytes:
        known = True
        if trouble := _disk("collector", vitals.disk_free_bytes, vitals.disk_total_bytes, vitals.disk_hours_left):
            return trouble
    return Else.WELL if known else Else.UNKNOWN


def outbox_stuck(signs: Signs) -> Trouble | Else:
    """Messages to people wait, and are not taken."""
    if signs.outbox.waiting and signs.outbox.oldest_s >= OUTBOX_S:
        return Trouble("not_taken", {"waiting": signs.outbox.waiting, "oldest_s": round(signs.outbox.oldest_s)})
    return Else.WELL


def certificate_ageing(signs: Signs) -> Trouble | Else:
    """The collector's certificate, or the authority it trusts, ends soon or has ended."""
    days = certificate_days(signs)
    if days is None:
        # Nothing to end, or nothing known of it: then what stands goes on standing.
        return Else.UNKNOWN if signs.collector is None else Else.WELL
    if days >= SOON_DAYS:
        return Else.WELL
    return Trouble("ended" if days < 0 else "ends", {"days": round(days, 1)})


def server_clock(signs: Signs) -> Trouble | Else:
    """Most units' clocks differ from ours in the same direction."""
    ahead_s = signs.clock.units_ahead_s
    if ahead_s is None:
        return Else.UNKNOWN
    if not ahead_s:
        return Else.WELL
    return Trouble("behind" if ahead_s > 0 else "ahead", {"off_s": round(abs(ahead_s)), "units": signs.clock.units})


def certificate_days(signs: Signs) -> float | None:
    """Return the days until the first of the collector's certificates ends; None without any."""
    ends = [c.not_after_ms for c in signs.collector.certificates] if signs.collector else []
    return (min(ends) - signs.now_ms) / DAY_MS if ends else None


def _disk(name: str, free: int, total: int, hours_left: float | None) -> Trouble | None:
    hours = None if hours_left is None else round(hours_left, 1)
    figures: dict[str, float | str | None] = {"disk": name, "free_gib": round(free / 2**30, 2), "hours": hours}
    scarce = is_scarce(free, total)
    soon = hours_left is not None and hours_left < DISK_HOURS
    return Trouble("scarce" if scarce else "soon", figures) if scarce or soon else None


CONDITIONS: Final = (
    Condition(kind=AlertKind.COLLECTOR_SILENT, priority="high", on_s=0, off_s=30, of=collector_silent),
    Condition(kind=AlertKind.COLLECTOR_BEHIND, priority="medium", on_s=300, off_s=120, of=collector_behind),
    Condition(kind=AlertKind.STORE_DOWN, priority="medium", on_s=300, off_s=60, of=store_down),
    Condition(kind=AlertKind.DISK_FILLING, priority="high", on_s=600, off_s=600, of=disk_filling),
    Condition(kind=AlertKind.OUTBOX_STUCK, priority="medium", on_s=120, off_s=60, of=outbox_stuck),
    Condition(kind=AlertKind.CERTIFICATE_AGEING, priority="medium", on_s=300, off_s=60, of=certificate_ageing),
    Condition(kind=AlertKind.SERVER_CLOCK, priority="medium", on_s=300, off_s=120, of=server_clock),
)
