"""The compose file cannot run here; what it says can be checked: parts, secrets, doors, settings and files."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from api.settings import ApiSettings
from collector.settings import PREFIX, CollectorSettings
from dashboards.settings import PREFIX as DASHBOARDS_PREFIX
from dashboards.settings import DashboardsSettings
from deploy.write_units import FOLDER, unit_files
from edge_agent.settings import read_agent_settings
from orewatch.cli import COMMANDS
from orewatch.settings import read_settings

ROOT = Path(__file__).parents[3]
OURS = ("collector", "api", "dashboards", "simulator", "agent-pb-01", "agent-zn-01", "agent-mn-01", "agent-bx-01")
OTHERS = ("mosquitto", "influxdb", "grafana")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy/make-secrets", folder], check=True, capture_output=True)
    return folder


def environment(service: dict[str, Any], secrets: Path) -> dict[str, str]:
    return {k: str(v).replace("/run/secrets", str(secrets)) for k, v in service.get("environment", {}).items()}


def test_every_part_is_there_and_watched(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, *OTHERS}
    for name, service in compose["services"].items():
        # What runs once and ends has an exit code instead.
        assert "healthcheck" in service or name == "dashboards"
        assert service["restart"]
        assert service["logging"]["options"]["max-size"]


def test_nothing_is_published_beyond_loopback(compose: dict[str, Any]) -> None:
    published = {port for s in compose["services"].values() for port in s.get("ports", [])}
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)
    # Each of these asks for a password or a token; Modbus and InfluxDB stay inside.
    assert {name for name, s in compose["services"].items() if "ports" in s} == {"mosquitto", "api", "grafana"}
    assert compose["services"]["simulator"]["networks"] == ["plant"]
    assert compose["networks"]["plant"]["internal"]
    assert compose["services"]["influxdb"]["networks"] == ["centre"]
    assert compose["networks"]["centre"]["internal"]
    assert compose["services"]["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"


def test_our_own_parts_have_no_rights_they_do_not_need(compose: dict[str, Any]) -> None:
    for name in (*OURS, "mosquitto"):
        service = compose["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "USER orewatch" in (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")


def test_secrets_come_from_files_and_all_of_them_are_made(compose: dict[str, Any], secrets: Path) -> None:
    made = {p.name for p in secrets.iterdir()}
    assert made == set(compose["secrets"])
    assert len({(secrets / name).read_text() for name in made}) == len(made)
    for name, service in compose["services"].items():
        given = set(service.get("secrets", []))
        assert given <= made
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("_FILE"), f"{name}: {key} holds a secret itself"
                assert str(value).removeprefix("/run/secrets/") in given
    ignored = subprocess.run(
        ["git", "check-ignore", "deploy/secrets/api_token"], cwd=ROOT, check=False, capture_output=True
    )
    if (ROOT / ".git").exists():
        assert ignored.returncode == 0


def test_secrets_that_are_there_are_kept(secrets: Path) -> None:
    before = {p.name: p.read_text() for p in secrets.iterdir()}
    subprocess.run([ROOT / "deploy/make-secrets", secrets], check=True, capture_output=True)
    assert {p.name: p.read_text() for p in secrets.iterdir()} == before
    assert all(len(text) == 48 for text in before.values())


def test_volumes_and_networks_are_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"]
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_the_settings_of_our_parts_are_right(compose: dict[str, Any], secrets: Path) -> None:
    services = compose["services"]
    of_collector = environment(services["collector"], secrets)
    collector = read_settings(CollectorSettings, prefix=PREFIX, environ=of_collector)
    assert collector.influx is not None
    assert collector.influx.token is not None
    assert collector.influx.token.get_secret_value() == (secrets / "influx_token").read_text()
    api = read_settings(ApiSettings, prefix="OREWATCH_API_", environ=environment(services["api"], secrets))
    assert api.token is not None
    assert api.journal == collector.journal_path
    of_dashboards = environment(services["dashboards"], secrets)
    boards = read_settings(DashboardsSettings, prefix=DASHBOARDS_PREFIX, environ=of_dashboards)
    assert boards.grafana.password == (secrets / "grafana_password").read_text()
    influx = services["influxdb"]["environment"]
    assert {collector.influx.bucket, api.influx_database, boards.influx.database} == {
        influx["DOCKER_INFLUXDB_INIT_BUCKET"]
    }
    assert collector.influx.organisation == influx["DOCKER_INFLUXDB_INIT_ORG"]


def test_commands_exist(compose: dict[str, Any]) -> None:
    for name in OURS:
        assert compose["services"][name]["command"][0] in COMMANDS


def test_the_units_files_are_what_the_code_writes() -> None:
    kept = {f.name: f.read_text(encoding="utf-8") for f in FOLDER.glob("*.toml")}
    assert kept == unit_files(), "run: python -m deploy.write_units"


@pytest.mark.parametrize("name", ["pb-01", "zn-01", "mn-01", "bx-01"])
def test_every_agent_has_its_file_its_secret_and_its_place(
    compose: dict[str, Any], secrets: Path, tmp_path: Path, name: str
) -> None:
    service = compose["services"][f"agent-{name}"]
    assert service["command"] == ["agent", "--config", f"/etc/orewatch/{name}.toml"]
    assert service["secrets"] == [f"mqtt_{name}"]
    assert f"spool-{name}:/var/lib/orewatch" in service["volumes"]
    assert f"{name}.toml" in service["healthcheck"]["test"][1]
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").replace("/run/secrets", str(secrets))
    file = tmp_path / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    settings = read_agent_settings(file, environ={})
    assert tomllib.loads(text)["unit"]["id"] == name
    assert settings is not None


def test_the_image_gets_every_package() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for package in ("orewatch", "edge_agent", "collector", "api", "dashboards"):
        assert f"COPY {package} {package}" in dockerfile
        assert f"!{package}" in kept
    assert "--require-hashes" in dockerfile
    for script in ("deploy/make-secrets", "deploy/mosquitto/start.sh"):
        assert os.access(ROOT / script, os.X_OK)
