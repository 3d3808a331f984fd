"""The command line says what went wrong, and a command that is not installed says how to get it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orewatch import cli
from orewatch.settings import SettingsError

if TYPE_CHECKING:
    import argparse
    from types import ModuleType


class FakeCommand:
    """A command module, as cli.py sees one."""

    def __init__(self, result: int | Exception) -> None:
        self.result = result

    def add_parser(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        commands.add_parser("tap", help="listen").set_defaults(run=self.run)

    def run(self, _arguments: argparse.Namespace) -> int:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def with_tap(monkeypatch: pytest.MonkeyPatch, module: FakeCommand | Exception) -> None:
    def load(name: str) -> ModuleType | FakeCommand:
        assert name == "orewatch.tap.command"
        if isinstance(module, Exception):
            raise module
        return module

    monkeypatch.setattr("orewatch.cli.importlib.import_module", load)


def test_the_commands_code_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with_tap(monkeypatch, FakeCommand(3))
    assert cli.main(["tap"]) == 3


def test_wrong_settings_stop_the_start_with_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tap(monkeypatch, FakeCommand(SettingsError(["a.toml: port = 0: too small", "a.toml: host: missing"])))
    assert cli.main(["tap"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "orewatch: wrong settings, nothing was started",
        "  a.toml: port = 0: too small",
        "  a.toml: host: missing",
    ]


def test_a_command_that_is_not_installed_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tap(monkeypatch, ModuleNotFoundError("No module named 'x'", name="x"))
    for words in (["tap"], ["tap", "--host", "broker", "more"]):
        assert cli.main(words) == 2
        assert "x is not installed" in capsys.readouterr().err


def test_an_option_that_a_command_has_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["tap", "--hots", "broker"])
    assert caught.value.code == 2
    assert "--hots" in capsys.readouterr().err


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["smelt"])
    assert caught.value.code == 2
    assert "smelt" in capsys.readouterr().err


def test_one_command_imports_nothing_of_the_others() -> None:
    """The edge installs without FastAPI, InfluxDB and Grafana, and starts without paying for them."""
    code = (
        "import sys; from orewatch import cli\n"
        "try: cli.main(['agent', '--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('fastapi', 'influxdb_client', 'apprise', 'grafana_api', 'httpx') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.splitlines()[-1] == "[]", out.stdout
