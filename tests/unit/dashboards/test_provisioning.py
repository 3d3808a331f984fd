"""Grafana's provisioning files make the data source and the boards that a deployment makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dashboards.build import GENERATED
from dashboards.grafana import FOLDER_TITLE, FOLDER_UID
from dashboards.source import InfluxSource

ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
TOKEN = "$__file{/run/secrets/influx_token}"


def read(name: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((PROVISIONING / name).read_text(encoding="utf-8"))
    assert made["apiVersion"] == 1
    return made


def test_the_data_source_is_the_one_that_deploy_makes() -> None:
    (source,) = read("datasources/orewatch.yaml")["datasources"]
    assert source.pop("editable") is False
    assert source == InfluxSource(url="http://influxdb:8086", token=TOKEN).as_datasource()


def test_its_token_is_a_file_that_grafana_has() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    mounts = [volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"]]
    assert "/run/secrets" in [target for _, target in mounts]
    assert ["./deploy/grafana/provisioning", "/etc/grafana/provisioning"] in mounts


def test_the_boards_are_the_generated_ones_in_our_folder() -> None:
    (provider,) = read("dashboards/orewatch.yaml")["providers"]
    assert (provider["folder"], provider["folderUid"]) == (FOLDER_TITLE, FOLDER_UID)
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    bound = {v.split(":")[1]: v.split(":")[0] for v in compose["services"]["grafana"]["volumes"]}
    assert (ROOT / bound[provider["options"]["path"]]).resolve() == GENERATED


def test_no_secret_stands_in_a_file() -> None:
    for file in PROVISIONING.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert "Token" not in text.replace(f"Token {TOKEN}", "")
