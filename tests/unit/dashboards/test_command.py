"""What ``orewatch dashboards`` says, and with which exit code it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dashboards.build import GENERATED, dashboards
from orewatch.cli import main
from tests.unit.dashboards.grafana_stand_in import grafana

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.dashboards.grafana_stand_in import Grafana


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Grafana]:
    secret = tmp_path / "token"
    secret.write_text("secret\n")
    with grafana() as running:
        monkeypatch.setenv("OREWATCH_DASHBOARDS_GRAFANA__URL", running.url)
        monkeypatch.setenv("OREWATCH_DASHBOARDS_GRAFANA__TOKEN_FILE", str(secret))
        monkeypatch.setenv("OREWATCH_DASHBOARDS_INFLUX__URL", "http://influxdb:8086")
        yield running


def test_the_generated_files_are_what_the_code_builds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "build", "--check"]) == 0, capsys.readouterr().err
    assert {file.stem for file in GENERATED.glob("*.json")} == set(dashboards())


def test_building_is_repeatable_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = ["--output", str(tmp_path / "boards")]
    assert main(["dashboards", "build", *output]) == 0
    files = sorted((tmp_path / "boards").iterdir())
    assert sorted(capsys.readouterr().out.split()) == [str(file) for file in files]
    assert len(files) == 10
    first = {file: file.read_bytes() for file in files}
    assert main(["dashboards", "build", *output]) == 0
    assert {file: file.read_bytes() for file in files} == first
    assert main(["dashboards", "build", "--check", *output]) == 0
    files[0].unlink()
    files[1].write_text("{}")
    (tmp_path / "boards" / "old.json").write_text("{}")
    capsys.readouterr()
    assert main(["dashboards", "build", "--check", *output]) == 1
    told = capsys.readouterr().err
    for line in (
        f"{files[0].name}: missing",
        f"{files[1].name}: differs",
        "old.json: no board of ours; remove it",
        "is stale",
    ):
        assert line in told
    assert files[1].read_text() == "{}"


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["dashboards", "build", "--output", str(tmp_path / "file")]) == 1
    assert "--output" in capsys.readouterr().err


def test_deploying_says_what_became_of_each_part(kept: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "deploy", "--dry-run", "--language", "en"]) == 0
    assert "orewatch-fleet-en: would be created\n" in capsys.readouterr().out
    assert not kept.dashboards
    assert main(["dashboards", "deploy", "--language", "en"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == [
        "data source orewatch: created",
        "folder orewatch: created",
        f"orewatch-fleet-en: created  {kept.url}/d/orewatch-fleet-en/x",
    ]
    assert len(told) == 7
    kept.edit("orewatch-fleet-en", title="Mine")
    assert main(["dashboards", "deploy"]) == 3
    told = capsys.readouterr().out.splitlines()
    assert told[2:4] == ["orewatch-fleet-en: kept: edited by hand; --force overwrites it", "    ~ board: title"]
    assert told[4].startswith("orewatch-fleet-fa: created  ")
    assert main(["dashboards", "deploy", "--dry-run", "--force"]) == 0
    assert "orewatch-fleet-en: would be overwritten, and edits by hand be gone\n" in capsys.readouterr().out
    assert main(["dashboards", "deploy", "--force"]) == 0
    assert "orewatch-fleet-en: overwritten, edits by hand are gone  http" in capsys.readouterr().out


def test_a_grafana_that_goes_away_half_way(kept: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    kept.saves_left = 1
    assert main(["dashboards", "deploy"]) == 1
    told = capsys.readouterr().err
    assert f"Grafana at {kept.url}: Server Error 503" in told
    assert "done before that: data source orewatch, folder orewatch, orewatch-fleet-en\n" in told
    kept.saves_left = None
    assert main(["dashboards", "deploy"]) == 0


def test_who_may_not_enter(kept: Grafana, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text("wrong")
    assert main(["dashboards", "deploy"]) == 1
    told = capsys.readouterr().err
    assert "Unauthorized" in told
    assert "done before that: nothing" in told
    assert "wrong" not in told
    assert not kept.datasources


@pytest.mark.usefixtures("kept")
def test_settings_are_checked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("OREWATCH_DASHBOARDS_GRAFANA__TOKEN_FILE")
    assert main(["dashboards", "deploy"]) == 2
    assert "no credentials; allowed: a token" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["dashboards", "deploy", "--language", "de"])
    assert ended.value.code == 2
    assert "invalid choice: 'de'" in capsys.readouterr().err
