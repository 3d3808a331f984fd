"""``orewatch dashboards build|deploy``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dashboards.build import GENERATED, stale, write
from dashboards.deploy import DeployError, Fate, deploy
from dashboards.grafana import GrafanaTarget
from dashboards.language import Language
from dashboards.settings import PREFIX, DashboardsSettings
from dashboards.source import InfluxSource
from orewatch import logs
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable
    from typing import TextIO

    from dashboards.deploy import Part

_KEPT: Final = 3
_LANGUAGES: Final = {"both": tuple(Language), **{str(language): (language,) for language in Language}}
# What was done, and what would be.
_SAID: Final = {
    Fate.CREATED: ("created", "would be created"),
    Fate.UPDATED: ("updated", "would be updated"),
    Fate.OVERWRITTEN: ("overwritten, edits by hand are gone", "would be overwritten, and edits by hand be gone"),
    Fate.UNCHANGED: ("unchanged", "unchanged"),
    Fate.SENT_AGAIN: ("unchanged; its secrets were sent again", "unchanged; its secrets would be sent again"),
    Fate.EDITED: (
        "kept: edited by hand; --force overwrites it",
        "would be kept: edited by hand; --force overwrites it",
    ),
    Fate.PROVISIONED: ("kept: comes from Grafana's provisioning files",) * 2,
    Fate.LEFT_OVER: ("of an earlier orewatch, and not built any more; delete it in Grafana",) * 2,
}


def add_parser(subparsers: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("dashboards", help="build Grafana's dashboards and bring them into a Grafana")
    actions = parser.add_subparsers(metavar="action", required=True)
    build = actions.add_parser("build", help="write the dashboards as JSON")
    build.add_argument("--output", type=Path, default=GENERATED, help="folder for the files (default: %(default)s)")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not what is built")
    build.set_defaults(run=_build)
    send = actions.add_parser(
        "deploy",
        help="create or update data source, folder and dashboards in a Grafana",
        epilog="exit: 0 done, 1 Grafana is away or refuses, 2 wrong settings, 3 done but for boards that were kept",
    )
    send.add_argument("--config", type=Path, help=f"TOML file; {PREFIX}* variables go over it")
    send.add_argument("--language", choices=_LANGUAGES, default="both", help="of the boards (default: %(default)s)")
    send.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    send.add_argument("--force", action="store_true", help="overwrite boards that were edited by hand, too")
    logs.add_option(send)
    send.set_defaults(run=_deploy)


def _build(arguments: Namespace) -> int:
    if arguments.check:
        wrong = stale(arguments.output)
        for line in wrong:
            _say(line, to=sys.stderr)
        if wrong:
            _say(f"orewatch dashboards: {arguments.output} is stale; run: orewatch dashboards build", to=sys.stderr)
        return 1 if wrong else 0
    try:
        for file in write(arguments.output):
            _say(str(file))
    except OSError as error:
        _say(f"orewatch dashboards: --output: {error}", to=sys.stderr)
        return 1
    return 0


def _deploy(arguments: Namespace) -> int:
    settings = read_settings(DashboardsSettings, file=arguments.config, prefix=PREFIX, environ=os.environ)
    logs.begin("dashboards", asked=arguments.log_format, line="%(message)s", hide=settings)
    try:
        target = GrafanaTarget(**settings.grafana.model_dump())
    except ValueError as error:
        raise SettingsError([str(error)]) from error
    source = InfluxSource(**settings.influx.model_dump())
    parts = deploy(
        target=target,
        source=source,
        languages=_LANGUAGES[arguments.language],
        force=arguments.force,
        dry_run=arguments.dry_run,
    )
    return _told(parts, dry_run=arguments.dry_run)


def _told(parts: Iterable[Part], *, dry_run: bool) -> int:
    """Say what becomes of each part as it comes, and return the exit code."""
    done: list[Part] = []
    try:
        for part in parts:
            done.append(part)
            address = f"  {part.address}" if part.address else ""
            _say(f"{part.name}: {_SAID[part.fate][dry_run]}{address}")
            if dry_run or part.fate.kept:
                for line in part.differs:
                    _say(f"    {line}")
    except DeployError as error:
        _say(f"orewatch dashboards: {error}", to=sys.stderr)
        sent = [part.name for part in done if part.fate.writes and not dry_run]
        _say(f"orewatch dashboards: done before that: {', '.join(sent) or 'nothing'}", to=sys.stderr)
        return 1
    return _KEPT if any(part.fate.kept for part in done) else 0


def _say(text: str, to: TextIO | None = None) -> None:
    print(text, file=to or sys.stdout, flush=True)
