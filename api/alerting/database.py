"""The alerts' own SQLite file: connection, tables, transactions, and the carry of the deciding code.

One file for alerts, notes, outbox and carry, so that what belongs together is committed together:
an alert without its message, or a message without its alert, cannot exist.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_VERSION = 1

# Two keys make an episode happen once whatever restarts, races or replays do: by its onset, and one
# standing alert per unit and kind.
_TABLES = """
CREATE TABLE alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    episode INTEGER NOT NULL,
    machine TEXT,
    signal TEXT,
    priority TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    figures TEXT NOT NULL,
    onset_ms INTEGER NOT NULL,
    raised_ms INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    cleared_ms INTEGER,
    tonnes_lost REAL,
    historical INTEGER NOT NULL,
    acknowledged_ms INTEGER,
    acknowledged_by TEXT,
    shelved_until_ms INTEGER,
    UNIQUE (unit, kind, episode)
);
CREATE UNIQUE INDEX alert_standing ON alert (unit, kind) WHERE cleared_ms IS NULL;
CREATE INDEX alert_by_time ON alert (raised_ms, id);
CREATE TABLE note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert INTEGER NOT NULL REFERENCES alert (id),
    at_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX note_by_alert ON note (alert);
CREATE TABLE carry (unit TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    alert INTEGER,
    event TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    sent_ms INTEGER,
    given_up TEXT,
    UNIQUE (channel, alert, event)
);
CREATE INDEX outbox_due ON outbox (due_ms) WHERE sent_ms IS NULL AND given_up IS NULL;
"""


class AlertDatabaseError(RuntimeError):
    """The file cannot serve as the alerts' database; the message says why."""


class AlertDatabase:
    """The connection, shared by threads under one lock."""

    def __init__(self, *, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._depth = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file; :class:`AlertDatabaseError` where it is not ours or from a later version."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except sqlite3.OperationalError as error:
            raise AlertDatabaseError(f"{path}: {error}") from error
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version={_VERSION};COMMIT;")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise AlertDatabaseError(f"{path}: {error}") from error
        if version not in {0, _VERSION}:
            connection.close()
            raise AlertDatabaseError(f"{path}: version {version}; this program reads {_VERSION}")
        return cls(connection=connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold one transaction; inner ones join the outer."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a question."""
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchall()

    def put_carry(self, carries: Iterable[tuple[str, int, str]]) -> None:
        """Keep what the deciding code needs to go on: unit, up to when, JSON text."""
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO carry (unit, at_ms, data) VALUES (?, ?, ?)", carries)

    def carries(self) -> dict[str, tuple[int, str]]:
        """Return every unit's carry: up to when, JSON text."""
        return {row["unit"]: (row["at_ms"], row["data"]) for row in self.rows("SELECT unit, at_ms, data FROM carry")}
