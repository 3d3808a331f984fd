"""The journal: every accepted block, durable, in the order it came. It is the truth; stores are projections of it.

One SQLite file in WAL mode with synchronous FULL: what :meth:`Journal.commit` returned for is on the disk.
Other processes read the file while it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self, cast

from orewatch.storage.database import Database, DatabaseError
from orewatch.storage.dead_letters import DeadLetter, Verdict, count_letters, put_letters, read_letters
from orewatch.storage.journal_tables import JOURNAL_DDL
from orewatch.telemetry.block import BlockError, BlockHeader, read_header
from orewatch.telemetry.schema import Schema, schema_from_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

JournalError = DatabaseError

SCHEMAS_KEPT: Final = 1024


class Outcome(StrEnum):
    """What became of one entry. All three are durable, and are acknowledged."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A block to be kept: its header, its bytes, and when the collector received it (ms UTC)."""

    header: BlockHeader
    data: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A kept block; ``position`` grows with every block stored and is never used again.

    A block that the disk has damaged since has a header with schema b"".
    """

    position: int
    received_ms: int
    header: BlockHeader
    data: bytes


class Journal:
    """The collector's durable memory. Thread-safe: one writer at a time, readers beside it.

    Every method raises :class:`JournalError` when the file cannot be read or written.
    """

    def __init__(self, *, database: Database) -> None:
        self.database = database
        self._spools: dict[tuple[str, bytes], int] = {}
        self._longest: dict[int, int] = {}
        self._schemas: dict[bytes, Schema] = {}
        rows = database.rows("SELECT value FROM meta WHERE key = 'store_uuid'")
        self._store_uuid = str(rows[0][0])

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, busy_s: float = 5.0) -> Self:
        """Open the journal at ``path``, creating it where it is missing."""
        return cls(database=Database.open(path, JOURNAL_DDL, busy_s=busy_s, read_only=read_only))

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @property
    def store_uuid(self) -> str:
        """Hex UUID of this journal, made once; acknowledgements name it."""
        return self._store_uuid

    def commit(self, entries: Sequence[JournalEntry], letters: Sequence[DeadLetter] = ()) -> list[Outcome]:
        """Keep blocks and dead letters in one durable transaction; one outcome per entry.

        A conflict (same unit, spool and number, another checksum) becomes a dead letter; what is kept is never
        overwritten. :class:`JournalError`: nothing was kept (disk full, file locked).
        """
        try:
            with self.database.write() as cursor:
                outcomes = [self._insert(cursor, entry) for entry in entries]
                conflicts = [
                    _conflict(entry)
                    for entry, outcome in zip(entries, outcomes, strict=True)
                    if outcome is Outcome.CONFLICT
                ]
                put_letters(cursor, [*letters, *conflicts])
        except BaseException:
            # Their rows are gone with the transaction.
            self._spools.clear()
            self._longest.clear()
            raise
        return outcomes

    def _insert(self, cursor: sqlite3.Cursor, entry: JournalEntry) -> Outcome:
        header = entry.header
        spool = self._spool(cursor, header)
        known = cursor.execute(
            "SELECT 1 FROM pruned WHERE spool = ? AND first <= ? AND last >= ?", (spool, header.number, header.number)
        ).fetchone()
        if known:
            return Outcome.DUPLICATE
        cursor.execute(
            "INSERT INTO blocks (spool, number, first_ms, last_ms, received_ms, checksum, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (spool, number) DO NOTHING",
            (spool, header.number, header.first_ms, header.last_ms, entry.received_ms, header.checksum, entry.data),
        )
        if cursor.rowcount:
            return Outcome.STORED
        (kept,) = cursor.execute(
            "SELECT checksum FROM blocks WHERE spool = ? AND number = ?", (spool, header.number)
        ).fetchone()
        return Outcome.DUPLICATE if kept == header.checksum else Outcome.CONFLICT

    def _spool(self, cursor: sqlite3.Cursor, header: BlockHeader) -> int:
        key = (header.unit, header.spool)
        spool = self._spools.get(key)
        if spool is None:
            cursor.execute("INSERT OR IGNORE INTO spools (unit, spool) VALUES (?, ?)", key)
            spool, longest = cursor.execute(
                "SELECT id, longest_ms FROM spools WHERE unit = ? AND spool = ?", key
            ).fetchone()
            self._spools[key] = cast("int", spool)
            self._longest[cast("int", spool)] = longest
        length = header.last_ms - header.first_ms
        if length > self._longest[cast("int", spool)]:
            cursor.execute("UPDATE spools SET longest_ms = ? WHERE id = ?", (length, spool))
            self._longest[cast("int", spool)] = length
        return cast("int", spool)

    def blocks(self, after_position: int, limit: int) -> list[StoredBlock]:
        """Return up to ``limit`` blocks behind ``after_position``, in order of position."""
        rows = self.database.rows(
            "SELECT position, received_ms, data FROM blocks WHERE position > ? ORDER BY position LIMIT ?",
            (after_position, limit),
        )
        return [self._stored(row) for row in rows]

    def _stored(self, row: tuple[Any, ...]) -> StoredBlock:
        position, received_ms, data = row
        try:
            header = read_header(data)
        except BlockError:
            header = self._damaged(position)
        return StoredBlock(position, received_ms, header, data)

    def _damaged(self, position: int) -> BlockHeader:
        """Return what the index knows of a block whose bytes a bad disk has changed; its schema is b""."""
        rows: list[tuple[Any, ...]] = self.database.rows(
            "SELECT s.unit, s.spool, b.number, b.first_ms, b.last_ms, b.checksum FROM blocks b"
            " JOIN spools s ON s.id = b.spool WHERE b.position = ?",
            (position,),
        )
        unit, spool, number, first_ms, last_ms, checksum = rows[0]
        return BlockHeader(unit, "", "", "", spool, number, b"", first_ms, last_ms, 0, checksum)

    def at(self, positions: Iterable[int]) -> list[StoredBlock]:
        """Return the blocks at these positions, in order; those no longer there are left out."""
        found = []
        for position in sorted(positions):
            rows = self.database.rows("SELECT position, received_ms, data FROM blocks WHERE position = ?", (position,))
            found += [self._stored(row) for row in rows]
        return found

    def span_positions(self, unit: str, start_ms: int, end_ms: int) -> list[int]:
        """Return the positions of every block of ``unit`` that touches ``[start_ms, end_ms)``, ascending."""
        # A block that touches the span ends within the longest block's length behind it.
        rows = self.database.rows(
            "SELECT b.position FROM spools s JOIN blocks b ON b.spool = s.id"
            " WHERE s.unit = ? AND b.last_ms >= ? AND b.last_ms < ? + s.longest_ms AND b.first_ms < ?"
            " ORDER BY b.position",
            (unit, start_ms, end_ms, end_ms),
        )
        return [cast("int", row[0]) for row in rows]

    def span(self, unit: str, start_ms: int, end_ms: int) -> list[StoredBlock]:
        """Return every block of ``unit`` that touches ``[start_ms, end_ms)``, in order of position."""
        return self.at(self.span_positions(unit, start_ms, end_ms))

    def newest_of(self, unit: str, *, after_position: int, limit: int) -> list[StoredBlock]:
        """Return, of the blocks of ``unit`` behind ``after_position``, the ``limit`` newest, in order of position."""
        rows = self.database.rows(
            "SELECT b.position FROM spools s JOIN blocks b ON b.spool = s.id"
            " WHERE s.unit = ? AND b.position > ? ORDER BY b.last_ms DESC LIMIT ?",
            (unit, after_position, limit),
        )
        return self.at(cast("int", row[0]) for row in rows)

    def newest_number(self, unit: str, spool: bytes) -> int:
        """Return the highest block number of one spool ever stored; 0 where there is none."""
        rows = self.database.rows(
            "SELECT MAX(COALESCE((SELECT MAX(number) FROM blocks b WHERE b.spool = s.id), 0),"
            " COALESCE((SELECT MAX(last) FROM pruned p WHERE p.spool = s.id), 0))"
            " FROM spools s WHERE s.unit = ? AND s.spool = ?",
            (unit, spool),
        )
        return cast("int", rows[0][0]) if rows else 0

    def newest_position(self) -> int:
        """Return the position of the newest block ever stored; 0 for an empty journal."""
        rows = self.database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'blocks'")
        return cast("int", rows[0][0]) if rows else 0

    def received_after(self, position: int) -> int | None:
        """Return when the oldest block behind ``position`` was received; None where there is none."""
        rows = self.database.rows(
            "SELECT received_ms FROM blocks WHERE position > ? ORDER BY position LIMIT 1", (position,)
        )
        return cast("int", rows[0][0]) if rows else None

    def put_schemas(self, schemas: Sequence[Schema]) -> None:
        """Remember schemas by their hash."""
        new = [s for s in schemas if self.schema(s.hash) is None]
        if new:
            with self.database.write() as cursor:
                cursor.executemany("INSERT OR IGNORE INTO schemas VALUES (?, ?)", [(s.hash, s.text) for s in new])

    def schema(self, schema_hash: bytes) -> Schema | None:
        """Return the schema of that hash, or None where no birth has declared it yet."""
        schema = self._schemas.get(schema_hash)
        if schema is None:
            rows = self.database.rows("SELECT text FROM schemas WHERE hash = ?", (schema_hash,))
            if not rows:
                return None
            schema = schema_from_text(str(rows[0][0]))
            if len(self._schemas) >= SCHEMAS_KEPT:
                self._schemas.clear()
            self._schemas[schema_hash] = schema
        return schema

    def position(self, projection: str) -> int:
        """Return up to which position a projection has come; 0 where it has not begun."""
        rows = self.database.rows("SELECT position FROM projections WHERE name = ?", (projection,))
        return cast("int", rows[0][0]) if rows else 0

    def positions(self) -> dict[str, int]:
        """Return the position of every projection that has begun."""
        return {str(n): cast("int", p) for n, p in self.database.rows("SELECT name, position FROM projections")}

    def put_position(self, projection: str, position: int) -> None:
        """Remember up to which position a projection has come."""
        with self.database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO projections VALUES (?, ?)", (projection, position))

    def forget_positions(self, prefix: str, *, but: str) -> None:
        """Forget projections whose name begins with ``prefix``, except ``but``: their store is no more."""
        gone = [name for name in self.positions() if name.startswith(prefix) and name != but]
        if gone:
            with self.database.write() as cursor:
                for table, column in (("projections", "name"), ("dirty", "projection")):
                    cursor.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(name,) for name in gone])

    def dead_letters(
        self, *, unit: str | None = None, verdict: Verdict | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        """Return the newest dead letters first."""
        return read_letters(self.database, unit=unit, verdict=verdict, limit=limit)

    def letters_kept(self, verdict: Verdict) -> int:
        """Return how many dead letters of one kind are kept."""
        return count_letters(self.database, verdict)


def _conflict(entry: JournalEntry) -> DeadLetter:
    header = entry.header
    return DeadLetter(
        unit=header.unit,
        verdict=Verdict.REJECTED,
        reason=Outcome.CONFLICT.value,
        detail=f"spool {header.spool.hex()} number {header.number}: another block of that number is already stored",
        received_ms=entry.received_ms,
        data=entry.data,
        schema=header.schema,
    )


__all__ = [
    "DeadLetter",
    "Journal",
    "JournalEntry",
    "JournalError",
    "Outcome",
    "StoredBlock",
    "Verdict",
]
