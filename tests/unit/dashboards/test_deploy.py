"""Deploying makes data source, folder and dashboards once, and replaces them ever after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dashboards.build import OVERVIEW_UID
from dashboards.deploy import FOLDER_UID, DeployError, GrafanaTarget, InfluxSource, deploy
from dashboards.influxql import DATASOURCE_UID
from orewatch.cli import main
from tests.servers import free_port
from tests.unit.dashboards.grafana_stand_in import grafana

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = InfluxSource(url="http://influxdb:8086", token="t0ken")


@pytest.mark.parametrize("prefix", ["", "/grafana"])
def test_first_and_every_later_deployment(prefix: str) -> None:
    with grafana(prefix) as kept:
        target = GrafanaTarget(url=kept.url, token="secret")
        for version in (1, 2):
            assert deploy(target=target, source=SOURCE) == [f"{kept.url}/d/{OVERVIEW_UID}/x"]
            assert kept.dashboards[OVERVIEW_UID]["version"] == version
    (source,) = kept.datasources.values()
    assert source["uid"] == DATASOURCE_UID
    assert source["url"] == "http://influxdb:8086"
    assert source["jsonData"] == {
        "dbName": "orewatch", "httpMethod": "POST", "version": "InfluxQL", "httpHeaderName1": "Authorization",
    }  # fmt: skip
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token t0ken"}
    assert list(kept.folders) == [FOLDER_UID]
    assert len(kept.dashboards[OVERVIEW_UID]["panels"]) > 10


def test_a_name_and_password_do_as_well() -> None:
    with grafana() as kept:
        target = GrafanaTarget(url=kept.url, username="admin", password="word")
        source = InfluxSource(url="http://old:8086", username="reader", password="pw")
        assert deploy(target=target, source=source)
    (stored,) = kept.datasources.values()
    assert stored["user"] == "reader"
    assert stored["secureJsonData"] == {"password": "pw"}
    assert "httpHeaderName1" not in stored["jsonData"]


@pytest.mark.parametrize(("failing", "permanent"), [(0, True), (403, True), (429, False), (500, False), (503, False)])
def test_refusals_say_what_and_whether_to_try_again(failing: int, permanent: bool) -> None:
    with grafana() as kept:
        kept.failing = failing
        with pytest.raises(DeployError, match=f"Grafana at {kept.url}: ") as caught:
            deploy(target=GrafanaTarget(url=kept.url, token="wrong"), source=SOURCE)
    assert caught.value.permanent is permanent
    assert not kept.dashboards


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DeployError, match="Grafana at") as caught:
        deploy(target=GrafanaTarget(url=url, token="x"), source=SOURCE)
    assert not caught.value.permanent


def test_targets_are_checked() -> None:
    with pytest.raises(ValueError, match=r"grafana\.url: 'grafana:3000'"):
        GrafanaTarget(url="grafana:3000", token="x")
    with pytest.raises(ValueError, match="no credentials"):
        GrafanaTarget(url="http://grafana:3000", username="admin")
    assert "x" not in repr(GrafanaTarget(url="http://g", token="x", password="x"))


def test_the_command_deploys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "token"
    secret.write_text("secret\n")
    with grafana() as kept:
        monkeypatch.setenv("OREWATCH_DASHBOARDS_GRAFANA__URL", kept.url)
        monkeypatch.setenv("OREWATCH_DASHBOARDS_GRAFANA__TOKEN_FILE", str(secret))
        monkeypatch.setenv("OREWATCH_DASHBOARDS_INFLUX__URL", "http://influxdb:8086")
        assert main(["dashboards", "deploy"]) == 0
        assert capsys.readouterr().out == f"{kept.url}/d/{OVERVIEW_UID}/x\n"
        secret.write_text("wrong")
        assert main(["dashboards", "deploy"]) == 1
        assert "Unauthorized" in capsys.readouterr().err
        monkeypatch.delenv("OREWATCH_DASHBOARDS_GRAFANA__TOKEN_FILE")
        assert main(["dashboards", "deploy"]) == 2
        assert "no credentials; allowed: a token" in capsys.readouterr().err


def test_the_command_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "build", "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/overview.json\n"
    assert (tmp_path / "overview.json").stat().st_size > 10_000
