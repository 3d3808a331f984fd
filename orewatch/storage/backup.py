"""Backup of SQLite files while others write them, and back again: whole copies of one moment, checked, with digests.

::

    folder/manifest.json   written last: a backup without it was never finished
    folder/journal.db      copied first: what the rollups then have beyond it is only written again
    folder/rollups.db
    folder/api/*.db        the service's own files
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orewatch.storage.database import ALIVE_EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
# Between two steps the copy sleeps as long as a step took or so: the disk belongs to the collector.
PAGES_AT_ONCE: Final = 512
PAUSE_S: Final = 0.01
CHUNK_BYTES: Final = 2**20
SPARE_BYTES: Final = 16 * 2**20


class BackupError(RuntimeError):
    """A backup cannot be made, or cannot be trusted; the message names the file or folder and what is allowed."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One file of a backup: its name in the folder, its size and SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. ``store``, ``position``, ``positions``: of the journal, at the moment of the copy."""

    made_ms: int
    store: str
    position: int
    positions: dict[str, int]
    files: list[Copied]


def back_up(
    folder: Path, files: Sequence[tuple[str, Path]], *, made_ms: int, told: Callable[[str, int, int], None]
) -> Manifest:
    """Copy ``files``, (name in the folder, source), into a new or empty folder; the journal is ``journal.db``.

    ``told`` hears what is done with which file, bytes done and bytes in all. The sources may be
    written meanwhile: writers never wait, but the WAL of a file keeps growing while it is copied. :class:`BackupError`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: is there and not empty; allowed: a new or an empty folder")
    for _, source in files:
        if not source.is_file():
            raise BackupError(f"{source}: no such file; is data_dir right?")
    needed = sum(_size(source) for _, source in files) + SPARE_BYTES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise BackupError(f"{folder}: {free // 2**20} MiB free; needed: about {needed // 2**20} MiB")
        copied = [_copied(folder, name, source, told) for name, source in files]
        manifest = Manifest(made_ms, *_journal_of(folder / "journal.db"), copied)
        _write_down(folder / MANIFEST, json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1) + "\n")
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise BackupError(f"{folder}: {error}; this backup is not usable") from error
    return manifest


def _size(source: Path) -> int:
    wal = source.with_name(source.name + "-wal")
    return source.stat().st_size + (wal.stat().st_size if wal.exists() else 0)


def _copied(folder: Path, name: str, source: Path, told: Callable[[str, int, int], None]) -> Copied:
    target = folder / name
    target.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(source, timeout=5.0, isolation_level=None)) as original:
        original.execute("PRAGMA query_only = ON")
        # One moment for the whole copy: without a transaction each commit of the collector's would begin it anew.
        original.execute("BEGIN")
        original.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        (page_bytes,) = original.execute("PRAGMA page_size").fetchone()
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            original.backup(
                copy,
                pages=PAGES_AT_ONCE,
                sleep=PAUSE_S,
                progress=lambda _, left, pages: told(f"{name} copied", (pages - left) * page_bytes, pages * page_bytes),
            )
    size = target.stat().st_size
    _check(target, lambda: told(f"{name} being read back", size, size))
    _sync(target)
    return Copied(name, target.stat().st_size, _digest(target, lambda done: told(f"{name} summed", done, size)))


def _check(file: Path, alive: Callable[[], None]) -> None:
    """Read all of a copy. Alone with it, SQLite leaves one file: no WAL beside it."""

    def turn() -> int:
        alive()
        return 0

    with closing(sqlite3.connect(file, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
        copy.set_progress_handler(turn, ALIVE_EVERY)
        said = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if said != ("ok",):
        raise BackupError(f"{file}: the copy is damaged, so the original is likely to be: {said[0]}")


def _journal_of(journal: Path) -> tuple[str, int, dict[str, int]]:
    with closing(sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        (store,) = copy.execute("SELECT value FROM meta WHERE key = 'store_uuid'").fetchone()
        newest = copy.execute("SELECT seq FROM sqlite_sequence WHERE name = 'blocks'").fetchone()
        positions = dict(copy.execute("SELECT name, position FROM projections").fetchall())
    return store, newest[0] if newest else 0, positions


def read_manifest(folder: Path) -> Manifest:
    """Return what a backup says it holds; :class:`BackupError` where that cannot be read."""
    try:
        table: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if table.pop("format") != FORMAT:
            raise BackupError(f"{folder / MANIFEST}: of a later version; allowed: format {FORMAT}")
        files = [Copied(**file) for file in table.pop("files")]
        manifest = Manifest(**table, files=files)
    except OSError as error:
        raise BackupError(f"{folder / MANIFEST}: {error.strerror}; allowed: a folder that `backup` has made") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError(f"{folder / MANIFEST}: not readable: {error}") from error
    strange = [file.name for file in files if Path(file.name).is_absolute() or ".." in Path(file.name).parts]
    if strange:
        raise BackupError(f"{folder / MANIFEST}: {strange[0]!r}; allowed: files within the folder")
    return manifest


def verify(folder: Path, manifest: Manifest, *, told: Callable[[str, int, int], None]) -> None:
    """Compare every file with the manifest; :class:`BackupError` at the first that is not what was copied."""
    for file in manifest.files:
        path = folder / file.name
        size = path.stat().st_size if path.is_file() else None
        if size != file.bytes:
            raise BackupError(f"{path}: {'missing' if size is None else f'{size} bytes'}; copied were {file.bytes}")
        if _digest(path, lambda done, name=file.name, size=size: told(f"{name} checked", done, size)) != file.sha256:  # type: ignore[misc]
            raise BackupError(f"{path}: not what was copied: SHA-256 differs")


def put_back(folder: Path, names: Sequence[tuple[str, Path]], *, aside: str, force: bool) -> list[Path]:
    """Copy files of a backup, (name in the folder, target), to where they belong; returns what was put aside.

    What is there is only replaced with ``force``, and then kept in a folder named ``aside`` beside it.
    :class:`BackupError` where files are there already, or cannot be written; nothing is replaced then.
    """
    there = [old for _, target in names for old in _with_wal(target) if old.exists()]
    if there and not force:
        raise BackupError(f"{there[0]}: is there already; --force puts it aside, into {there[0].parent / aside}")
    fresh = [(target.with_name(target.name + ".restored"), target) for _, target in names]
    moved: list[tuple[Path, Path]] = []
    try:
        for (name, _), (copy, target) in zip(names, fresh, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy)
            _sync(copy)
        for old in there:
            kept = old.parent / aside / old.name
            kept.parent.mkdir(exist_ok=True)
            moved.append((old.rename(kept), old))
        for copy, target in fresh:
            copy.rename(target)
            _sync(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            for kept, old in reversed(moved):
                kept.rename(old)
            for copy, _ in fresh:
                copy.unlink(missing_ok=True)
        raise BackupError(f"{error.filename or folder}: {error.strerror or error}") from error
    return [kept for kept, _ in moved]


def _with_wal(database: Path) -> list[Path]:
    return [database.with_name(database.name + end) for end in ("", "-wal", "-shm")]


def _digest(file: Path, told: Callable[[int], None]) -> str:
    digest, done = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            told(done)
    return digest.hexdigest()


def _write_down(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    _sync(fresh)
    fresh.rename(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
