"""Brings the boards into a Grafana: its data source, a folder, and each board, all by fixed uids.

    read everything -> data source -> folder -> boards, one after the other

Doing it again changes nothing. A board that people edited since is kept, unless forced. To know that, each
deployed board holds a hidden variable with the checksum of its content and the version that Grafana gives to the
save: a board whose content is not that any more, and whose version neither, was saved by somebody else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from dashboards.build import texts
from dashboards.differences import content, differences
from dashboards.grafana import DeployError, Grafana
from dashboards.influxql import DATASOURCE_UID
from dashboards.language import Language
from dashboards.source import DATASOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dashboards.grafana import GrafanaTarget
    from dashboards.source import InfluxSource

MARK: Final = "orewatch_deployed"
_MESSAGE: Final = "orewatch dashboards deploy"
# What earlier versions brought, and nothing builds any more.
_FORMER: Final = ("orewatch-overview",)
_SECRET: Final = frozenset({"secureJsonData"})


class Fate(StrEnum):
    """What becomes of a part."""

    CREATED = "created"
    UPDATED = "updated"
    OVERWRITTEN = "overwritten"
    UNCHANGED = "unchanged"
    SENT_AGAIN = "sent again"
    EDITED = "edited by hand"
    PROVISIONED = "provisioned"
    LEFT_OVER = "left over"

    @property
    def writes(self) -> bool:
        """Whether something is sent to Grafana."""
        return self in {Fate.CREATED, Fate.UPDATED, Fate.OVERWRITTEN, Fate.SENT_AGAIN}

    @property
    def kept(self) -> bool:
        """Whether Grafana keeps something else than what is built here."""
        return self in {Fate.EDITED, Fate.PROVISIONED}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the deployment: ``name``, its fate, what differs (lines), and its address once it was sent."""

    name: str
    fate: Fate
    differs: tuple[str, ...] = ()
    address: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """A part and what to send of it."""

    part: Part
    wanted: Mapping[str, Any]
    number: int | None = None


def deploy(
    *,
    target: GrafanaTarget,
    source: InfluxSource,
    languages: tuple[Language, ...] = tuple(Language),
    force: bool = False,
    dry_run: bool = False,
) -> Iterator[Part]:
    """Yield each part as it is done; with ``dry_run`` as it would be done, and nothing is changed.

    :class:`DeployError` where Grafana is away or refuses: before the first part nothing was changed, after it what
    was yielded is done and the rest is not.
    """
    grafana = Grafana(target)
    try:
        # Everything is read before anything is written: who may not enter leaves no half of a deployment.
        steps = [_datasource(grafana, source), _folder(grafana)]
        steps += [_board(grafana, json.loads(text), force=force) for text in texts(languages).values()]
        steps += [_Step(Part(uid, Fate.LEFT_OVER), {}) for uid in _FORMER if grafana.board(uid) is not None]
        for place, step in enumerate(steps):
            if dry_run or not step.part.fate.writes:
                yield step.part
            elif place == 0:
                grafana.put_datasource(step.wanted, step.number)
                yield step.part
            elif place == 1:
                grafana.make_folder()
                yield step.part
            else:
                yield _sent(grafana, step, overwrite=force)
    finally:
        grafana.close()


def _datasource(grafana: Grafana, source: InfluxSource) -> _Step:
    wanted = source.as_datasource()
    found = grafana.datasource(DATASOURCE_UID, DATASOURCE_NAME)
    name = f"data source {DATASOURCE_NAME}"
    if found is None:
        return _Step(Part(name, Fate.CREATED), wanted)
    differs = tuple(f"~ {key}" for key, value in wanted.items() if key not in _SECRET and found.get(key) != value)
    if found.get("readOnly"):
        return _Step(Part(name, Fate.PROVISIONED if differs else Fate.UNCHANGED, differs), wanted)
    # Grafana tells nobody its secrets: whether they are the same cannot be seen, so they are always sent.
    return _Step(Part(name, Fate.UPDATED if differs else Fate.SENT_AGAIN, differs), wanted, found["id"])


def _folder(grafana: Grafana) -> _Step:
    return _Step(Part("folder orewatch", Fate.UNCHANGED if grafana.has_folder() else Fate.CREATED), {})


def _board(grafana: Grafana, wanted: dict[str, Any], *, force: bool) -> _Step:
    uid = wanted["uid"]
    kept = grafana.board(uid)
    if kept is None:
        return _Step(Part(uid, Fate.CREATED, version=1), wanted)
    there, built = content(kept.board, MARK), content(wanted, MARK)
    checksum, version = _mark(kept.board)
    # Nobody saved it since, whatever shape this Grafana gives back what it was sent.
    untouched = version == kept.version
    if there == built or (untouched and checksum == _checksum(built)):
        return _Step(Part(uid, Fate.UNCHANGED, version=kept.version), wanted)
    if kept.provisioned:
        fate = Fate.PROVISIONED
    elif untouched or checksum == _checksum(there):
        fate = Fate.UPDATED
    else:
        fate = Fate.OVERWRITTEN if force else Fate.EDITED
    return _Step(Part(uid, fate, tuple(differences(there, built)), version=kept.version), wanted)


def _sent(grafana: Grafana, step: _Step, *, overwrite: bool) -> Part:
    created = step.part.fate is Fate.CREATED
    board = dict(step.wanted)
    board["templating"] = {"list": [*_variables(board), _marked(board, 1 if created else step.part.version + 1)]}
    if not created:
        board["version"] = step.part.version
    address = grafana.save(board, message=_MESSAGE, overwrite=overwrite)
    return Part(step.part.name, step.part.fate, step.part.differs, address, step.part.version)


def _variables(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = board.get("templating", {}).get("list", [])
    return found


def _marked(board: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return the hidden variable that says what was deployed, as which version."""
    text = f"{_checksum(content(board, MARK))} {version}"
    return {
        "name": MARK,
        "type": "constant",
        "hide": 2,
        "skipUrlSync": True,
        "query": text,
        "description": "Left by orewatch dashboards deploy, which sees by it whether the board was edited since.",
    }


def _mark(board: Mapping[str, Any]) -> tuple[str, int]:
    for variable in _variables(board):
        checksum, _, version = str(variable.get("query", "")).partition(" ")
        if variable.get("name") == MARK and version.isdigit():
            return checksum, int(version)
    return "", -1


def _checksum(shown: Mapping[str, Any]) -> str:
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["DeployError", "Fate", "Part", "deploy"]
