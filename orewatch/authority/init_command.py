"""``orewatch init``: what the parts of a centre need before they can start; the compose file's first service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orewatch.authority.cabinet import Cabinet
from orewatch.authority.centre import AUDIENCES, BROKER_HOSTS, prepare
from orewatch.authority.command import FOLDER, tell

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``init`` command."""
    parser = subparsers.add_parser(
        "init",
        help="make the certificates and secrets of a centre; twice without harm",
        description=f"Makes an authority, certificates and secrets, and hands each part ({_parts()}) its own in a "
        "folder of its name. What is there is kept; certificates that end soon are renewed.",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the authority's folder (default: %(default)s)")
    parser.add_argument(
        "--hand-out", type=Path, default=Path("secrets"), help="folder of the parts' folders (default: %(default)s)"
    )
    parser.add_argument(
        "--hosts",
        default="",
        help=f"names and addresses by which units reach the broker, between commas; besides {', '.join(BROKER_HOSTS)}",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    cabinet = Cabinet(folder=arguments.folder, now=datetime.now(UTC))
    hosts = [host.strip() for host in arguments.hosts.split(",") if host.strip()]
    return tell(prepare(cabinet, hand_out=arguments.hand_out, hosts=hosts), command="init")


def _parts() -> str:
    return ", ".join(a.name for a in AUDIENCES)
