"""A processing unit: where it stands, what it is made of, what is expected of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from orewatch.plant.catalogue import Catalogue, CatalogueError, Roles, Signal, SignalKind, SignalRef, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROLE_SINGLE = ("flow", "total", "main", "hopper")
_ROLE_MANY = ("upstream", "drives", "plugged", "tripped", "energised")

OREWATCH: Final = "orewatch"
"""In the place of a unit's id: orewatch itself, in alerts of its own health. No unit may be called so."""


class UnitError(ValueError):
    """A unit's description is wrong; the message names the field, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of a unit: its id in the unit, its class, and its signals with limits resolved."""

    id: str
    cls: str
    signals: Mapping[str, Signal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A mobile processing unit (a Sparkplug edge node). Rates are dry t/h, positions WGS 84 degrees."""

    id: str
    site: str
    province: str
    mineral: str
    circuit: str
    model: str
    nameplate_tph: float
    target_tph: float
    machines: Mapping[str, Machine]
    roles: Roles
    comms_grace_s: float = 600.0
    latitude: float | None = None
    longitude: float | None = None
    reference: Mapping[SignalRef, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.id == OREWATCH:
            raise UnitError(f"id: {OREWATCH!r} stands for orewatch itself; allowed: any other id")

    def signal(self, ref: SignalRef) -> Signal:
        """Return one signal; KeyError where the unit has none of that name."""
        return self.machines[ref.machine].signals[ref.signal]

    def signals(self) -> Iterator[tuple[SignalRef, Signal]]:
        """Every signal, machines in flow order."""
        for machine in self.machines.values():
            for name, signal in machine.signals.items():
                yield SignalRef(machine.id, name), signal

    def to_json(self) -> str:
        """Return the description that a birth carries; :func:`unit_from_json` reads it."""
        roles = self.roles
        return json.dumps(
            {
                "id": self.id,
                "site": self.site,
                "province": self.province,
                "mineral": self.mineral,
                "circuit": self.circuit,
                "model": self.model,
                "nameplate_tph": self.nameplate_tph,
                "target_tph": self.target_tph,
                "comms_grace_s": self.comms_grace_s,
                "latitude": self.latitude,
                "longitude": self.longitude,
                "reference": {str(k): v for k, v in self.reference.items()},
                "machines": {
                    m.id: {"class": m.cls, "signals": {n: _signal_table(s) for n, s in m.signals.items()}}
                    for m in self.machines.values()
                },
                "roles": {
                    **{k: str(getattr(roles, k)) for k in _ROLE_SINGLE if getattr(roles, k) is not None},
                    **{k: [str(r) for r in getattr(roles, k)] for k in _ROLE_MANY},
                    "no_load": roles.no_load,
                    "full_load": roles.full_load,
                },
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )


def _signal_table(signal: Signal) -> dict[str, Any]:
    # Defaults are left out: a birth travels over thin links.
    default = Signal(name="")
    return {
        name: getattr(signal, name)
        for name in Signal.__slots__
        if name != "name" and getattr(signal, name) != getattr(default, name)
    }


def unit_from_json(text: str) -> Unit:
    """Read :meth:`Unit.to_json`; :class:`UnitError` where a field is missing or of the wrong kind."""
    try:
        raw = json.loads(text)
        roles = raw["roles"]
        return Unit(
            id=str(raw["id"]),
            site=str(raw["site"]),
            province=str(raw["province"]),
            mineral=str(raw["mineral"]),
            circuit=str(raw["circuit"]),
            model=str(raw["model"]),
            nameplate_tph=float(raw["nameplate_tph"]),
            target_tph=float(raw["target_tph"]),
            comms_grace_s=float(raw["comms_grace_s"]),
            latitude=_degrees(raw["latitude"], 90.0),
            longitude=_degrees(raw["longitude"], 180.0),
            reference={SignalRef.parse(k): float(v) for k, v in raw["reference"].items()},
            machines={
                mid: Machine(
                    mid,
                    str(m["class"]),
                    {
                        n: Signal(name=n, **{**s, "kind": SignalKind(s.get("kind", "analog"))})
                        for n, s in m["signals"].items()
                    },
                )
                for mid, m in raw["machines"].items()
            },
            roles=Roles(
                **{k: SignalRef.parse(roles[k]) for k in _ROLE_SINGLE if k in roles},  # type: ignore[arg-type]
                **{k: tuple(SignalRef.parse(r) for r in roles[k]) for k in _ROLE_MANY},  # type: ignore[arg-type]
                no_load=float(roles["no_load"]),
                full_load=float(roles["full_load"]),
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        msg = f"unit description: {type(error).__name__}: {error}"
        raise UnitError(msg) from error


def _degrees(raw: object, most: float) -> float | None:
    """Return a coordinate; None for what is none: a unit is worth having without its place on the map."""
    known = isinstance(raw, (int, float)) and not isinstance(raw, bool) and abs(raw) <= most
    return float(raw) if known and isinstance(raw, (int, float)) else None


def unit_from_circuit(
    *,
    unit_id: str,
    circuit: str,
    site: str,
    province: str,
    model: str,
    mineral: str | None = None,
    nameplate_tph: float | None = None,
    target_tph: float | None = None,
    comms_grace_s: float = 600.0,
    latitude: float | None = None,
    longitude: float | None = None,
    table: Catalogue | None = None,
) -> Unit:
    """Make a unit of one of the catalogue's circuits.

    Loads in the catalogue belong to its nameplate; another ``nameplate_tph`` scales nothing but the target.
    :class:`UnitError` for an unknown circuit or an impossible rate.
    """
    table = table or catalogue()
    if circuit not in table.circuits:
        msg = f"circuit: {circuit!r} is unknown; allowed: {', '.join(table.circuits)}"
        raise UnitError(msg)
    plan = table.circuits[circuit]
    nameplate = plan.nameplate_tph if nameplate_tph is None else nameplate_tph
    target = nameplate if target_tph is None else target_tph
    for name, value in (("nameplate_tph", nameplate), ("target_tph", target)):
        if not 0 < value < 10_000:  # noqa: PLR2004 - a mobile unit does tens of tonnes an hour
            msg = f"{name}: {value!r} is not a rate; allowed: above 0, below 10000 t/h"
            raise UnitError(msg)
    machines = {}
    for mid, cls in plan.machines.items():
        signals = {
            name: signal.resolved(plan.reference.get(SignalRef(mid, name)))
            for name, signal in table.classes[cls].signals.items()
        }
        machines[mid] = Machine(mid, cls, signals)
    return Unit(
        id=unit_id,
        site=site,
        province=province,
        mineral=mineral or plan.mineral,
        circuit=circuit,
        model=model,
        nameplate_tph=nameplate,
        target_tph=target,
        machines=machines,
        roles=plan.roles,
        comms_grace_s=comms_grace_s,
        latitude=latitude,
        longitude=longitude,
        reference=dict(plan.reference),
    )


__all__ = ["CatalogueError", "Machine", "Unit", "UnitError", "unit_from_circuit", "unit_from_json"]
