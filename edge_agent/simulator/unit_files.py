"""Agent configurations for simulated units."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from edge_agent.simulator.registers import register_map
from edge_agent.sources.registers import RegisterSpec
from orewatch.plant.unit import unit_from_circuit

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.plant.unit import Unit

# id, circuit, site, province, model, target in t/h, latitude and longitude (approximate).
_DEMO: Final = (
    ("pb", "lead", "Nakhlak", "Isfahan", "MPU-6", 5.5, 33.57, 53.85),
    ("zn", "zinc", "Angouran", "Zanjan", "MPU-8", 7.5, 36.62, 47.41),
    ("mn", "manganese", "Venarch", "Qom", "MPU-15", 14.0, 34.4, 50.7),
    ("bx", "bauxite", "Jajarm", "North Khorasan", "MPU-30", 28.0, 37.0, 56.4),
)
FIRST_PORT: Final = 5020
DEFAULTS: Final = {
    f: RegisterSpec.__dataclass_fields__[f].default for f in ("word_order", "byte_order", "offset", "bit")
}


def demo_units(count: int = len(_DEMO)) -> tuple[Unit, ...]:
    """Return ``count`` units: pb-01, zn-01, mn-01, bx-01, then pb-02 and so on."""
    units = []
    for number in range(count):
        turn, which = divmod(number, len(_DEMO))
        prefix, circuit, site, province, model, target, latitude, longitude = _DEMO[which]
        units.append(
            unit_from_circuit(
                unit_id=f"{prefix}-{turn + 1:02d}",
                circuit=circuit,
                site=site,
                province=province,
                model=model,
                target_tph=target,
                latitude=latitude,
                longitude=longitude,
            )
        )
    return tuple(units)


def unit_toml(
    unit: Unit,
    *,
    plc_host: str = "127.0.0.1",
    plc_port: int = FIRST_PORT,
    plc_timeout_s: float = 1.0,
    broker_host: str = "127.0.0.1",
    broker_port: int = 1883,
    spool: str | Path | None = None,
    group: str = "orewatch",
    collector: str = "orewatch",
) -> str:
    """Return the agent's TOML for a unit behind a simulated PLC; ``spool`` is the spool's file."""
    lines = [
        f"# {unit.id}: {unit.mineral}, {unit.site}. What the agent on this unit needs to know.",
        "# Made by `orewatch simulate --write-units`; every key is checked when the agent starts.",
        "",
        "[unit]",
        *_table(
            id=unit.id,
            circuit=unit.circuit,
            site=unit.site,
            province=unit.province,
            mineral=unit.mineral,
            model=unit.model,
            nameplate_tph=unit.nameplate_tph,
            target_tph=unit.target_tph,
            comms_grace_s=unit.comms_grace_s,
            latitude=unit.latitude,
            longitude=unit.longitude,
        ),
        "",
        "# Set points and charge values that limits refer to, in the signal's own unit.",
        "[unit.reference]",
        *(f"{_text(str(ref))} = {_value(value)}" for ref, value in unit.reference.items()),
        "",
        "[spool]",
        *_table(path=str(spool or f"/var/lib/orewatch/{unit.id}.db"), max_mb=512, block_bytes=4096, block_seconds=60),
        "",
        "[[uplink]]",
        *_table(name="main", host=broker_host, port=broker_port, group=group, collector=collector),
        "",
        "[[source]]",
        *_table(
            kind="modbus",
            name="plc",
            transport="tcp",
            host=plc_host,
            port=plc_port,
            device_id=1,
            timeout_s=plc_timeout_s,
        ),
        "register = [",
        *(f"  {_register(r)}," for r in register_map(unit)),
        "]",
    ]
    return "\n".join(lines) + "\n"


def example_files() -> dict[str, str]:
    """Return the examples in deploy/units by file name: the demo's units, each with a PLC port of its own."""
    return {
        f"{unit.id}.toml": unit_toml(unit, plc_port=FIRST_PORT + number) for number, unit in enumerate(demo_units())
    }


def _register(r: RegisterSpec) -> str:
    table: dict[str, object] = {
        "machine": r.machine,
        "signal": r.signal,
        "table": r.table.value,
        "address": r.address,
        "type": r.type.value,
    }
    if r.scale != 1.0:
        table["scale"] = r.scale
    table |= {name: getattr(r, name) for name, usual in DEFAULTS.items() if getattr(r, name) != usual}
    return "{ " + ", ".join(_table(**table)) + " }"


def _table(**values: object) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]


def _value(value: object) -> str:
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    # A JSON string without control characters beyond \n and \t is a TOML basic string too.
    return json.dumps(str(value), ensure_ascii=False)
