"""``orewatch storage backup`` and ``restore``: the embedded store, while a collector writes it, and back again."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.data_dir import DataDirInUseError, hold
from collector.settings import collector_settings
from orewatch.storage.backup import BackupError, back_up, put_back, read_manifest, verify
from orewatch.storage.journal import Journal, JournalError
from orewatch.storage.resends import plan_resends
from orewatch.storage.sqlite import rollups_beside

if TYPE_CHECKING:
    import argparse

FAILED: Final = 1
API: Final = "api/"
TELL_EVERY_S: Final = 2.0
MEBIBYTE: Final = 2**20


def add_backup(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``storage backup`` and ``storage restore``."""
    parser = actions.add_parser(
        "backup",
        help="copy the journal and the rollups into a folder, also while a collector runs",
        description="A whole copy of one moment, checked, with a manifest of sizes and digests.",
    )
    parser.add_argument("folder", type=Path, help="a new or an empty folder")
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.add_argument("--api-data", type=Path, metavar="DIR", help="the service's data_dir: its databases too")
    parser.set_defaults(run=backup)
    parser = actions.add_parser(
        "restore",
        help="put a backup back; collector and service must be stopped",
        description="Checks the backup first. Units are then asked once for what they delivered after it was made.",
    )
    parser.add_argument("folder", type=Path, help="a folder that `backup` has made")
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.add_argument("--api-data", type=Path, metavar="DIR", help="the service's data_dir: its databases too")
    parser.add_argument("--force", action="store_true", help="put aside what is there already, and keep it")
    parser.set_defaults(run=restore)


def backup(arguments: argparse.Namespace) -> int:
    """Run ``storage backup``; returns the exit code."""
    journal = collector_settings(arguments.config).journal_path
    files = [("journal.db", journal)]
    # Behind the journal: rollups that have come further are only written again; such that lack some would stay so.
    if rollups_beside(journal).exists():
        files.append(("rollups.db", rollups_beside(journal)))
    api_data: Path | None = arguments.api_data
    began = time.monotonic()
    try:
        if api_data is not None:
            files += _of_service(api_data, apart_from=[path for _, path in files])
        manifest = back_up(arguments.folder, files, made_ms=time.time_ns() // 1_000_000, told=Progress())
    except BackupError as error:
        return _failed("backup", str(error))
    for file in manifest.files:
        print(f"{file.name}: {file.bytes / MEBIBYTE:.1f} MiB, sound")  # noqa: T201 - for people
    took = time.monotonic() - began
    print(f"{arguments.folder}: blocks up to position {manifest.position}, in {took:.1f} s")  # noqa: T201 - for people
    return 0


def _of_service(folder: Path, *, apart_from: list[Path]) -> list[tuple[str, Path]]:
    own = {path.resolve() for path in apart_from}
    found = [path for path in sorted(folder.glob("*.db")) if path.resolve() not in own]
    if not found:
        raise BackupError(f"--api-data {folder}: no databases there; allowed: the data_dir of the service")
    return [(API + path.name, path) for path in found]


def restore(arguments: argparse.Namespace) -> int:
    """Run ``storage restore``; returns the exit code."""
    settings = collector_settings(arguments.config)
    folder: Path = arguments.folder
    try:
        manifest = read_manifest(folder)
        targets = _targets([file.name for file in manifest.files], settings.journal_path, arguments.api_data)
        verify(folder, manifest, told=Progress())
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with hold(settings.data_dir):
            aside = f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            moved = put_back(folder, targets, aside=aside, force=arguments.force)
            with contextlib.closing(Journal.open(settings.journal_path)) as journal:
                asked = plan_resends(journal.database)
    except (BackupError, DataDirInUseError, JournalError, OSError) as error:
        return _failed("restore", str(error))
    for kept in sorted({path.parent for path in moved}):
        print(f"what was there is kept in {kept}")  # noqa: T201 - for people
    made = datetime.fromtimestamp(manifest.made_ms / 1000, UTC)
    print(  # noqa: T201 - for people
        f"{settings.data_dir}: as of {made:%Y-%m-%d %H:%M:%SZ}, blocks up to position {manifest.position}.\n"
        f"{asked} units will be asked, at their next birth, for what they delivered since; others, for all they have."
        " Start the collector."
    )
    left = [file.name for file in manifest.files if file.name not in {name for name, _ in targets}]
    if left:
        print(f"not put back without --api-data: {', '.join(left)}")  # noqa: T201 - for people
    return 0


def _targets(names: list[str], journal: Path, api_data: Path | None) -> list[tuple[str, Path]]:
    known = {"journal.db": journal, "rollups.db": rollups_beside(journal)}
    targets = [(name, known[name]) for name in names if name in known]
    service = [name for name in names if name.startswith(API)]
    if api_data is not None:
        if not service:
            raise BackupError(f"--api-data {api_data}: the backup has none of the service's databases")
        targets += [(name, api_data / name.removeprefix(API)) for name in service]
    return targets


class Progress:
    """Tells now and then how far a file is, in words on stderr."""

    def __init__(self) -> None:
        self._told_s = time.monotonic()

    def __call__(self, what: str, done: int, whole: int) -> None:
        """Take note of bytes done and bytes in all."""
        now_s = time.monotonic()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            text = f"{what}: {done / MEBIBYTE:.0f} of {whole / MEBIBYTE:.0f} MiB"
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress, for people


def _failed(action: str, text: str) -> int:
    print(f"orewatch storage {action}: {text}", file=sys.stderr)  # noqa: T201 - for people
    return FAILED
