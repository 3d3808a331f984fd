"""Deploying makes data source, folder and boards once, changes what changed, and keeps what people edited."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dashboards.build import dashboards
from dashboards.deploy import MARK, Fate, deploy
from dashboards.differences import differences
from dashboards.frame import uid_of
from dashboards.grafana import FOLDER_UID, DeployError, GrafanaTarget
from dashboards.influxql import DATASOURCE_UID
from dashboards.language import Language
from dashboards.source import InfluxSource
from tests.servers import free_port
from tests.unit.dashboards.grafana_stand_in import grafana, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.dashboards.grafana_stand_in import Grafana

SOURCE = InfluxSource(url="http://influxdb:8086", token="t0ken")
FLEET, UNIT = uid_of("fleet", Language.ENGLISH), uid_of("unit", Language.PERSIAN)
ALL = len(dashboards())


@pytest.fixture
def kept() -> Iterator[Grafana]:
    with grafana() as running:
        yield running


def fates(kept: Grafana, **how: Any) -> dict[str, Fate]:
    target = GrafanaTarget(url=kept.url, token="secret")
    return {part.name: part.fate for part in deploy(target=target, source=SOURCE, **how)}


def writes(kept: Grafana) -> list[str]:
    return [request for request in kept.requests if not request.startswith("GET")]


@pytest.mark.parametrize("prefix", ["", "/grafana"])
def test_first_and_every_later_deployment(prefix: str) -> None:
    with grafana(prefix) as kept:
        target = GrafanaTarget(url=kept.url, token="secret")
        first = list(deploy(target=target, source=SOURCE))
        assert {part.fate for part in first} == {Fate.CREATED}
        assert [part.name for part in first[:2]] == ["data source orewatch", "folder orewatch"]
        assert [part.address for part in first[2:]] == [f"{kept.url}/d/{part.name}/x" for part in first[2:]]
        later = list(deploy(target=target, source=SOURCE))
        assert {part.fate for part in later[1:]} == {Fate.UNCHANGED}
        assert {board["version"] for board in kept.dashboards.values()} == {1}
    assert len(kept.dashboards) == ALL == 10
    (source,) = kept.datasources.values()
    assert source["uid"] == DATASOURCE_UID
    assert source["url"] == "http://influxdb:8086"
    assert source["jsonData"] == {
        "dbName": "orewatch", "httpMode": "POST", "version": "InfluxQL", "httpHeaderName1": "Authorization",
    }  # fmt: skip
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token t0ken"}
    assert list(kept.folders) == [FOLDER_UID]


def test_a_data_source_that_was_renamed_is_still_ours(kept: Grafana) -> None:
    fates(kept)
    kept.datasources[1]["name"] = "the mine's"
    found = fates(kept)
    assert found["data source orewatch"] is Fate.UPDATED
    assert [d["name"] for d in kept.datasources.values()] == ["orewatch"]


def test_the_default_of_others_stays_theirs(kept: Grafana) -> None:
    kept.datasources[1] = {"id": 1, "uid": "theirs", "name": "theirs", "isDefault": True}
    fates(kept)
    assert {d["uid"]: d["isDefault"] for d in kept.datasources.values()} == {"theirs": True, DATASOURCE_UID: False}


def test_what_differs_is_told_in_the_order_of_the_board() -> None:
    titles = [f"panel {number}" for number in range(12)]
    board = {"panels": [{"title": title} for title in titles]}
    assert list(differences({"panels": []}, board)) == [f"+ panel “{title}”" for title in titles]
    assert list(differences(board, {"panels": []})) == [f"- panel “{title}”" for title in titles]


def test_one_language_alone(kept: Grafana) -> None:
    fates(kept, languages=(Language.PERSIAN,))
    assert len(kept.dashboards) == 5
    assert all(uid.endswith("-fa") for uid in kept.dashboards)


def test_what_is_left_in_a_board_is_seen_by_nobody(kept: Grafana) -> None:
    fates(kept)
    (mark,) = [v for v in kept.dashboards[FLEET]["templating"]["list"] if v["name"] == MARK]
    assert (mark["type"], mark["hide"], mark["skipUrlSync"]) == ("constant", 2, True)
    assert [v["name"] for v in kept.dashboards[FLEET]["templating"]["list"]][-1] == MARK


def test_a_board_that_nobody_touched_is_updated(kept: Grafana) -> None:
    fates(kept)
    # As an older orewatch had deployed it: other content, its checksum and version with it.
    deployed_before(kept, FLEET, title="The fleet of old")
    found = fates(kept)
    assert (found[FLEET], found[UNIT]) == (Fate.UPDATED, Fate.UNCHANGED)
    assert kept.dashboards[FLEET]["title"] == "Fleet"
    assert set(list(fates(kept).values())[1:]) == {Fate.UNCHANGED}


def deployed_before(kept: Grafana, uid: str, **changes: Any) -> None:
    from dashboards.deploy import _marked

    board = kept.dashboards[uid] | changes
    variables = [v for v in board["templating"]["list"] if v["name"] != MARK]
    board["templating"] = {"list": [*variables, _marked(board, board["version"])]}
    kept.dashboards[uid] = board


@pytest.mark.parametrize("how", [{"title": "Mine"}, {"panels": []}, {"time": {"from": "now-2h", "to": "now"}}])
def test_a_board_edited_by_hand_is_kept_until_forced(kept: Grafana, how: dict[str, Any]) -> None:
    fates(kept)
    kept.edit(FLEET, **how)
    edited = kept.dashboards[FLEET]
    found = fates(kept)
    assert found[FLEET] is Fate.EDITED
    assert {fate for name, fate in found.items() if name.startswith("orewatch") and name != FLEET} == {Fate.UNCHANGED}
    assert kept.dashboards[FLEET] == edited
    assert fates(kept, force=True)[FLEET] is Fate.OVERWRITTEN
    assert kept.dashboards[FLEET]["version"] == 3
    assert set(list(fates(kept).values())[1:]) == {Fate.UNCHANGED}


def test_an_old_version_brought_back_is_no_edit(kept: Grafana) -> None:
    fates(kept)
    deployed_before(kept, FLEET, title="The fleet of old")
    old = kept.dashboards[FLEET]
    fates(kept)
    kept.edit(FLEET, **{k: old[k] for k in ("title", "templating")})
    assert fates(kept)[FLEET] is Fate.UPDATED


def test_a_grafana_that_gives_back_another_shape_changes_nothing(kept: Grafana) -> None:
    fates(kept)
    for board in kept.dashboards.values():
        board["schemaVersion"] += 1
        board["preload"] = False
    assert set(list(fates(kept).values())[1:]) == {Fate.UNCHANGED}


def test_a_board_of_somebody_else_is_kept(kept: Grafana) -> None:
    kept.dashboards[FLEET] = {"uid": FLEET, "title": "Theirs", "panels": [], "version": 4}
    assert fates(kept)[FLEET] is Fate.EDITED
    assert kept.dashboards[FLEET]["title"] == "Theirs"


def test_a_dry_run_tells_what_differs_and_changes_nothing(kept: Grafana) -> None:
    assert set(fates(kept, dry_run=True).values()) == {Fate.CREATED}
    assert not writes(kept)
    fates(kept)
    panels = [dict(panel) for panel in kept.dashboards[FLEET]["panels"]]
    panels[1]["description"] = "mine"
    del panels[2]
    panels.append({"type": "text", "title": "Note", "gridPos": {"x": 0, "y": 99, "w": 4, "h": 4}})
    kept.edit(FLEET, panels=panels, refresh="5s")
    del kept.dashboards[UNIT]
    before = len(writes(kept))
    target = GrafanaTarget(url=kept.url, token="secret")
    parts = {part.name: part for part in deploy(target=target, source=SOURCE, dry_run=True)}
    assert parts[FLEET].fate is Fate.EDITED
    assert sorted(parts[FLEET].differs) == [
        "+ panel “Without contact”", "- panel “Note”", "~ board: refresh", "~ panel “Units”: description",
    ]  # fmt: skip
    assert parts[UNIT].fate is Fate.CREATED
    assert len(writes(kept)) == before


def test_what_comes_from_provisioning_files_is_left_to_them(kept: Grafana) -> None:
    fates(kept)
    kept.provisioned = True
    assert set(fates(kept).values()) == {Fate.UNCHANGED}
    kept.edit(FLEET, title="From an older file")
    found = fates(kept, force=True)
    assert found[FLEET] is Fate.PROVISIONED
    other = InfluxSource(url="http://other:8086")
    parts = list(deploy(target=GrafanaTarget(url=kept.url, token="secret"), source=other))
    assert (parts[0].fate, parts[0].differs) == (Fate.PROVISIONED, ("~ url", "~ jsonData"))


def test_somebody_who_saves_meanwhile_is_not_overwritten(kept: Grafana) -> None:
    fates(kept)
    deployed_before(kept, FLEET, title="The fleet of old")
    parts = deploy(target=GrafanaTarget(url=kept.url, token="secret"), source=SOURCE)
    next(parts)
    kept.edit(FLEET, title="Just now")
    with pytest.raises(DeployError, match="changed by someone else"):
        list(parts)
    assert kept.dashboards[FLEET]["title"] == "Just now"


def test_a_board_of_an_earlier_version_is_named_and_left(kept: Grafana) -> None:
    former = {"uid": "orewatch-overview", "title": "orewatch: fleet and unit", "version": 3}
    kept.dashboards["orewatch-overview"] = former
    assert fates(kept)["orewatch-overview"] is Fate.LEFT_OVER
    assert kept.dashboards["orewatch-overview"] == former


def test_a_data_source_is_sent_again_for_its_secrets(kept: Grafana) -> None:
    fates(kept)
    target = GrafanaTarget(url=kept.url, token="secret")
    assert next(iter(deploy(target=target, source=SOURCE))).fate is Fate.SENT_AGAIN
    other = InfluxSource(url="http://influxdb:8086", database="ores", token="new")
    changed = next(iter(deploy(target=target, source=other)))
    assert (changed.fate, changed.differs) == (Fate.UPDATED, ("~ jsonData",))
    (stored,) = kept.datasources.values()
    assert stored["secureJsonData"] == {"httpHeaderValue1": "Token new"}


def test_a_name_and_password_do_as_well(kept: Grafana) -> None:
    target = GrafanaTarget(url=kept.url, username="admin", password="word")
    assert list(deploy(target=target, source=InfluxSource(url="http://old:8086", username="reader", password="pw")))
    (stored,) = kept.datasources.values()
    assert stored["user"] == "reader"
    assert stored["secureJsonData"] == {"password": "pw"}
    assert "httpHeaderName1" not in stored["jsonData"]


@pytest.mark.parametrize(("failing", "permanent"), [(0, True), (403, True), (429, False), (500, False), (503, False)])
def test_refusals_say_what_and_whether_to_try_again(kept: Grafana, failing: int, permanent: bool) -> None:
    kept.failing = failing
    with pytest.raises(DeployError, match=f"Grafana at {kept.url}: ") as caught:
        list(deploy(target=GrafanaTarget(url=kept.url, token="wrong"), source=SOURCE))
    assert caught.value.permanent is permanent
    assert not kept.dashboards
    assert not writes(kept)


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DeployError) as caught:
        list(deploy(target=GrafanaTarget(url=url, token="x"), source=SOURCE))
    assert not caught.value.permanent
    assert str(caught.value) == f"Grafana at {url}: cannot be reached: [Errno 111] Connection refused"


def test_somebody_else_there(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "datasources").write_text("a page")
    pages = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path)))
    with serving(pages):
        target = GrafanaTarget(url=f"http://127.0.0.1:{pages.server_port}", token="x")
        with pytest.raises(DeployError, match="answers, but not as a Grafana does"):
            list(deploy(target=target, source=SOURCE))


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_targets_are_checked() -> None:
    with pytest.raises(ValueError, match=r"grafana\.url: 'grafana:3000'"):
        GrafanaTarget(url="grafana:3000", token="x")
    with pytest.raises(ValueError, match=r"grafana\.url: holds a name or a password") as caught:
        GrafanaTarget(url="http://admin:s3cret@grafana:3000", token="x")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="no credentials"):
        GrafanaTarget(url="http://grafana:3000", username="admin")
    assert "x" not in repr(GrafanaTarget(url="http://g", token="x", password="x"))
