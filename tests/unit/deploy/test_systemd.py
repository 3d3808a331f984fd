"""The units for systemd: systemd itself finds nothing to say, and what they set are settings."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from api.settings import ApiSettings
from collector.settings import CollectorSettings
from orewatch.authority.cabinet import Cabinet
from orewatch.authority.centre import prepare
from orewatch.cli import COMMANDS
from orewatch.settings import read_settings
from tests.servers import program
from tests.system.compose_file import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy/systemd"
SERVICES = sorted(f.name for f in FOLDER.glob("*.service"))
COMMAND = "/opt/orewatch/bin/orewatch"
# Of 10; systemd calls up to 2 "OK".
MOST_EXPOSED = 2.0
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def lines(name: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE)


def analysed(folder: Path, name: str, text: str, *words: str) -> str:
    file = folder / name
    # The command is elsewhere on this machine.
    file.write_text(text.replace(COMMAND, sys.executable), encoding="utf-8")
    instance = str(file).replace("@.", "@zn-01.")
    done = subprocess.run(
        [program("systemd-analyze"), *words, instance if words == ("verify",) else str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # Of this machine's own units it may have a lot to say.
    return "".join(line + "\n" for line in (done.stdout + done.stderr).splitlines() if "orewatch" in line)


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_has_nothing_to_say(tmp_path: Path, name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert analysed(tmp_path, name, text, "verify") == ""
    assert "ProtectSistem" in analysed(tmp_path, name, text.replace("ProtectSystem", "ProtectSistem"), "verify")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_more_exposed_than_it_needs(tmp_path: Path, name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    told = analysed(tmp_path, name, text, "security", "--offline=true", "--no-pager")
    found = re.search(r"Overall exposure level for .*?: ([\d.]+) ", told)
    assert found, told
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("name", SERVICES)
def test_it_is_checked_before_it_starts_and_starts_again_for_ever(name: str) -> None:
    (start,) = lines(name, "ExecStart")
    (before,) = lines(name, "ExecStartPre")
    command = start.removeprefix(f"{COMMAND} ").split()[0]
    assert command in COMMANDS
    assert before == start.replace(f"{command} ", f"{command} --check ", 1)
    assert lines(name, "Restart") == ["always"]
    assert lines(name, "User") == ["orewatch"]


@pytest.mark.parametrize(
    ("name", "file", "model", "prefix"),
    [
        ("orewatch-collector.service", "collector.toml", CollectorSettings, "OREWATCH_COLLECTOR_"),
        ("orewatch-api.service", "api.toml", ApiSettings, "OREWATCH_API_"),
    ],
)
def test_what_it_sets_are_settings_and_init_makes_every_credential(
    tmp_path: Path, name: str, file: str, model: type[CollectorSettings | ApiSettings], prefix: str
) -> None:
    made = tmp_path / "secrets"
    list(prepare(Cabinet(folder=tmp_path / "authority", now=NOW), hand_out=made, hosts=[]))
    given = dict(credential.split(":", 1) for credential in lines(name, "LoadCredential"))
    (part,) = {place.split("/")[4] for place in given.values()}
    for credential, place in given.items():
        assert place == f"/etc/orewatch/secrets/{part}/{credential}"
        assert (made / part / credential).exists()
    environ = dict(line.replace("%d", str(made / part)).split("=", 1) for line in lines(name, "Environment"))
    settings = read_settings(model, file=FOLDER / file, prefix=prefix, environ=environ)
    assert settings.broker.port == 8883
    # What is handed out is used, all of it.
    used = {value.rpartition("/")[2] for value in environ.values() if str(made) in value}
    assert used == set(given)


def test_without_influxdb_as_the_guide_says_the_embedded_store_is_all_there_is(tmp_path: Path) -> None:
    guide = (ROOT / "docs/guides/deploy.md").read_text(encoding="utf-8")
    (unset,) = re.findall(r"UnsetEnvironment=(\w+)", guide)
    (tmp_path / "token").write_text("a token of InfluxDB")
    for name, file, model in (("collector", "collector.toml", CollectorSettings), ("api", "api.toml", ApiSettings)):
        text = (FOLDER / file).read_text(encoding="utf-8").partition("[influx]")[0]
        (tmp_path / file).write_text(re.sub(r"^influx_.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
        set_there = dict(line.split("=", 1) for line in lines(f"orewatch-{name}.service", "Environment"))
        environ = {k: str(tmp_path / "token") for k in set_there if k.endswith("TOKEN_FILE") and k != unset}
        settings = read_settings(model, file=tmp_path / file, prefix=f"OREWATCH_{name.upper()}_", environ=environ)
        assert getattr(settings, "influx" if name == "collector" else "influx_url") is None


def test_the_guide_makes_the_stores_levels_before_the_services_start() -> None:
    guide = (ROOT / "docs/guides/deploy.md").read_text(encoding="utf-8").partition("## systemd")[2]
    made = "orewatch storage init --config /etc/orewatch/collector.toml"
    assert 0 < guide.index(made) < guide.index("systemctl enable --now orewatch-collector")
    token = "OREWATCH_COLLECTOR_INFLUX__TOKEN_FILE=/etc/orewatch/secrets/collector/influx_token"
    assert guide.index(token) < guide.index(made)


def test_a_units_folder_is_what_its_service_wants() -> None:
    name = "orewatch-agent@.service"
    given = {c.split(":")[0]: c.split(":")[1] for c in lines(name, "LoadCredential")}
    assert given == {n: f"/etc/orewatch/%i/{n}" for n in ("ca.crt", "tls.crt", "tls.key")}


def test_systemd_makes_the_user_they_run_as() -> None:
    words = [program("systemd-sysusers"), "--dry-run", str(FOLDER / "orewatch.sysusers")]
    told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert "orewatch" in told.stdout + told.stderr
    assert told.returncode == 0
