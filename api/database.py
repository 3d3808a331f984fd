"""An SQLite file of the service: one connection shared by threads, transactions, and tables that grow by steps."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class DatabaseFileError(RuntimeError):
    """The file cannot serve as this database; the message says why."""


class Database:
    """The connection, under one lock. ``STEPS``: what brings an empty file to version 1, that to 2, and so on."""

    STEPS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._depth = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open, create or bring up to date; :class:`DatabaseFileError` where it is not ours or from a later version."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except sqlite3.OperationalError as error:
            raise DatabaseFileError(f"{path}: {error}") from error
        connection.row_factory = sqlite3.Row
        newest = len(cls.STEPS)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version < newest:
                steps = "".join(cls.STEPS[version:])
                connection.executescript(f"BEGIN;{steps}PRAGMA user_version={newest};COMMIT;")
        except sqlite3.DatabaseError as error:
            connection.close()
            raise DatabaseFileError(f"{path}: {error}") from error
        if version > newest:
            connection.close()
            raise DatabaseFileError(f"{path}: version {version}; this program reads {newest}")
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

    def rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a question."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
