"""``orewatch storage compact``: write the files anew without free pages; from then on they give space back."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.data_dir import DataDirInUseError, hold
from collector.settings import collector_settings
from orewatch.storage.database import DatabaseError
from orewatch.storage.journal import Journal
from orewatch.storage.rollup_tables import RollupTables
from orewatch.storage.sqlite import rollups_beside

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from orewatch.storage.database import Database

FAILED: Final = 1
TELL_EVERY_S: Final = 2.0
MEBIBYTE: Final = 2**20


def add_compact(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``storage compact``."""
    parser = actions.add_parser(
        "compact",
        help="write journal and rollups anew without free space; the collector must be stopped",
        description="Files made by earlier versions cannot become smaller by themselves until this was done once. "
        "Needs up to twice as much free space as the larger file has.",
    )
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.set_defaults(run=compact)


def compact(arguments: argparse.Namespace) -> int:
    """Run ``storage compact``; returns the exit code."""
    settings = collector_settings(arguments.config)
    path = settings.journal_path
    if not path.exists():
        return _failed(f"{path}: no journal there; is data_dir right?")
    try:
        with hold(settings.data_dir):
            with contextlib.closing(Journal.open(path)) as journal:
                _compact(journal.database)
            with contextlib.closing(RollupTables.open(rollups_beside(path))) as tables:
                _compact(tables.database)
    except (DataDirInUseError, DatabaseError) as error:
        return _failed(str(error))
    return 0


def _compact(file: Database) -> None:
    before = file.path.stat().st_size
    free = shutil.disk_usage(file.path.parent).free
    if free < 2 * before:
        # The new content goes through the WAL.
        print(  # noqa: T201 - for people
            f"{file.path.name}: {free / MEBIBYTE:.0f} MiB free, up to {2 * before / MEBIBYTE:.0f} may be needed;"
            " if that is too little, nothing changes",
            file=sys.stderr,
        )
    file.compact(_teller(f"{file.path.name}: {before / MEBIBYTE:.1f} MiB"))
    after = file.path.stat().st_size
    print(f"{file.path.name}: {before / MEBIBYTE:.1f} MiB, now {after / MEBIBYTE:.1f} MiB")  # noqa: T201 - for people


def _teller(what: str) -> Callable[[], None]:
    began_s = told_s = time.monotonic()

    def alive() -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            print(f"{what}, for {now_s - began_s:.0f} s now", file=sys.stderr, flush=True)  # noqa: T201 - progress

    return alive


def _failed(text: str) -> int:
    print(f"orewatch storage compact: {text}", file=sys.stderr)  # noqa: T201 - for people
    return FAILED
