"""``orewatch doctor``: what is wrong, and what to mend."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orewatch.doctor.examination import LONGEST_S, examine
from orewatch.doctor.finding import Level
from orewatch.doctor.patients import API_PREFIX, COLLECTOR_PREFIX, Patients, given_by_environment
from orewatch.doctor.report import as_json, lines_of, summary

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from orewatch.doctor.finding import Finding

USAGE: Final = 2
FAILED: Final = 1
ENVIRONMENT: Final = Path()
"""Stands for: no file, only variables."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``orewatch doctor`` to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="look at settings, broker, journal, stores, clocks, certificates and service; say what to mend",
        description="Reads the same files and OREWATCH_* variables as the processes do, changes nothing, and may run "
        "beside them. Exit code 1 where something failed.",
    )
    for name, text in (("collector", "the collector's"), ("api", "the service's")):
        parser.add_argument(
            f"--{name}",
            type=Path,
            nargs="?",
            const=ENVIRONMENT,
            metavar="FILE",
            help=f"{text} TOML file; without FILE: from the environment",
        )
    parser.add_argument("--agent", type=Path, action="append", default=[], metavar="FILE", help="a unit's; repeatable")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    collector, api = arguments.collector, arguments.api
    if collector is None and given_by_environment(COLLECTOR_PREFIX, list(os.environ)):
        collector = ENVIRONMENT
    if api is None and given_by_environment(API_PREFIX, list(os.environ)):
        api = ENVIRONMENT
    if collector is None and api is None and not arguments.agent:
        _say(
            "orewatch doctor: nothing to look at; name settings with --collector FILE, --api FILE or --agent FILE, "
            "or set OREWATCH_COLLECTOR_* or OREWATCH_API_* variables",
            error=True,
        )
        return USAGE
    patients = Patients()
    if collector is not None:
        patients.collector(None if collector == ENVIRONMENT else collector)
    if api is not None:
        patients.api(None if api == ENVIRONMENT else api)
    for file in arguments.agent:
        patients.agent(file)
    found = _told(patients, aloud=not arguments.json)
    if arguments.json:
        _say(as_json(found))
    return FAILED if any(one.level is Level.FAILED for one in found) else 0


def _told(patients: Patients, *, aloud: bool) -> list[Finding]:
    """Examine, and say each thing as it is found: the slow ones may take a while."""
    found: list[Finding] = []
    area = ""
    for finding in _each(patients):
        found.append(finding)
        if not aloud:
            continue
        if finding.area != area:
            area = finding.area
            _say(("" if len(found) == 1 else "\n") + area)
        for line in lines_of(finding, name_width=22):
            _say(line)
    if aloud:
        _say(f"\n{summary(found)}")
    return found


def _each(patients: Patients) -> Iterable[Finding]:
    yield from patients.findings
    yield from examine(patients.every_check(), longest_s=LONGEST_S)


def _say(text: str, *, error: bool = False) -> None:
    print(text, file=sys.stderr if error else sys.stdout, flush=True)
