from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.settings import ModbusSettings, read_agent_settings
from edge_agent.simulator.unit_files import demo_units, unit_toml
from edge_agent.unit_file import build_unit
from orewatch.cli import main
from orewatch.plant.catalogue import SignalRef
from orewatch.settings import SettingsError

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

GOOD = """
[unit]
id = "pb-01"
circuit = "lead"
site = "Nakhlak"
province = "Isfahan"

[unit.reference]
"mill.power" = 80.0

[unit.signal."jaw.motor_current"]
warn = 95.0
rate_s = 2.0

[spool]
path = "spool/pb-01.db"

[[uplink]]
host = "broker.example"
password_file = "password"

[[source]]
kind = "modbus"
register = [
  { machine = "jaw", signal = "motor_current", address = 3, type = "int16", scale = 0.1 },
]
"""


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "pb-01.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _unit(tmp_path: Path, text: str) -> Unit:
    file = _written(tmp_path, text)
    return build_unit(read_agent_settings(file, environ={}), file=file)


def test_a_file_becomes_a_unit_and_its_paths_lie_beside_it(tmp_path: Path) -> None:
    settings = read_agent_settings(_written(tmp_path, GOOD), environ={})
    assert settings.spool.path == tmp_path / "spool" / "pb-01.db"
    assert settings.uplink[0].password_file == tmp_path / "password"
    unit = _unit(tmp_path, GOOD)
    jaw = unit.signal(SignalRef("jaw", "motor_current"))
    assert (jaw.warn, jaw.rate_s, jaw.trip) == (95.0, 2.0, 120.0)
    assert unit.signal(SignalRef("mill", "power")).warn == pytest.approx(84.0)
    assert unit.reference[SignalRef("mill", "power")] == 80.0


@pytest.mark.parametrize("unit", demo_units(), ids=lambda u: u.id)
def test_the_examples_describe_the_units_they_were_made_of(tmp_path: Path, unit: Unit) -> None:
    assert _unit(tmp_path, unit_toml(unit)) == unit


