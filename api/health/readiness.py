"""What ``/readyz`` says: for each part whether it is well, and if not, what is missing and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api.health.conditions import (
    Else,
    Trouble,
    certificate_days,
    collector_behind,
    collector_silent,
    disk_filling,
    outbox_stuck,
    server_clock,
    store_down,
)
from orewatch.certificates import SOON_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.health.signs import MirrorSign, Signs
    from orewatch.storage.vitals import Vitals

NEEDED: Final = ("watching", "broker")
"""Without these the service does not do its work. Everything else may be missing while pages and alerts go on."""
MIRROR_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part. ``ok`` None: not known yet. ``said``: for anyone; ``detail``: with figures, for those who may ask."""

    name: str
    ok: bool | None
    said: str = ""
    detail: str = ""
    remedy: str = ""


def checks_of(signs: Signs) -> list[Check]:
    """Return every check, in the order in which things depend on each other."""
    checks = [_broker(signs), _watching(signs), _caught_up(signs), _collector(signs), _store(signs)]
    if signs.mirror is not None:
        checks.append(_mirror(signs.mirror))
    return [*checks, _disk(signs), _outbox(signs), _certificates(signs), _clock(signs)]


def answer_of(checks: Sequence[Check], *, full: bool) -> dict[str, Any]:
    """Return what is answered; ``full``: with details and remedies, for those who showed a token."""
    ready = all(check.ok for check in checks if check.name in NEEDED)
    return {
        "status": "ready" if ready else "not ready",
        "degraded": [check.name for check in checks if check.ok is False and check.name not in NEEDED],
        "checks": {check.name: _shown(check, full=full) for check in checks},
    }


def _shown(check: Check, *, full: bool) -> dict[str, Any]:
    if not full:
        return {"ok": check.ok, "detail": check.said}
    return {"ok": check.ok, "detail": check.detail or check.said, "remedy": check.remedy}


def _broker(signs: Signs) -> Check:
    if signs.broker_connected:
        return Check(name="broker", ok=True)
    return Check(
        name="broker",
        ok=False,
        said="no link to the broker",
        remedy="see that the broker runs and that broker.host, port and credentials are right: orewatch doctor --api",
    )


def _watching(signs: Signs) -> Check:
    if signs.watching:
        return Check(name="watching", ok=True)
    said = "units are not judged" if signs.caught_up else "still reading what happened before the start"
    remedy = "look at the service's log" if signs.caught_up else "wait; a large fleet takes a minute"
    return Check(name="watching", ok=False, said=said, remedy=remedy)


def _caught_up(signs: Signs) -> Check:
    if signs.caught_up:
        return Check(name="caught_up", ok=True)
    return Check(name="caught_up", ok=False, said="still catching up with what is stored", remedy="wait")


def _collector(signs: Signs) -> Check:
    vitals = signs.collector
    if vitals is None:
        remedy = "start orewatch collector with the same data_dir, or set journal to its file"
        return Check(name="collector", ok=None, said="no collector has reported here yet", remedy=remedy)
    if signs.collector_speaks is None:
        return Check(name="collector", ok=None, said="whether the collector still reports shows within two minutes")
    silent, behind = collector_silent(signs), collector_behind(signs)
    detail = _collector_words(vitals, signs.collector_age_s or 0.0)
    if isinstance(silent, Trouble):
        said, remedy = "the collector no longer reports", "start it, or look at its log: its disk may be full"
    elif isinstance(behind, Trouble):
        said = {
            "no_broker": "the collector has no link to the broker",
            "queue": "the collector's queue is almost full: its disk is slow or takes nothing",
        }.get(behind.reason, "the collector is behind with a store")
        remedy = "orewatch doctor --collector FILE says what is wrong"
    else:
        return Check(name="collector", ok=True, detail=detail)
    return Check(name="collector", ok=False, said=said, detail=f"{said}: {detail}", remedy=remedy)


