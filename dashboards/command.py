"""``orewatch dashboards build|deploy``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dashboards.build import GENERATED, write
from dashboards.deploy import DeployError, GrafanaTarget, InfluxSource, deploy
from dashboards.settings import PREFIX, DashboardsSettings
from orewatch import logs
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from typing import TextIO


def add_parser(subparsers: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("dashboards", help="build Grafana's dashboards and bring them into a Grafana")
    actions = parser.add_subparsers(metavar="action", required=True)
    build = actions.add_parser("build", help="write the dashboards as JSON")
    build.add_argument("--output", type=Path, default=GENERATED, help="folder for the files (default: %(default)s)")
    build.set_defaults(run=_build)
    send = actions.add_parser("deploy", help="create or replace data source, folder and dashboards in a Grafana")
    send.add_argument("--config", type=Path, help=f"TOML file; {PREFIX}* variables go over it")
    logs.add_option(send)
    send.set_defaults(run=_deploy)


def _build(arguments: Namespace) -> int:
    for file in write(arguments.output):
        _say(str(file))
    return 0


def _deploy(arguments: Namespace) -> int:
    settings = read_settings(DashboardsSettings, file=arguments.config, prefix=PREFIX, environ=os.environ)
    logs.begin("dashboards", asked=arguments.log_format, line="%(message)s", hide=settings)
    try:
        target = GrafanaTarget(**settings.grafana.model_dump())
    except ValueError as error:
        raise SettingsError([str(error)]) from error
    try:
        for address in deploy(target=target, source=InfluxSource(**settings.influx.model_dump())):
            _say(address)
    except DeployError as error:
        _say(f"orewatch dashboards: {error}", to=sys.stderr)
        return 1
    return 0


def _say(text: str, to: TextIO | None = None) -> None:
    print(text, file=to or sys.stdout)
