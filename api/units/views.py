"""Units as JSON-able tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.instants import iso, iso_or_none
from orewatch.plant.catalogue import catalogue
from orewatch.plant.states import PRODUCING
from orewatch.plant.streams import chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.live.readings import UnitReadings
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Machine, Unit

_FIXED = (
    "id",
    "site",
    "province",
    "mineral",
    "circuit",
    "model",
    "latitude",
    "longitude",
    "nameplate_tph",
    "target_tph",
)
_LIMITS = ("low", "high", "normal_low", "normal_high", "warn", "trip", "warn_low", "trip_low", "resolution")
_ROLES = ("flow", "total", "main")
_MANY = ("upstream", "drives", "plugged", "tripped", "energised")


def summary(unit: Unit, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a unit of the list from its live entry."""
    return {
        **{name: getattr(unit, name) for name in _FIXED},
        "target_tph": entry["target_tph"],
        "state": entry["state"],
        "state_since": iso_or_none(entry["since"]),
        "reason": entry["reason"],
        "provisional": entry["provisional"],
        "connection": entry["connection"],
        "throughput_tph": entry["throughput_tph"],
        "tonnes_today": entry["tonnes_today"],
        "tonnes_month": entry["tonnes_month"],
        "unknown_h": entry["unknown_h"],
        "last_tonne_at": iso_or_none(entry["last_tonne_at"]),
        "last_seen": iso_or_none(entry["last_seen"]),
        "alerts_active": entry["alerts"],
        "pending": entry["pending"],
        "code": entry["code"],
        "ore": entry["ore"],
        "moisture_pct": entry["moisture_pct"],
        "shift": None if entry["shift"] is None else shift(entry["shift"]),
    }


def shift(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shift's figures with times as lists have them."""
    return {**figures, "start": iso(figures["start"]), "end": iso(figures["end"])}


def code_over(said: UnitInputs, interval: Interval) -> str | None:
    """Return the operator's code of a stop that covers an interval; None for one in which rock goes through."""
    if interval.state in PRODUCING or interval.end_ms is None:
        return None
    stop = said.stop_over(interval.start_ms, interval.end_ms)
    return None if stop is None else stop.code


def detail(unit: Unit, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a unit with machines and roles."""
    roles = unit.roles
    return {
        **summary(unit, entry),
        "machines": [_machine(machine) for machine in unit.machines.values()],
        "streams": streams(unit),
        "roles": {
            **{name: str(getattr(roles, name)) for name in _ROLES},
            "no_load": roles.no_load,
            "full_load": roles.full_load,
            "hopper": None if roles.hopper is None else str(roles.hopper),
            **{name: [str(ref) for ref in getattr(roles, name)] for name in _MANY},
        },
    }


def streams(unit: Unit) -> list[dict[str, Any]]:
    """Return what flows from machine to machine: as its circuit says, or else one after the other."""
    known = catalogue()
    circuit = known.circuits.get(unit.circuit)
    if circuit is not None and dict(circuit.machines) == {one.id: one.cls for one in unit.machines.values()}:
        flows = circuit.streams
    else:
        classes = known.classes
        flows = chain([m.id for m in unit.machines.values() if m.cls not in classes or classes[m.cls].carries_ore])
    return [{"from": one.source, "to": one.target, "title": one.title and dict(one.title)} for one in flows]


def latest(unit: Unit, readings: UnitReadings) -> list[dict[str, Any]]:
    """Return the newest reading of every signal of the unit; one never read is there, too, as stale."""
    rows = []
    for ref, signal in unit.signals():
        reading = readings.signals.get(str(ref))
        rows.append(
            {
                "machine": ref.machine,
                "signal": ref.signal,
                "unit": signal.unit,
                "value": None if reading is None else reading.value,
                "time": None if reading is None else iso(reading.time_ms),
                "quality": 500 if reading is None else reading.quality if reading.quality in {0, 192} else 500,
            }
        )
    return rows


def add_share(share: dict[str, Any], entry: Mapping[str, Any]) -> None:
    """Count one unit into a share of the fleet."""
    share["units"] += 1
    share["tonnes_today"] = round(share["tonnes_today"] + (entry["tonnes_today"] or 0.0), 3)
    share["by_state"][entry["state"]] = share["by_state"].get(entry["state"], 0) + 1


def _machine(machine: Machine) -> dict[str, Any]:
    cls = catalogue().classes.get(machine.cls)
    return {
        "id": machine.id,
        "class": machine.cls,
        "title": dict(cls.title) if cls is not None else {"en": machine.cls.replace("_", " ").capitalize()},
        "signals": [
            {
                "name": signal.name,
                "kind": str(signal.kind),
                "unit": signal.unit,
                "priority": None if signal.priority is None else str(signal.priority),
                **{name: getattr(signal, name) for name in _LIMITS},
            }
            for signal in machine.signals.values()
        ],
    }
