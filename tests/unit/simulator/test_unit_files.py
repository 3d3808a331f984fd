"""The examples in deploy/units are what the agent takes, and what the simulator's PLCs show."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from edge_agent.settings import ModbusSettings, read_agent_settings
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.unit_files import demo_units, example_files, unit_toml
from orewatch.plant.unit import unit_from_circuit

UNITS = {unit.id: unit for unit in demo_units()}
FOLDER = Path(__file__).parents[3] / "deploy" / "units"


@pytest.mark.parametrize("unit_id", UNITS)
def test_the_examples_are_as_generated(unit_id: str) -> None:
    name = f"{unit_id}.toml"
    assert (FOLDER / name).read_text(encoding="utf-8") == example_files()[name], "run: orewatch simulate --write-units"


def test_each_example_has_its_own_plc_and_spool() -> None:
    tables = [tomllib.loads(text) for text in example_files().values()]
    assert len({t["source"][0]["port"] for t in tables}) == len(UNITS)
    assert len({t["spool"]["path"] for t in tables}) == len(UNITS)


@pytest.mark.parametrize("unit_id", UNITS)
def test_the_agent_reads_the_same_registers(unit_id: str) -> None:
    settings = read_agent_settings(FOLDER / f"{unit_id}.toml", environ={})
    (source,) = settings.source
    assert isinstance(source, ModbusSettings)
    assert tuple(r.spec() for r in source.register_) == register_map(UNITS[unit_id])
    unit = UNITS[unit_id]
    for name in ("id", "circuit", "site", "province", "mineral", "nameplate_tph", "target_tph", "latitude"):
        assert getattr(settings.unit, name) == getattr(unit, name)
    assert settings.unit.reference == {str(ref): value for ref, value in unit.reference.items()}


def test_names_in_any_script_survive(tmp_path: Path) -> None:
    unit = unit_from_circuit(unit_id="u-1", circuit="bauxite", site='جاجرم "۲"', province="خراسان\\شمالی", model="m\tx")
    file = tmp_path / "u.toml"
    file.write_text(unit_toml(unit, spool=tmp_path / "s.db", plc_port=1502, broker_host="b"), encoding="utf-8")
    settings = read_agent_settings(file, environ={})
    assert (settings.unit.site, settings.unit.province, settings.unit.model) == (unit.site, unit.province, "m\tx")
    assert settings.unit.latitude is None
    assert settings.spool.path == tmp_path / "s.db"
    assert settings.uplink[0].host == "b"


def test_more_units_than_four_have_their_own_names() -> None:
    units = demo_units(9)
    assert [u.id for u in units[:5]] == ["pb-01", "zn-01", "mn-01", "bx-01", "pb-02"]
    assert len({u.id for u in units}) == 9
