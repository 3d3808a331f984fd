"""One SQLite file, opened the one way this project opens them: WAL, one writer at a time, readers beside it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# A block has 1 to 4 kB. With 4 kB pages a third of each page would stay empty.
PAGE_BYTES: Final = 16_384
WAL_LIMIT_BYTES: Final = 64 * 2**20


class DatabaseError(RuntimeError):
    """The file could not be read or written; nothing of the attempt was kept. ``full``: for want of space."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"{path}: {error}")
        self.full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        self.busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """Two connections to one file: one to write with, one to read with; each used by one thread at a time."""

    def __init__(self, *, path: Path, ddl: str, synchronous: str, busy_s: float, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        try:
            with ExitStack() as opened:
                self._writer = _connect(path, synchronous, busy_s, opened)
                self._writer.executescript(ddl)
                self._reader = _connect(path, synchronous, busy_s, opened)
                self._reader.execute("PRAGMA query_only = ON")
                opened.pop_all()
        except sqlite3.Error as error:
            raise DatabaseError(path, error) from error

    @classmethod
    def open(
        cls, path: Path, ddl: str, *, synchronous: str = "FULL", busy_s: float = 5.0, read_only: bool = False
    ) -> Self:
        """Open ``path``, creating file and tables where they are missing; :class:`DatabaseError` if that fails.

        A reader that starts before the writer finds empty tables rather than no file.
        """
        return cls(path=path, ddl=ddl, synchronous=synchronous, busy_s=busy_s, read_only=read_only)

    def close(self) -> None:
        """Close both connections."""
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor inside one transaction: all of it is durable on leaving, or none of it is kept."""
        if self.read_only:
            raise DatabaseError(self.path, sqlite3.OperationalError("opened for reading only"))
        with self._write_lock:
            cursor = self._writer.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                cursor.execute("COMMIT")
            except sqlite3.Error as error:
                self._abandon()
                raise DatabaseError(self.path, error) from error
            except BaseException:
                self._abandon()
                raise
            finally:
                cursor.close()

    def _abandon(self) -> None:
        # SQLite itself ends a transaction when the disk is full.
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of one query, as of the newest commit."""
        with self._read_lock:
            try:
                return self._reader.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(self.path, error) from error


def _connect(path: Path, synchronous: str, busy_s: float, opened: ExitStack) -> sqlite3.Connection:
    """Open one connection; ``opened`` closes it where the rest fails."""
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    opened.callback(connection.close)
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    return connection
