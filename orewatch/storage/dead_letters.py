"""Dead letters: what could not be accepted, kept durably with the reason.

Three kinds. *Rejected*: never readable; kept for people to look at, the oldest dropped beyond a bound.
*Quarantined*: readable, but not believed; *waiting*: its schema is not known yet. Those two were
acknowledged and exist nowhere else, so they are never dropped; beyond a bound new ones are refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from orewatch.storage.database import Database

REJECTED_KEPT: Final = 10_000
MAX_DATA_BYTES: Final = 65_536
MAX_DETAIL: Final = 500
_COLUMNS: Final = "id, unit, verdict, reason, detail, received_ms, schema, data"


class Verdict(StrEnum):
    """Why a letter is dead: never readable, readable but not believed, or its schema is not known yet."""

    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be accepted, with the reason; ``id`` is 0 until it is kept.

    Rejected ``data`` longer than 64 kB are cut.
    """

    unit: str
    verdict: Verdict
    reason: str
    detail: str
    received_ms: int
    data: bytes
    schema: bytes | None = None
    id: int = 0


def put_letters(cursor: sqlite3.Cursor, letters: Sequence[DeadLetter]) -> None:
    """Keep letters in the caller's transaction; the same bytes for the same reason are kept once."""
    for letter in letters:
        data = letter.data[:MAX_DATA_BYTES] if letter.verdict is Verdict.REJECTED else letter.data
        digest = hashlib.blake2b(letter.data, digest_size=8).digest()
        cursor.execute(
            "INSERT OR IGNORE INTO dead_letters (unit, verdict, reason, detail, received_ms, schema, digest, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                letter.unit,
                letter.verdict.value,
                letter.reason,
                letter.detail[:MAX_DETAIL],
                letter.received_ms,
                letter.schema,
                digest,
                data,
            ),
        )
    if letters:
        cursor.execute(
            "DELETE FROM dead_letters WHERE verdict = 'rejected' AND id <="
            " (SELECT id FROM dead_letters WHERE verdict = 'rejected' ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (REJECTED_KEPT,),
        )


def drop_letters(cursor: sqlite3.Cursor, ids: Iterable[int]) -> None:
    """Forget letters that were taken out, in the caller's transaction."""
    cursor.executemany("DELETE FROM dead_letters WHERE id = ?", [(i,) for i in ids])


def read_letters(
    database: Database,
    *,
    unit: str | None = None,
    verdict: Verdict | None = None,
    schema: bytes | None = None,
    limit: int = 100,
) -> list[DeadLetter]:
    """Return the newest letters first, all or only those of a unit, a verdict, a schema."""
    wanted = {"unit": unit, "verdict": verdict.value if verdict else None, "schema": schema}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "1"
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM dead_letters WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit)
    )
    return [_letter(row) for row in rows]


def count_letters(database: Database, *verdicts: Verdict) -> int:
    """Return how many letters of these verdicts are kept."""
    marks = ", ".join("?" * len(verdicts))
    rows = database.rows(
        f"SELECT COUNT(*) FROM dead_letters WHERE verdict IN ({marks})", tuple(v.value for v in verdicts)
    )
    return int(str(rows[0][0]))


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    number, unit, verdict, reason, detail, received_ms, schema, data = row
    return DeadLetter(
        id=number,
        unit=unit,
        verdict=Verdict(verdict),
        reason=reason,
        detail=detail,
        received_ms=received_ms,
        data=data,
        schema=schema,
    )
