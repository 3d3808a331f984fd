"""The spool's file: its tables, its lock, and what is done when it is damaged."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import uuid
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE schemas (hash BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE open_scans (id INTEGER PRIMARY KEY, schema BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, schema BLOB NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0, data BLOB NOT NULL);
CREATE INDEX blocks_size ON blocks (schema, bytes);
CREATE INDEX blocks_thinned ON blocks (thinned, number);
CREATE TABLE uplinks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bd_seq INTEGER,
    sent_upto INTEGER NOT NULL DEFAULT 0);
CREATE TABLE owed (uplink INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (uplink, number)) WITHOUT ROWID;
CREATE TABLE dropped (reason TEXT PRIMARY KEY, scans INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE aliases (name TEXT PRIMARY KEY, alias INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
"""


class SpoolError(Exception):
    """The spool cannot be used; the message names the file and what to do. Permanent until someone acts."""


class SpoolFile:
    """One open spool file, held against a second agent until :meth:`close`.

    A damaged file is put aside under another name and a new one begun: what is new must not be
    lost because of what is old. The new file has a UUID of its own.
    """

    def __init__(self, *, path: Path, unit: str, synchronous: Literal["FULL", "NORMAL"]) -> None:
        self.path = path
        self.replaced = False
        self._synchronous = synchronous
        self._lock = self._locked()
        try:
            try:
                self.db = self._opened(unit)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise SpoolError(f"{path}: {error}; allowed: a writable directory with room") from error
                self._put_aside(error)
                self.db = self._opened(unit)
        except BaseException:
            self._lock.close()
            raise

    def _locked(self) -> IO[bytes]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_name(self.path.name + ".lock").open("ab")
        except OSError as error:
            raise SpoolError(f"{self.path}: {error.strerror}; allowed: a path in a writable directory") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise SpoolError(f"{self.path}: in use by another agent; allowed: one agent per spool") from error
        return lock

    def _opened(self, unit: str) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {self._synchronous}")
            # Bounds the log after a burst; in steady state it stays far below.
            db.execute("PRAGMA journal_size_limit = 8388608")
            db.execute("PRAGMA cache_size = -2048")
            if not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                db.execute("BEGIN IMMEDIATE")
                for statement in _TABLES.split(";\n"):
                    db.execute(statement)
                facts = {"version": str(VERSION), "uuid": uuid.uuid4().hex, "unit": unit, "next": "1"}
                db.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
                db.execute("COMMIT")
            meta = dict(db.execute("SELECT key, value FROM meta"))
            self._check(meta, unit)
            # Without it each acknowledgement reads through everything that is owed.
            db.execute("CREATE INDEX IF NOT EXISTS owed_number ON owed (number)")
        except BaseException:
            db.close()
            raise
        return db

    def _check(self, meta: dict[str, str], unit: str) -> None:
        if meta.get("version") != str(VERSION):
            raise SpoolError(f"{self.path}: version {meta.get('version')!r}; allowed: {VERSION}")
        if meta["unit"] != unit:
            raise SpoolError(f"{self.path}: belongs to unit {meta['unit']!r}, not {unit!r}; allowed: one of its own")

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{uuid.uuid4().hex[:8]}")
        log.error("%s is damaged (%s): put aside as %s, a new spool is begun", self.path, error, aside.name)
        for suffix in ("-wal", "-shm", ""):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
        self.replaced = True

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is executed inside becomes durable together, or not at all."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()
        self._lock.close()


def uplink_ids(db: sqlite3.Connection, names: Sequence[str]) -> dict[str, int]:
    """Return each uplink's number in the file, given on first sight."""
    db.executemany("INSERT OR IGNORE INTO uplinks (name) VALUES (?)", [(name,) for name in names])
    known = dict(db.execute("SELECT name, id FROM uplinks").fetchall())
    return {name: known[name] for name in names}


def aliases_for(db: sqlite3.Connection, names: Sequence[str]) -> dict[str, int]:
    """Return each name's alias; a new name gets a number that no name ever had."""
    known = dict(db.execute("SELECT name, alias FROM aliases").fetchall())
    free = max(known.values(), default=0) + 1
    new = {name: free + i for i, name in enumerate(n for n in dict.fromkeys(names) if n not in known)}
    db.executemany("INSERT INTO aliases VALUES (?, ?)", new.items())
    known |= new
    return {name: known[name] for name in names}
