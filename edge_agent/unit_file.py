"""From a unit's settings to the unit itself: the catalogue's circuit, and what this unit has otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orewatch.plant.catalogue import (
    Catalogue,
    CatalogueError,
    Priority,
    Roles,
    Signal,
    SignalKind,
    SignalRef,
    catalogue,
)
from orewatch.plant.unit import Machine, Unit, UnitError, unit_from_circuit
from orewatch.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.settings import AgentSettings, MachineSettings, RoleSettings, SignalSettings


def build_unit(settings: AgentSettings, *, file: Path | str = "settings", table: Catalogue | None = None) -> Unit:
    """Return the unit described; :class:`SettingsError` names ``file``, key, value and what is allowed."""
    try:
        return _build(settings, table or catalogue())
    except (UnitError, CatalogueError) as error:
        raise SettingsError([f"{file}: {error}"]) from error


def _build(settings: AgentSettings, table: Catalogue) -> Unit:
    asked = settings.unit
    reference = {SignalRef.parse(k): v for k, v in asked.reference.items()}
    if asked.circuit is None:
        unit = _bare(settings)
    else:
        unit = unit_from_circuit(
            unit_id=asked.id,
            circuit=asked.circuit,
            site=asked.site,
            province=asked.province,
            model=asked.model,
            mineral=asked.mineral,
            nameplate_tph=asked.nameplate_tph,
            target_tph=asked.target_tph,
            comms_grace_s=asked.comms_grace_s,
            latitude=asked.latitude,
            longitude=asked.longitude,
            table=table,
        )
    machines = dict(unit.machines)
    for machine in settings.machine:
        machines[machine.id] = _machine(machine, table)
    unit = replace(unit, machines=machines, reference={**unit.reference, **reference})
    for ref, value in reference.items():
        cls = table.classes.get(_known(unit, ref, "unit.reference").machines[ref.machine].cls)
        if cls is None or ref.signal not in cls.signals:
            raise UnitError(f"unit.reference.{ref}: {value!r}; allowed: signals whose limits are ratios")
        unit = _with_signal(unit, ref, cls.signals[ref.signal].resolved(value))
    for key, change in asked.signal.items():
        ref = SignalRef.parse(key)
        signal = _known(unit, ref, "unit.signal").signal(ref)
        unit = _with_signal(unit, ref, _changed(signal, change, f"unit.signal.{key}"))
    if asked.roles is not None:
        unit = replace(unit, roles=_roles(asked.roles))
    for ref in unit.roles.refs():
        _known(unit, ref, "unit.roles")
    for ref in settings.fed():
        _known(unit, ref, "source")
    return unit


def _bare(settings: AgentSettings) -> Unit:
    asked = settings.unit
    if asked.roles is None or asked.nameplate_tph is None or asked.mineral is None:
        raise UnitError("unit: without circuit, roles, nameplate_tph and mineral must be set")
    return Unit(
        id=asked.id,
        site=asked.site,
        province=asked.province,
        mineral=asked.mineral,
        circuit="own",
        model=asked.model,
        nameplate_tph=asked.nameplate_tph,
        target_tph=asked.target_tph or asked.nameplate_tph,
        machines={},
        roles=_roles(asked.roles),
        comms_grace_s=asked.comms_grace_s,
        latitude=asked.latitude,
        longitude=asked.longitude,
    )


def _known(unit: Unit, ref: SignalRef, where: str) -> Unit:
    machine = unit.machines.get(ref.machine)
    if machine is None:
        raise UnitError(f"{where}: no machine {ref.machine!r}; allowed: {', '.join(unit.machines)}")
    if ref.signal not in machine.signals:
        allowed = ", ".join(machine.signals)
        raise UnitError(f"{where}: machine {ref.machine!r} has no signal {ref.signal!r}; allowed: {allowed}")
    return unit


def _with_signal(unit: Unit, ref: SignalRef, signal: Signal) -> Unit:
    machine = unit.machines[ref.machine]
    changed = Machine(machine.id, machine.cls, {**machine.signals, ref.signal: signal})
    return replace(unit, machines={**unit.machines, ref.machine: changed})


def _machine(settings: MachineSettings, table: Catalogue) -> Machine:
    known = table.classes.get(settings.cls)
    signals = dict(known.signals) if known else {}
    for entry in settings.signals:
        where = f"machine.{settings.id}.{entry.name}"
        signals[entry.name] = _changed(signals.get(entry.name, Signal(name=entry.name)), entry, where)
    if not signals:
        classes = ", ".join(table.classes)
        raise UnitError(f"machine.{settings.id}: class {settings.cls!r} needs signals, or one of: {classes}")
    return Machine(settings.id, settings.cls, signals)


def _changed(signal: Signal, change: SignalSettings, where: str) -> Signal:
    values: dict[str, Any] = change.model_dump(exclude_none=True, exclude={"name", "lossless"})
    if "kind" in values:
        values["kind"] = SignalKind(values["kind"])
    if "priority" in values:
        values["priority"] = Priority(values["priority"])
    if change.lossless:
        values["resolution"] = None
    out = replace(signal, **values)
    if not out.low < out.high:
        raise UnitError(f"{where}: low {out.low!r}, high {out.high!r}; allowed: low below high")
    return out


def _roles(settings: RoleSettings) -> Roles:
    def many(texts: tuple[str, ...]) -> tuple[SignalRef, ...]:
        return tuple(map(SignalRef.parse, texts))

    return Roles(
        flow=SignalRef.parse(settings.flow),
        total=SignalRef.parse(settings.total),
        main=SignalRef.parse(settings.main),
        no_load=settings.no_load,
        full_load=settings.full_load,
        hopper=SignalRef.parse(settings.hopper) if settings.hopper else None,
        upstream=many(settings.upstream),
        drives=many(settings.drives),
        plugged=many(settings.plugged),
        tripped=many(settings.tripped),
        energised=many(settings.energised),
    )
