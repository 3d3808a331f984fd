"""Points of ``alert``, one for each episode at the time it was raised, and of ``unit_info``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.notify.texts import sentences
from orewatch.storage.points import Point

if TYPE_CHECKING:
    from api.alerting.book import AlertRecord
    from api.mirror.places import Place
    from orewatch.plant.unit import Unit

ALERTS = "alert"
INFO = "unit_info"


def alert_point(record: AlertRecord, place: Place, lost_t: float | None) -> Point:
    """Return an alert as it stands; ``lost_t``: tonnes, so far or in all, None where that is unknown."""
    text = sentences(record, lost_t)
    tags = {
        **place.tags(record.unit),
        "kind": record.kind.value,
        "priority": record.priority,
        "machine": record.machine or "",
        "signal": record.signal or "",
    }
    fields = {
        "id": str(record.id),
        "state": record.state.value,
        "reason": record.reason,
        "text_en": text["en"],
        "text_fa": text["fa"],
        "duration_s": None if record.cleared_ms is None else (record.cleared_ms - record.onset_ms) / 1000,
        "tonnes_lost": lost_t,
        # Taken back where the alert is unshelved: an empty text says so, a missing field would not.
        "acknowledged_by": record.acknowledged_by or "",
    }
    return Point(measurement=ALERTS, tags=tags, fields=fields, time_ms=record.raised_ms)


def info_point(unit: Unit, place: Place, target_tph: float, at_ms: int) -> Point:
    """Return what a unit is; ``target_tph``: the target in force."""
    fields = {
        "latitude": unit.latitude,
        "longitude": unit.longitude,
        "nameplate_tph": unit.nameplate_tph,
        "target_tph": target_tph,
        "model": unit.model,
        "name": unit.id,
    }
    return Point(measurement=INFO, tags=place.tags(unit.id), fields=fields, time_ms=at_ms)