def test_variables_override_the_file(tmp_path: Path) -> None:
    environ = {"OREWATCH_AGENT_SPOOL__MAX_MB": "7", "HOME": "/"}
    assert read_agent_settings(_written(tmp_path, GOOD), environ=environ).spool.max_mb == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "pb-01"', 'id = "pb/01"', r"unit\.id = 'pb/01': .*pattern"),
        ('site = "Nakhlak"', f'site = "{"x" * 900}"', r"take 9\d\d bytes together; allowed: 900"),
        ('site = "Nakhlak"', 'site = "a\\u0000b"', r"allowed: 900 printable"),
        ('id = "pb-01"\n', "", r"unit\.id: missing; it must be set"),
        ('circuit = "lead"', 'circuit = "gold"', r"circuit: 'gold' is unknown; allowed: lead, zinc"),
        ('circuit = "lead"', "", r"without circuit, roles, nameplate_tph and mineral must be set"),
        ('site = "Nakhlak"', 'sight = "Nakhlak"', r"unit\.sight = 'Nakhlak': no such setting"),
        ("address = 3", "address = 70000", r"source\.0\.modbus\.register\.0\.address = 70000: .*65535"),
        ('type = "int16"', 'type = "int24"', r"type = 'int24': .*'int16', 'uint16'"),
        ("scale = 0.1", 'table = "coil"', r"type: 'int16' in table 'coil'; allowed: bool"),
        ('kind = "modbus"', 'kind = "opcua"', r"source\.0 .*'opcua'.*'modbus', 'replay'"),
        ('kind = "modbus"', 'kind = "modbus"\ntransport = "rtu"', r"serial_port must be set where transport is 'rtu'"),
        ('signal = "motor_current"', 'signal = "colour"', r"machine 'jaw' has no signal 'colour'; allowed: running"),
        ('machine = "jaw"', 'machine = "moon"', r"source: no machine 'moon'; allowed: feeder, jaw"),
        ('"mill.power" = 80.0', '"moon.power" = 80.0', r"unit\.reference: no machine 'moon'"),
        (
            "warn = 95.0",
            "low = 500.0",
            r"unit\.signal\.jaw\.motor_current: low 500\.0, high 200\.0; allowed: low below",
        ),
        ('[[uplink]]\nhost = "broker.example"', "[[uplink]]\n[[uplink]]", r"uplink\.name: main stands twice"),
        ('password_file = "password"', "port = 0", r"uplink\.0\.port = 0: .*greater than or equal to 1"),
        ('password_file = "password"', "record = 'everything'", r"record = 'everything': .*'blocks' or 'plain'"),
        ("[spool]", "[spool]\nmax_mb = nan", r"spool\.max_mb = nan"),
        ("[spool]", "[spool", r"not TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_file_key_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=message) as caught:
        _unit(tmp_path, GOOD.replace(old, new, 1))
    assert str(tmp_path / "pb-01.toml") in str(caught.value)


def test_one_signal_has_one_register(tmp_path: Path) -> None:
    line = '  { machine = "jaw", signal = "motor_current", address = 9 },\n]'
    with pytest.raises(SettingsError, match=r"jaw\.motor_current is read twice"):
        _unit(tmp_path, GOOD.rstrip().removesuffix("]") + line)


def test_own_machines_and_signals(tmp_path: Path) -> None:
    own = """
[[machine]]
id = "press"
class = "filter_press"
signals = [{ name = "pressure", unit = "kPa", high = 1600, resolution = 1, rate_s = 5 }]
[[machine]]
id = "cone2"
class = "cone_crusher"
signals = [{ name = "raw", lossless = true }]
"""
    unit = _unit(tmp_path, GOOD + own)
    assert unit.signal(SignalRef("press", "pressure")).rate_s == 5
    assert unit.signal(SignalRef("cone2", "raw")).resolution is None
    assert unit.signal(SignalRef("cone2", "lube_pressure")).warn_low == 80
    with pytest.raises(SettingsError, match=r"machine\.x: class 'unheard_of' needs signals, or one of: feeder"):
        _unit(tmp_path, GOOD + '[[machine]]\nid = "x"\nclass = "unheard_of"\n')


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [(GOOD, 0, "Unit pb-01: 12 machines"), (GOOD.replace("lead", "gold"), 2, "circuit: 'gold' is unknown")],
)
def test_the_command_checks_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str
) -> None:
    file = _written(tmp_path, text)
    (tmp_path / "password").write_text("secret\n")
    assert main(["agent", "--config", str(file), "--check"]) == code
    out = capsys.readouterr()
    assert said in out.out + out.err
    assert str(file) in out.out + out.err
    assert not (tmp_path / "spool").exists()


def test_the_command_says_why_it_cannot_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _written(tmp_path, GOOD.replace('password_file = "password"', ""))
    (tmp_path / "spool").write_text("in the way")
    assert main(["agent", "--config", str(file)]) == 1
    assert "allowed: a path in a writable directory" in capsys.readouterr().err
    (tmp_path / "spool").unlink()
    assert main(["agent", "--config", str(_written(tmp_path, GOOD))]) == 2
    assert "password_file" in capsys.readouterr().err


def test_a_replay_example_is_well() -> None:
    example = Path(__file__).parents[3] / "deploy" / "units" / "flotation-replay.toml"
    unit = build_unit(read_agent_settings(example, environ={}), file=example)
    assert len(unit.machines) == 9
    fields: dict[str, Any] = ModbusSettings.model_fields
    assert "register_" in fields


def test_a_source_that_cannot_be_made_names_file_key_and_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = """
[[source]]
kind = "replay"
file = "gone.csv"
row_s = 1
column = [{ column = "a", machine = "jaw", signal = "motor_current" }]
"""
    file = _written(tmp_path, GOOD[: GOOD.index("[[source]]")].replace('password_file = "password"\n', "") + replay)
    assert main(["agent", "--config", str(file), "--check"]) == 2
    told = capsys.readouterr().err
    for part in (str(file), "file =", "gone.csv", "allowed: a readable CSV"):
        assert part in told
