"""One SQLite file, opened the one way this project opens them: WAL, one writer at a time, readers beside it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# A block has 1 to 4 kB. With 4 kB pages a third of each page would stay empty.
PAGE_BYTES: Final = 16_384
WAL_LIMIT_BYTES: Final = 64 * 2**20
INCREMENTAL: Final = 2
"""SQLite's number of the way to vacuum that is chosen here."""
ALIVE_EVERY: Final = 100_000


class DatabaseError(RuntimeError):
    """The file could not be read or written; nothing of the attempt was kept. ``full``: for want of space."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"{path}: {error}")
        self.full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        self.busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """Two connections to one file: one to write with, one to read with; each used by one thread at a time."""

    def __init__(self, *, path: Path, ddl: str, busy_s: float, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        try:
            with ExitStack() as opened:
                self._writer = _connect(path, busy_s, opened)
                self._writer.executescript(ddl)
                self._reader = _connect(path, busy_s, opened)
                self._reader.execute("PRAGMA query_only = ON")
                opened.pop_all()
        except sqlite3.Error as error:
            raise DatabaseError(path, error) from error

    @classmethod
    def open(cls, path: Path, ddl: str, *, busy_s: float = 5.0, read_only: bool = False) -> Self:
        """Open ``path``, creating file and tables where they are missing; :class:`DatabaseError` if that fails.

        A reader that starts before the writer finds empty tables rather than no file.
        """
        return cls(path=path, ddl=ddl, busy_s=busy_s, read_only=read_only)

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

    @property
    def gives_back(self) -> bool:
        """Whether the file can become smaller while it is used; one made before this was decided cannot."""
        return self.rows("PRAGMA auto_vacuum") == [(INCREMENTAL,)]

    def pages(self) -> tuple[int, int]:
        """Return how many pages the file has, and how many of them are free."""
        (whole,), (free,) = self.rows("PRAGMA page_count")[0], self.rows("PRAGMA freelist_count")[0]
        return cast("int", whole), cast("int", free)

    def give_back(self, pages: int) -> None:
        """Return up to ``pages`` free pages to the disk, in one short transaction, and as far as readers let it."""
        with self._write_lock:
            try:
                self._writer.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
                self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(self.path, error) from error

    def compact(self, alive: Callable[[], None]) -> None:
        """Write the whole file anew without its free pages, and let it give space back from now on.

        Needs up to twice as much room again: a copy, and that copy in the WAL. ``alive`` is called every few thousand
        rows.
        """

        def turn() -> int:
            alive()
            return 0

        with self._write_lock, self._read_lock:
            try:
                self._writer.set_progress_handler(turn, ALIVE_EVERY)
                self._writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
                self._writer.execute("VACUUM")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(self.path, error) from error
            finally:
                self._writer.set_progress_handler(None, 0)

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of one query, as of the newest commit."""
        with self._read_lock:
            try:
                return self._reader.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(self.path, error) from error


def _connect(path: Path, busy_s: float, opened: ExitStack) -> sqlite3.Connection:
    """Open one connection; ``opened`` closes it where the rest fails."""
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    opened.callback(connection.close)
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    # Decided when the file is made, and never again but by compact().
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    # What was committed is on the disk. That goes for the rollups as well: the journal takes note that they are made,
    # and after a loss of power nothing would make those again whose scans are pruned by then.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    return connection