def _collector_words(vitals: Vitals, age_s: float) -> str:
    lags = ", ".join(f"{p.store} {p.lag_blocks} blocks ({p.lag_s:.0f} s)" for p in vitals.projections)
    words = f"reported {age_s:.0f} s ago; queue {vitals.queue_bytes} of {vitals.queue_bound_bytes} bytes"
    return f"{words}; behind: {lags}" if lags else words


def _store(signs: Signs) -> Check:
    found = store_down(signs)
    if found is Else.UNKNOWN:
        said = "not asked yet" if signs.store.up is None else "it can be read; whether it takes anything is not known"
        return Check(name="store", ok=None, said=said)
    if not isinstance(found, Trouble):
        return Check(name="store", ok=True)
    remedy = "see that InfluxDB runs, that its token or password holds and the bucket is there: orewatch doctor"
    if found.reason == "unreadable":
        said = "history cannot be read; live values and alerts go on"
        return Check(name="store", ok=False, said=said, detail=f"{said}: {signs.store.why}", remedy=remedy)
    said = "the collector cannot write into a store; the journal keeps everything"
    waiting = [p for p in signs.collector.projections if p.waiting_since_ms is not None] if signs.collector else []
    whys = "; ".join(f"{p.store}, {p.lag_blocks} blocks wait: {p.why}" for p in waiting)
    return Check(name="store", ok=False, said=said, detail=f"{said}: {whys}", remedy=remedy)


def _mirror(mirror: MirrorSign) -> Check:
    if mirror.behind_s is None:
        return Check(name="mirror", ok=None, said="nothing was written for boards yet")
    if mirror.behind_s < MIRROR_S:
        return Check(name="mirror", ok=True, detail=f"{mirror.owed} hours and alerts to be written")
    said = "states and alerts reach the boards late; they are made up for once the store takes them"
    detail = f"{said}: {mirror.behind_s:.0f} s behind, {mirror.owed} hours and alerts owed"
    return Check(name="mirror", ok=False, said=said, detail=detail, remedy="the service's account must be let write")


def _disk(signs: Signs) -> Check:
    found = disk_filling(signs)
    if not isinstance(found, Trouble):
        return Check(name="disk", ok=None if found is Else.UNKNOWN else True)
    said = "a disk is almost full" if found.reason == "scarce" else "a disk will be full within two days"
    figures = found.figures
    hours = "" if figures["hours"] is None else f", full in {figures['hours']} h at this rate"
    detail = f"{said}: the {figures['disk']}'s, {figures['free_gib']} GiB free{hours}"
    return Check(name="disk", ok=False, said=said, detail=detail, remedy="make room, or let retention keep less")


def _outbox(signs: Signs) -> Check:
    found = outbox_stuck(signs)
    if not isinstance(found, Trouble):
        return Check(name="outbox", ok=True)
    said = "messages to people wait and are not taken"
    detail = f"{said}: {signs.outbox.waiting} wait, the oldest for {signs.outbox.oldest_s:.0f} s"
    return Check(name="outbox", ok=False, said=said, detail=detail, remedy="see the log for the channel that fails")


def _certificates(signs: Signs) -> Check:
    days = certificate_days(signs)
    if days is None or days >= SOON_DAYS:
        return Check(name="certificates", ok=True, detail="" if days is None else f"the first ends in {days:.0f} days")
    said = "a certificate has ended" if days < 0 else "a certificate ends soon"
    detail = f"{said}: {days:.1f} days left"
    return Check(name="certificates", ok=False, said=said, detail=detail, remedy="issue it anew, restart the collector")


def _clock(signs: Signs) -> Check:
    found = server_clock(signs)
    if not isinstance(found, Trouble):
        return Check(name="clock", ok=None if found is Else.UNKNOWN else True)
    said = "this machine's clock differs from those of most units"
    detail = f"{said}: it is {found.figures['off_s']} s {found.reason}"
    return Check(name="clock", ok=False, said=said, detail=detail, remedy="have it follow a time server (chrony)")
