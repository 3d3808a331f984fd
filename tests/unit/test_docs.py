"""What the documents say can be followed: links resolve, examples are TOML, tables and routes are the code's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.alerting.models import AlertKind, AlertState
from api.app import create_app
from api.service import Service
from api.settings import ApiSettings
from collector.settings import CollectorSettings
from edge_agent.settings import AgentSettings
from edge_agent.sources.settings import ModbusSettings, ReplaySettings
from orewatch.plant.states import DELAYS, LATCH_STATE, State

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
PAGES = sorted(p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")))
NAMES = [str(p.relative_to(ROOT)) for p in PAGES]
WHOLE: dict[str, type[BaseModel]] = {"agent": AgentSettings, "collector": CollectorSettings, "api": ApiSettings}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    prose = FENCE.sub("", text(page))
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in HEADING.findall(prose)}


def broken_links(page: Path) -> list[str]:
    broken = []
    for plain, attribute in LINK.findall(FENCE.sub("", text(page))):
        link = plain or attribute
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_relative_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](page.md#one) [b](page.md#two) [c](gone.md) [d](https://example.ir/x)\n")
    assert broken_links(page) == ["page.md#two", "gone.md"]


def examples() -> list[tuple[str, str]]:
    return [(str(p.relative_to(ROOT)), body) for p in PAGES for kind, body in FENCE.findall(text(p)) if kind == "toml"]


@pytest.mark.parametrize(("page", "example"), examples())
def test_toml_examples_are_settings(page: str, example: str) -> None:
    table: dict[str, Any] = tomllib.loads(example)
    whole = re.match(r"# whole file: (\w+)\n", example)
    if whole:
        WHOLE[whole[1]].model_validate(table)
        return
    # A part of a unit's file: every key must be one, whatever else the file needs.
    if table.keys() == {"register"}:
        table = {"source": [{"kind": "modbus", **table}]}
    for key, part in table.items():
        assert key in AgentSettings.model_fields, page
        if key == "source":
            for source in part:
                (ReplaySettings if source["kind"] == "replay" else ModbusSettings).model_validate(source)
            continue
        base: dict[str, Any] = {
            "unit": {"id": "u", "circuit": "zinc", "site": "s", "province": "p"},
            "spool": {"path": "u.db"},
            "uplink": [{}],
            "source": [
                {
                    "kind": "replay",
                    "file": "f",
                    "row_s": 1,
                    "column": [dict.fromkeys(("column", "machine", "signal"), "x")],
                }
            ],
        }
        base[key] = {**base[key], **part} if isinstance(part, dict) else part
        AgentSettings.model_validate(base)


def test_there_are_examples_of_whole_files() -> None:
    assert {m[1] for _, e in examples() if (m := re.match(r"# whole file: (\w+)\n", e))} == {"collector", "api"}


def test_states_and_their_delays_are_those_of_the_classifier() -> None:
    rows = dict(
        re.findall(r"^\| ([A-Z_]+) \| .+? \| (.*?\|.*?) \|$", text(ROOT / "docs/guides/operate.md"), re.MULTILINE)
    )
    rows = {name: told for name, told in rows.items() if name in State.__members__}
    assert list(rows) == [state.value for state in State]
    for latch, delay in DELAYS.items():
        told = tuple(int(part) for part in rows[LATCH_STATE[latch].value].split("|"))
        assert told == (delay.enter_s, delay.exit_s), latch


def test_every_alert_kind_and_state_is_explained() -> None:
    page = text(ROOT / "docs/guides/operate.md")
    assert set(re.findall(r"^\| `(\w+)` \| .+ \| (?:low|medium|high) \|$", page, re.MULTILINE)) == {*AlertKind}
    assert {s for s in AlertState if not re.search(rf"^\| {s} \|", page, re.MULTILINE)} == set()


def test_every_route_is_on_the_http_page(tmp_path: Path) -> None:
    service = Service(settings=ApiSettings(data_dir=tmp_path), store=None, registry=None, now_ms=lambda: 0)
    page = text(ROOT / "docs/guides/http.md")
    shown = {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r"`(?:GET |POST )?(/[\w/{}.-]*)", page)}
    routes = {
        re.sub(r"\{\w+\}", "{}", path).removeprefix("/api/v1")
        for path in create_app(service=service).openapi()["paths"]
    }
    shown = {path.removeprefix("/api/v1") for path in shown}
    # Shown as an example, not as a row: the stream.
    assert {r for r in routes if r not in shown and f"$B{r}" not in page} == set()
