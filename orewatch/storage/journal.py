"""The journal: every accepted block, durable, in the order it came. It is the truth; stores are projections of it.

One SQLite file in WAL mode with synchronous FULL: what :meth:`Journal.commit` returned for is on the disk.
Other processes read the file while it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orewatch.telemetry.block import BlockHeader
    from orewatch.telemetry.schema import Schema


class JournalError(RuntimeError):
    """The journal could not be read or written; nothing of the attempt was kept. The message says why."""


class Outcome(StrEnum):
    """What became of one entry. All three are durable, and are acknowledged."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Verdict(StrEnum):
    """Why a letter is dead: never readable, readable but not believed, or its schema is not known yet."""

    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A block to be kept: its header, its bytes, and when the collector received it (ms UTC)."""

    header: BlockHeader
    data: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A kept block; ``position`` grows with every block stored and is never used again."""

    position: int
    received_ms: int
    header: BlockHeader
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be accepted, with the reason; ``data`` are its bytes, cut where they were too many."""

    unit: str
    verdict: Verdict
    reason: str
    detail: str
    received_ms: int
    data: bytes
    schema: bytes | None = None
    id: int = 0


class Journal:
    """The collector's durable memory. Thread-safe: one writer at a time, readers beside it."""

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the journal at ``path``, creating it where it is missing; :class:`JournalError` if that fails."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""

    @property
    def store_uuid(self) -> str:
        """Hex UUID of this journal, made once; acknowledgements name it."""
        raise NotImplementedError

    def commit(self, entries: Sequence[JournalEntry], letters: Sequence[DeadLetter] = ()) -> list[Outcome]:
        """Keep blocks and dead letters in one durable transaction; one outcome per entry.

        A conflict (same unit, spool and number, another checksum) becomes a dead letter; what is kept is never
        overwritten. :class:`JournalError`: nothing was kept (disk full, file locked).
        """
        raise NotImplementedError

    def blocks(self, after_position: int, limit: int) -> list[StoredBlock]:
        """Return up to ``limit`` blocks behind ``after_position``, in order of position."""
        raise NotImplementedError

    def span(self, unit: str, start_ms: int, end_ms: int) -> list[StoredBlock]:
        """Return every block of ``unit`` that touches ``[start_ms, end_ms)``, in order of position."""
        raise NotImplementedError

    def put_schemas(self, schemas: Sequence[Schema]) -> None:
        """Remember schemas by their hash."""
        raise NotImplementedError

    def schema(self, schema_hash: bytes) -> Schema | None:
        """Return the schema of that hash, or None where no birth has declared it yet."""
        raise NotImplementedError

    def position(self, projection: str) -> int:
        """Return up to which position a projection has come; 0 where it has not begun."""
        raise NotImplementedError

    def put_position(self, projection: str, position: int) -> None:
        """Remember up to which position a projection has come."""
        raise NotImplementedError

    def dead_letters(self, *, unit: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Return the newest dead letters first."""
        raise NotImplementedError
