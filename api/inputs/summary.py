"""What is in force of a unit now, in one answer: what a page of inputs begins with."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from api.inputs.book import InputFilter
from api.inputs.entry import InputKind
from api.inputs.recovery import elements_of
from api.inputs.views import view
from api.instants import iso
from api.units.views import shift
from orewatch.plant.stop_codes import StopEffect, codes_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.inputs.entry import Entry
    from api.service import Service
    from orewatch.plant.unit import Unit

DAY_MS: Final = 86_400_000
PLAN_DAYS: Final = 7
RECENT_STOPS: Final = 200
"""How many stops tell which reasons are used most."""
RECENT_ORES: Final = 50


def summary(service: Service, unit: Unit) -> dict[str, Any]:
    """Return everything in force."""
    now_ms = service.now_ms()
    book = service.inputs.book
    stops = book.select(InputFilter(unit=unit.id, kind=InputKind.STOPS), RECENT_STOPS)
    epochs = book.current(unit.id, InputKind.SCALE_EPOCHS)
    said = service.inputs.in_force.of(unit.id)
    ores = book.current(unit.id, InputKind.ORE)
    target_tph = said.target_tph(now_ms, unit.target_tph)
    assay = book.select(InputFilter(unit=unit.id, kind=InputKind.ASSAYS), 1)
    return {
        "stop": _newest(unit, [one for one in stops if _covers(one, now_ms)]),
        "planned": [view(one, unit) for one in reversed(stops) if _is_to_come(one, now_ms)],
        "ore": _newest(unit, [one for one in reversed(ores) if one.from_ms <= now_ms][:1]),
        "target": _target(service, unit, now_ms),
        "target_tph": target_tph,
        "shift": shift(service.shift_figures(unit, now_ms)),
        "plans": _plans(service, unit, now_ms),
        "assay": _newest(unit, assay),
        "scale_epoch": view(epochs[-1], unit, epochs) if epochs else None,
        "reasons": _reasons(unit, stops),
        "elements": list(elements_of(unit.mineral)),
        "ores": list(dict.fromkeys(one.text("ore") for one in reversed(ores[-RECENT_ORES:]))),
        "now": iso(now_ms),
    }


def _covers(stop: Entry, at_ms: int) -> bool:
    return stop.from_ms <= at_ms and (stop.to_ms is None or stop.to_ms > at_ms)


def _is_to_come(stop: Entry, at_ms: int) -> bool:
    return stop.from_ms > at_ms and stop.own["effect"] == StopEffect.PLANNED


def _newest(unit: Unit, entries: Sequence[Entry]) -> dict[str, Any] | None:
    return view(entries[0], unit) if entries else None


def _target(service: Service, unit: Unit, now_ms: int) -> dict[str, Any] | None:
    ore = service.inputs.in_force.of(unit.id).ore_at(now_ms)
    known = [one for one in service.inputs.book.current(unit.id, InputKind.TARGETS) if one.from_ms <= now_ms]
    own = [one for one in known if ore is not None and one.own["ore"] == ore.code]
    suiting = own or [one for one in known if one.own["ore"] is None]
    return view(suiting[-1], unit) if suiting else None


def _plans(service: Service, unit: Unit, now_ms: int) -> list[dict[str, Any]]:
    known = {one.from_ms: one for one in service.inputs.book.current(unit.id, InputKind.PLANS, now_ms - DAY_MS)}
    first = service.day.day_of(now_ms)
    shifts = [one for ahead in range(PLAN_DAYS) for one in service.day.shifts_of(first + timedelta(days=ahead))]
    return [
        {
            "day": one.day.isoformat(),
            "shift": one.number,
            "start": iso(one.start_ms),
            "end": iso(one.end_ms),
            "tonnes": known[one.start_ms].figure("tonnes") if one.start_ms in known else None,
            "entry_id": known[one.start_ms].id if one.start_ms in known else None,
        }
        for one in shifts
    ]


def _reasons(unit: Unit, stops: Sequence[Entry]) -> list[dict[str, Any]]:
    used = Counter(one.text("code") for one in stops)
    codes = sorted(codes_for(unit.mineral), key=lambda one: -used[one.code])
    return [{"code": one.code, "effect": one.effect.value, "title": dict(one.title)} for one in codes]
