"""The collector's files: the folder, its lock, the journal's soundness and version, and room for more."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from orewatch.doctor.finding import failed, note, ok, warning
from orewatch.storage.disk import is_scarce, is_short, usage_of
from orewatch.storage.vitals import SILENT_S, Vitals

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.doctor.finding import Finding

AREA: Final = "journal"
VERSION: Final = "1"
LONGEST_S: Final = 20.0
GIB: Final = 2**30
LOCK_NAME: Final = "collector.lock"


def check_journal(data_dir: Path, journal: Path) -> list[Finding]:
    """Look at the folder and the file; nothing is changed."""
    if not data_dir.is_dir():
        if os.access(_nearest(data_dir), os.W_OK):
            return [note(AREA, "data_dir", f"{data_dir}: not there yet; the collector makes it")]
        return [failed(AREA, "data_dir", f"{data_dir}: not there, and cannot be made", "make it, or mend data_dir")]
    found = [_writable(data_dir), _room(data_dir)]
    if not journal.exists():
        return [*found, note(AREA, "file", f"{journal}: not there yet; the collector makes it at its first start")]
    running = _running(data_dir)
    found.append(note(AREA, "collector", "runs" if running else "does not run in this folder"))
    try:
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as error:
        return [*found, failed(AREA, "file", f"{journal}: {error}", "see who owns it: this user must read it")]
    try:
        return found + _look_inside(connection, journal, running=running)
    except sqlite3.Error as error:
        remedy = "stop the collector, keep a copy of the file, and restore a backup: orewatch storage restore"
        return [*found, failed(AREA, "file", f"{journal}: {error}", remedy)]
    finally:
        connection.close()


def _writable(data_dir: Path) -> Finding:
    if os.access(data_dir, os.W_OK | os.X_OK):
        return ok(AREA, "data_dir", str(data_dir))
    return failed(
        AREA, "data_dir", f"{data_dir}: not writable for this user", "run as the collector's user, or chown it"
    )


def _room(data_dir: Path) -> Finding:
    free, total = usage_of(data_dir)
    detail = f"{free / GIB:.1f} GiB of {total / GIB:.1f} GiB are free"
    if is_short(free, total):
        return failed(AREA, "room", detail, "make room: the collector stops recording when the disk is full")
    if is_scarce(free, total):
        return warning(AREA, "room", detail, "make room before it is full")
    return ok(AREA, "room", detail)


def _running(data_dir: Path) -> bool:
    """Say whether a collector holds the folder's lock."""
    try:
        with (data_dir / LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _look_inside(connection: sqlite3.Connection, journal: Path, *, running: bool) -> list[Finding]:
    ((version,),) = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchall()
    if version != VERSION:
        remedy = "use the orewatch that wrote it, or a later one"
        return [failed(AREA, "version", f"{journal}: {version}; this program reads {VERSION}", remedy)]
    found = [ok(AREA, "version", str(version)), _sound(connection)]
    has = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'vitals'").fetchall()
    rows = connection.execute("SELECT data FROM vitals WHERE process = 'collector'").fetchall() if has else []
    if running and rows:
        found += _vitals(Vitals.model_validate_json(rows[0][0]))
    return found


def _sound(connection: sqlite3.Connection) -> Finding:
    """Run SQLite's own check, for as long as people wait."""
    until = time.monotonic() + LONGEST_S
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
    try:
        answers = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return note(AREA, "soundness", f"not through in {LONGEST_S:g} s; no fault so far")
    finally:
        connection.set_progress_handler(None, 0)
    if answers == ["ok"]:
        return ok(AREA, "soundness", "SQLite finds no fault")
    remedy = "stop the collector, keep a copy of the file, and restore a backup: orewatch storage restore"
    return failed(AREA, "soundness", "; ".join(answers), remedy)


def _vitals(vitals: Vitals) -> list[Finding]:
    """Say what the running collector last wrote down."""
    age_s = time.time() - vitals.at_ms / 1000
    found = []
    if abs(age_s) > SILENT_S:
        remedy = "look at its log: it may hang, or its disk takes nothing"
        found.append(warning(AREA, "vital signs", f"{age_s:.0f} s old", remedy))
    if not vitals.broker_connected:
        found.append(failed(AREA, "its broker", "the running collector has no link", "see the broker's findings"))
    for signs in vitals.projections:
        name = f"store {signs.store}"
        behind = f"{signs.lag_blocks} blocks behind"
        if signs.waiting_since_ms is not None:
            found.append(failed(AREA, name, f"{behind}, takes nothing: {signs.why}", "see the store's findings"))
        else:
            found.append(ok(AREA, name, behind))
    return found


def _nearest(path: Path) -> Path:
    return next(parent for parent in path.absolute().parents if parent.exists())
