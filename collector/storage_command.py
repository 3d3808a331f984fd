"""``orewatch storage``: make an InfluxDB's levels, see how far each store is, write a span again from the journal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from collector.backup_command import add_backup
from collector.compact_command import add_compact
from collector.project_command import add_project
from collector.settings import PREFIX, collector_settings
from collector.storage_status import add_status

if TYPE_CHECKING:
    import argparse

FAILED = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``storage`` command and what it can do."""
    parser = subparsers.add_parser(
        "storage",
        help="make, watch and rewrite the stores of a collector",
        description=f"With the collector's own settings: its TOML file and {PREFIX}* variables over it.",
    )
    actions = parser.add_subparsers(metavar="action", required=True)
    add_init(actions)
    add_status(actions)
    add_project(actions)
    add_backup(actions)
    add_compact(actions)


def add_init(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``storage init``."""
    parser = actions.add_parser(
        "init",
        help="make the InfluxDB's database or buckets, and how long each level keeps",
        description="May be run as often as you like. What keeps longer than the settings say is left so.",
    )
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.add_argument("--force", action="store_true", help="shorten too what keeps longer: deletes what is older")
    parser.set_defaults(run=init)


def init(arguments: argparse.Namespace) -> int:
    """Run ``storage init``; returns the exit code."""
    settings = collector_settings(arguments.config)
    if settings.influx is None:
        print("storage init: no [influx] in the settings; the embedded store makes itself")  # noqa: T201 - for people
        return 0
    # Only here: an embedded deployment installs without httpx.
    from collector.influx import retention_of, server_of  # noqa: PLC0415
    from orewatch.storage.influx_setup import SetupError, ensure  # noqa: PLC0415

    server = server_of(settings.influx)
    try:
        now_ms = time.time_ns() // 1_000_000
        changes = ensure(server, retention_of(settings.retention), now_ms=now_ms, force=arguments.force)
    except SetupError as error:
        print(f"orewatch storage init: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED
    finally:
        server.close()
    for change in changes:
        print(change)  # noqa: T201 - for people
    return 0
