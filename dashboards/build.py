"""Grafana boards as code: built here in each language, kept as JSON beside, sent by :mod:`dashboards.deploy`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.boards import BOARDS
from dashboards.frame import built
from dashboards.influxql import register
from dashboards.language import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GENERATED: Final = Path(__file__).with_name("generated")


@cache
def dashboards(languages: tuple[Language, ...] = tuple(Language)) -> Mapping[str, Dashboard]:
    """Return every board in these languages, by the name of its file."""
    return {f"{board.name}-{language}": built(board, language) for board in BOARDS for language in languages}


@cache
def texts(languages: tuple[Language, ...] = tuple(Language)) -> Mapping[str, str]:
    """Return the JSON of every board in these languages, by the name of its file."""
    return {name: as_json(board) for name, board in dashboards(languages).items()}


def as_json(board: Dashboard) -> str:
    """Return a board's JSON, the same for the same board."""
    return json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_back(text: str) -> Dashboard:
    """Return the board of its JSON, through the kit's own reader."""
    register_default_plugins()
    register()
    return Dashboard.from_json(json.loads(text))


def write(folder: Path = GENERATED) -> list[Path]:
    """Write every board's JSON into ``folder`` and return the files; OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in texts().items():
        file = folder / f"{name}.json"
        file.write_text(text, encoding="utf-8")
        files.append(file)
    return files


def stale(folder: Path = GENERATED) -> list[str]:
    """Return what is wrong with the files in ``folder``: missing, different, or no board's. Nothing is written."""
    wanted = {f"{name}.json": text for name, text in texts().items()}
    kept = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return [
        *_differences(wanted, kept),
        *(f"{name}: no board of ours; remove it" for name in sorted(kept.keys() - wanted.keys())),
    ]


def _differences(wanted: Mapping[str, str], kept: Mapping[str, str]) -> Iterable[str]:
    for name, text in wanted.items():
        if name not in kept:
            yield f"{name}: missing"
        elif kept[name] != text:
            yield f"{name}: differs from what the code builds"
