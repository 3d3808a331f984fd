"""Grafana cannot run here: its variables, its files and the places they name are compared with each other instead."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from orewatch.authority.centre import AUDIENCES
from tests.system.compose_file import ROOT, mounts, read_compose

PROVISIONING = ROOT / "deploy/grafana/provisioning"
# Grafana's own places and sections: GF_<SECTION>_<KEY>.
SECTIONS = ("SECURITY", "AUTH_ANONYMOUS", "USERS", "LOG", "ANALYTICS", "PLUGINS", "NEWS")


@pytest.fixture(scope="module")
def grafana() -> dict[str, Any]:
    service: dict[str, Any] = read_compose()["services"]["grafana"]
    return service


def provisioned(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in sorted((PROVISIONING / kind).glob("*.yaml")):
        found += yaml.safe_load(file.read_text(encoding="utf-8"))["providers" if kind == "dashboards" else kind]
    return found


def test_variables_have_grafanas_form_and_nothing_is_open(grafana: dict[str, Any]) -> None:
    environ = grafana["environment"]
    assert all(re.fullmatch(rf"GF_({'|'.join(SECTIONS)})_\w+", key) for key in environ)
    # A secret's file is named with two underscores here, and with two only.
    assert [k for k in environ if k.endswith("_FILE")] == ["GF_SECURITY_ADMIN_PASSWORD__FILE"]
    assert environ["GF_AUTH_ANONYMOUS_ENABLED"] == environ["GF_USERS_ALLOW_SIGN_UP"] == "false"
    for key, value in environ.items():
        if "REPORTING" in key or "CHECK_FOR" in key or "FEED" in key:
            assert value == "false", key


def test_the_data_source_reads_what_compose_gives() -> None:
    (source,) = provisioned("datasources")
    services = read_compose()["services"]
    assert source["url"] == services["collector"]["environment"]["OREWATCH_COLLECTOR_INFLUX__URL"]
    assert source["jsonData"]["dbName"] == services["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"]
    files = re.findall(r"\$__file\{([^}]*)\}", json.dumps(source))
    (given,) = (a.secrets for a in AUDIENCES if a.name == "grafana")
    assert files
    assert {f.removeprefix("/run/secrets/") for f in files} <= set(given)


def test_the_boards_lie_where_grafana_looks(grafana: dict[str, Any]) -> None:
    (provider,) = provisioned("dashboards")
    bound = {target: source for source, target, _ in mounts(grafana)}
    assert bound["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"
    folder = ROOT / bound[provider["options"]["path"]]
    boards = [json.loads(f.read_text(encoding="utf-8")) for f in folder.glob("*.json")]
    assert len(boards) == len({b["uid"] for b in boards}) > 0
    (source,) = provisioned("datasources")
    asked = set(re.findall(r'"uid": "([^"]+)"', "".join(json.dumps(b["panels"]) for b in boards)))
    assert source["uid"] in asked
