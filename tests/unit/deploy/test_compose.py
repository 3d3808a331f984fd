"""What the compose file says: parts, doors, rights, secrets, settings and files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from api.settings import ApiSettings
from collector.settings import PREFIX, CollectorSettings
from deploy.write_units import FOLDER, unit_files
from edge_agent.settings import AgentSettings
from orewatch.authority.centre import AUDIENCES
from orewatch.cli import COMMANDS
from orewatch.settings import read_settings
from tests.system.compose_file import ROOT, Layout, mounts, read_compose

AGENTS = ("agent-pb-01", "agent-zn-01", "agent-mn-01", "agent-bx-01")
ONCE = ("init", "init-demo", "storage-init")
DEMO = {"init-demo", "simulator", *AGENTS}
OURS = ("collector", "api", *DEMO, *ONCE)
OTHERS = ("mosquitto", "influxdb", "grafana")
# The users of these images, none of them root.
USERS = {"mosquitto": "1883:1883", "influxdb": "1000:1000", "grafana": "472:0"}
OUR_USER = "10001:10001"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_compose()


def test_every_part_is_there_and_watched(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, *OTHERS}
    for name, service in compose["services"].items():
        # What runs once and ends has an exit code instead.
        assert ("healthcheck" in service) == (name not in ONCE), name
        assert service["restart"].startswith("on-failure:" if name in ONCE else "unless-stopped")
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
        assert (service.get("profiles") == ["demo"]) == (name in DEMO), name


def test_nothing_waits_for_what_the_profile_leaves_out(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed not in DEMO or name in DEMO
            condition = "service_completed_successfully" if needed in ONCE else how["condition"]
            assert how["condition"] == condition
            assert condition != "service_healthy" or "healthcheck" in services[needed]
    # `up --wait` takes one that ends for done only where somebody waits for its end.
    assert set(ONCE) <= {needed for s in services.values() for needed in s.get("depends_on", {})}


def test_a_store_that_is_away_stops_neither_collector_nor_service(compose: dict[str, Any]) -> None:
    def needs(name: str) -> set[str]:
        direct = set(compose["services"][name].get("depends_on", {}))
        return direct.union(*(needs(n) for n in direct))

    assert not {"influxdb", "storage-init"} & (needs("collector") | needs("api"))


def test_nothing_is_published_beyond_loopback_unless_told(compose: dict[str, Any]) -> None:
    published = {port for s in compose["services"].values() for port in s.get("ports", [])}
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)
    told = read_compose({"OREWATCH_BROKER_ADDRESS": "0.0.0.0"})["services"]
    assert told["mosquitto"]["ports"] == ["0.0.0.0:8883:8883"]
    assert told["api"]["ports"] == ["127.0.0.1:8080:8080"]
    # Each of these asks for a certificate, a token or a password; Modbus and InfluxDB stay inside.
    assert {name for name, s in compose["services"].items() if "ports" in s} == {"mosquitto", "api", "grafana"}
    assert compose["services"]["simulator"]["networks"] == ["plant"]
    assert compose["services"]["influxdb"]["networks"] == ["centre"]
    assert all(compose["networks"][n]["internal"] for n in ("plant", "centre"))
    assert compose["services"]["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    for name in ("init", "init-demo"):
        assert compose["services"][name]["network_mode"] == "none"


def test_no_part_has_rights_it_does_not_need(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert service["user"] == USERS.get(name, OUR_USER), name
        assert service["mem_limit"]
        assert 0 < service["cpus"] <= 2
        assert 16 <= service["pids_limit"] <= 512


def test_every_image_is_pinned_and_comes_from_the_registry_told(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", service["image"]), service["image"]
    told = {
        "OREWATCH_REGISTRY": "registry.example.ir/",
        **{f"OREWATCH_{n}_DIGEST": "@sha256:0" for n in ("PYTHON", "MOSQUITTO", "INFLUXDB", "GRAFANA")},
    }
    services = read_compose(told)["services"]
    for name, service in services.items():
        assert service["image"].startswith("registry.example.ir/"), name
        assert service["image"].endswith("@sha256:0") == (name in OTHERS), name
    assert services["init"]["build"]["args"]["PYTHON_IMAGE"].startswith("registry.example.ir/python:3.13.")
    assert services["init"]["build"]["args"]["PYTHON_IMAGE"].endswith("@sha256:0")


def test_our_image_is_built_once_and_asked_of_no_registry(compose: dict[str, Any]) -> None:
    services = compose["services"]
    # Builds of one tag side by side fail: "already exists".
    assert [name for name, s in services.items() if "build" in s] == ["init"]
    assert {name for name, s in services.items() if s["image"] == services["init"]["image"]} == set(OURS)
    assert {services[name]["pull_policy"] for name in OURS} == {"never"}


def test_everybody_mounts_their_own_secrets_and_only_those(compose: dict[str, Any]) -> None:
    wanted = {a.name: f"secrets-{a.name}" for a in AUDIENCES}
    wanted |= {name: f"secrets-{name.removeprefix('agent-')}" for name in AGENTS}
    # It speaks to the store as the collector does.
    wanted |= {"storage-init": "secrets-collector"}
    for name, service in compose["services"].items():
        secret = [(s, t, ro) for s, t, ro in mounts(service) if s.startswith(("secrets-", "authority"))]
        if name in {"init", "init-demo"}:
            assert ("authority", "/authority", False) in secret
            continue
        assert secret == ([(wanted[name], "/run/secrets", True)] if name in wanted else []), name
        # The parts of other makers read as members of the group that the files belong to.
        assert (service.get("group_add") == ["10001"]) == (name in OTHERS), name


def test_init_hands_out_to_every_part_and_the_image_has_the_places(compose: dict[str, Any]) -> None:
    handed = {s: t for n in ("init", "init-demo") for s, t, _ in mounts(compose["services"][n])}
    assert handed.pop("authority") == "/authority"
    assert handed == {s: f"/secrets/{s.removeprefix('secrets-')}" for s in handed}
    assert set(handed) == {v for v in compose["volumes"] if v.startswith("secrets-")}
    assert {f"secrets-{a.name}" for a in AUDIENCES} == {
        s for s, _, _ in mounts(compose["services"]["init"]) if s != "authority"
    }
    # A new volume takes its owner from the image's folder; without one it would belong to root.
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    made = set(re.findall(r"(?<=\s)/(?:secrets|authority|var/lib)[\w/-]*", dockerfile.partition("install -d")[2]))
    ours = {t for n in OURS for s, t, _ in mounts(compose["services"][n]) if s in compose["volumes"]}
    assert ours - {"/run/secrets"} <= made


def test_no_secret_stands_in_a_variable(compose: dict[str, Any]) -> None:
    given = {a.name: set(a.secrets) for a in AUDIENCES}
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("_FILE"), f"{name}: {key} holds a secret itself"
                secret = str(value).removeprefix("/run/secrets/")
                assert secret in given["collector" if name == "storage-init" else name]
    assert "secrets" not in compose


def test_volumes_and_networks_are_declared_and_used(compose: dict[str, Any]) -> None:
    used = set()
    for service in compose["services"].values():
        for source, _, read_only in mounts(service):
            assert source.startswith("./") or source in compose["volumes"]
            assert not source.startswith("./") or read_only
            used.add(source)
        assert set(service.get("networks", [])) <= set(compose["networks"])
    assert set(compose["volumes"]) <= used


def test_bound_folders_are_there(compose: dict[str, Any]) -> None:
    bound = {s for service in compose["services"].values() for s, _, _ in mounts(service) if s.startswith("./")}
    assert [s for s in bound if not any((ROOT / s).iterdir())] == []


def settings_of(layout: Layout, name: str) -> dict[str, str]:
    laid = layout.service(name)
    for key, value in laid.environ.items():
        if key.endswith(("TOKEN_FILE", "PASSWORD_FILE")):
            (laid.root / "run/secrets").mkdir(parents=True, exist_ok=True)
            Path(value).write_text(f"a secret of {key}", encoding="utf-8")
    return laid.environ


def test_the_settings_of_our_parts_are_right(compose: dict[str, Any], tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path, ports={})
    environ = settings_of(layout, "collector")
    collector = read_settings(CollectorSettings, prefix=PREFIX, environ=environ)
    first = read_settings(CollectorSettings, prefix=PREFIX, environ=settings_of(layout, "storage-init"))
    api = read_settings(ApiSettings, prefix="OREWATCH_API_", environ=settings_of(layout, "api"))
    assert collector.influx is not None
    assert collector.influx == first.influx
    assert collector.influx.token is not None
    assert api.token is not None
    assert api.journal is not None
    assert layout.volume("journal") / "journal.db" == api.journal.resolve() == collector.journal_path.resolve()
    influx = compose["services"]["influxdb"]["environment"]
    assert {collector.influx.bucket, api.influx_database} == {influx["DOCKER_INFLUXDB_INIT_BUCKET"]}
    assert collector.influx.organisation == influx["DOCKER_INFLUXDB_INIT_ORG"]
    assert collector.influx.url == api.influx_url
    for broker in (collector.broker, api.broker):
        assert broker.port == 8883
        assert broker.username is None
        assert broker.password is None


def test_commands_exist(compose: dict[str, Any]) -> None:
    for name in OURS:
        assert compose["services"][name]["command"][0] in COMMANDS


def test_the_units_files_are_what_the_code_writes() -> None:
    kept = {f.name: f.read_text(encoding="utf-8") for f in FOLDER.glob("*.toml")}
    assert kept == unit_files(), "run: python -m deploy.write_units"


@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_has_its_file_its_certificate_and_its_place(compose: dict[str, Any], agent: str) -> None:
    unit = agent.removeprefix("agent-")
    service = compose["services"][agent]
    assert service["command"] == ["agent", "--config", f"/etc/orewatch/{unit}.toml"]
    assert (f"spool-{unit}", "/var/lib/orewatch", False) in mounts(service)
    assert unit in compose["services"]["init-demo"]["command"]
    settings = AgentSettings.model_validate(tomllib.loads((FOLDER / f"{unit}.toml").read_text(encoding="utf-8")))
    assert settings.unit.id == unit
    tls = settings.uplink[0].tls
    assert tls is not None
    assert {str(f.parent) for f in (tls.ca_file, tls.cert_file, tls.key_file) if f} == {"/run/secrets"}
    assert str(settings.spool.path) == f"/var/lib/orewatch/{unit}.db"


def test_the_example_of_env_names_every_variable_and_no_other() -> None:
    said = set(re.findall(r"^#(\w+)=", (ROOT / "deploy/env.example").read_text(encoding="utf-8"), re.MULTILINE))
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert said == asked


def test_the_image_gets_every_package() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for package in ("orewatch", "edge_agent", "collector", "api", "dashboards"):
        assert f"COPY {package} {package}" in dockerfile
        assert f"!{package}" in kept
    assert "--require-hashes" in dockerfile
    assert "USER 10001:10001" in dockerfile


def test_the_guide_tells_what_each_part_is_given() -> None:
    guide = (ROOT / "docs/guides/deploy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w, -]+) \| (`[\w.`, ]+`) \|$", guide, re.MULTILINE)
    told = {name: set(re.findall(r"`([^`]+)`", files)) for names, files in rows for name in names.split(", ")}
    tls = {"ca.crt", "tls.crt", "tls.key"}
    for audience in AUDIENCES:
        given = {
            *audience.secrets,
            *(tls if audience.kind else ()),
            *({"crl.pem"} if audience.kind == "server" else ()),
        }
        assert told[audience.name] == given
    assert told["storage-init"] == told["collector"]


def test_the_guide_waits_for_what_init_hands_out_before_it_restarts_anybody() -> None:
    guide = (ROOT / "docs/guides/deploy.md").read_text(encoding="utf-8")
    before = re.findall(r"^\$ (.*) && docker compose restart", guide, re.MULTILINE)
    # `up --detach` comes back while init still runs: the broker would read the old list of what was taken back.
    assert before == ["docker compose run --rm init"] * 2
