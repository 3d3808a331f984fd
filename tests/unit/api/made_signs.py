"""Signs of health made for tests: all well, nothing known, and every trouble there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.alerting.book import AlertRecord
from api.alerting.models import AlertKind
from api.health.conditions import DAY_MS, Trouble
from api.health.signs import ClockSign, OutboxSign, Signs, StoreSign
from orewatch.plant.unit import OREWATCH
from orewatch.storage.disk import Room
from orewatch.storage.durations import Durations
from orewatch.storage.vitals import CertificateSigns, ProjectionSigns, Vitals
from tests.unit.api.made_plant import T0

GIB = 2**30
INFLUX = ProjectionSigns(name="influxdb", position=10, lag_blocks=0, lag_s=0.0)


def vitals(**more: Any) -> Vitals:
    well: dict[str, Any] = {
        "at_ms": T0,
        "started_ms": T0,
        "broker_connected": True,
        "broker_since_ms": T0,
        "queue_bytes": 0,
        "queue_bound_bytes": 1000,
        "commits": Durations().histogram(),
        "journal_bytes": GIB,
        "journal_position": 10,
        "disk_free_bytes": 100 * GIB,
        "disk_total_bytes": 200 * GIB,
        "projections": (INFLUX,),
    }
    return Vitals(**(well | more))


WELL = Signs(
    now_ms=T0,
    watching=True,
    caught_up=True,
    broker_connected=True,
    collector=vitals(),
    collector_age_s=2.0,
    store=StoreSign(up=True),
    disk=Room(100 * GIB, 200 * GIB, None),
    clock=ClockSign(units_ahead_s=0.0, units=20),
)
NOTHING_KNOWN = Signs(now_ms=T0, watching=False, caught_up=False, broker_connected=False)
WAITING = INFLUX.model_copy(
    update={"waiting_since_ms": T0, "why": "503: http://10.1.2.3", "lag_blocks": 7, "lag_s": 9e5}
)
BEHIND = INFLUX.model_copy(update={"lag_blocks": 7, "lag_s": 900.0})


def with_collector(**more: Any) -> Signs:
    return replace(WELL, collector=vitals(**more))


def ending_in(days: float) -> Signs:
    return with_collector(certificates=(CertificateSigns(name="ca", not_after_ms=T0 + round(days * DAY_MS)),))


TROUBLES = [
    (AlertKind.COLLECTOR_SILENT, "no_record", replace(WELL, collector_age_s=120.0)),
    (AlertKind.COLLECTOR_BEHIND, "no_broker", with_collector(broker_connected=False)),
    (AlertKind.COLLECTOR_BEHIND, "queue", with_collector(queue_bytes=800)),
    (AlertKind.COLLECTOR_BEHIND, "projection", with_collector(projections=(INFLUX, BEHIND))),
    (AlertKind.STORE_DOWN, "unreadable", replace(WELL, store=StoreSign(up=False, why="refused by 10.1.2.3"))),
    (AlertKind.STORE_DOWN, "unwritable", with_collector(projections=(INFLUX, WAITING))),
    (AlertKind.DISK_FILLING, "scarce", replace(WELL, disk=Room(9 * GIB, 200 * GIB, None))),
    (AlertKind.DISK_FILLING, "scarce", with_collector(disk_free_bytes=GIB - 1, disk_total_bytes=2 * GIB)),
    (AlertKind.DISK_FILLING, "soon", with_collector(disk_hours_left=47.0)),
    (AlertKind.OUTBOX_STUCK, "not_taken", replace(WELL, outbox=OutboxSign(waiting=2, oldest_s=900.0))),
    (AlertKind.CERTIFICATE_AGEING, "ends", ending_in(20.9)),
    (AlertKind.CERTIFICATE_AGEING, "ended", ending_in(-1)),
    (AlertKind.SERVER_CLOCK, "behind", replace(WELL, clock=ClockSign(units_ahead_s=3600.0, units=20))),
    (AlertKind.SERVER_CLOCK, "ahead", replace(WELL, clock=ClockSign(units_ahead_s=-3600.0, units=20))),
]


def record_of(kind: AlertKind, trouble: Trouble) -> AlertRecord:
    return AlertRecord(
        id=7,
        unit=OREWATCH,
        kind=kind,
        priority="high",
        reason=trouble.reason,
        figures=trouble.figures,
        onset_ms=T0,
        raised_ms=T0 + 1,
        recorded_ms=T0 + 1,
        changed_ms=T0 + 1,
    )
