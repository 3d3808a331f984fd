"""The book of inputs: only ever added to, so that what was there before a correction stays there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from api.inputs.entry import Entry, InputKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from api.inputs.database import InputDatabase

_COLUMNS = (
    "i.id, i.unit, i.kind, i.key, i.asked, i.from_ms, i.to_ms, i.data, i.by, i.note, i.recorded_ms, i.corrects,"
    " i.withdrawn, n.id AS replaced_by"
)
_TABLE = "input AS i LEFT JOIN input AS n ON n.corrects = i.id"
# What counts: not replaced, and not a mere withdrawal.
_COUNTS = "n.id IS NULL AND i.withdrawn = 0"


class UnknownInputError(KeyError):
    """There is no such entry of this unit and kind."""


class InputConflictError(ValueError):
    """The entry was replaced already, or the key was used for something else; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFilter:
    """Which entries to list, the newest of its own time first. ``after``: the (from_ms, id) of the last one seen."""

    unit: str
    kind: InputKind
    replaced: bool = False
    after: tuple[int, int] | None = None


class InputBook:
    """Entries in the database. Each method is one transaction."""

    def __init__(self, *, database: InputDatabase) -> None:
        self.database = database

    def add(self, entry: Entry, check: Callable[[Sequence[Entry]], None]) -> tuple[Entry, Entry | None, bool]:
        """Write an entry; returns it as kept, the one it corrects, and whether it is new.

        The same key again changes nothing.

        ``check`` sees the entries of the unit and kind that count, without the one that is corrected, and raises where
        the new one does not go with them. :class:`UnknownInputError`, :class:`InputConflictError`.
        """
        asked = _digest(entry)
        with self.database.transaction() as connection:
            known = self._one("i.key = ?", (entry.key,))
            if known is not None:
                if known[1] != asked:
                    raise InputConflictError(f"key: {entry.key!r} was used for entry {known[0].id}; allowed: a new one")
                return known[0], None, False
            before = None if entry.corrects is None else self._replaceable(entry, entry.corrects)
            if not entry.withdrawn:
                check([one for one in self.current(entry.unit, entry.kind) if one.id != entry.corrects])
            cursor = connection.execute(
                "INSERT INTO input (unit, kind, key, asked, from_ms, to_ms, data, by, note, recorded_ms, corrects,"
                " withdrawn) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    entry.unit,
                    entry.kind.value,
                    entry.key,
                    asked,
                    entry.from_ms,
                    entry.to_ms,
                    orjson.dumps(dict(entry.own)).decode(),
                    entry.by,
                    entry.note,
                    entry.recorded_ms,
                    entry.corrects,
                    entry.withdrawn,
                ),
            )
            return replace(entry, id=cursor.lastrowid or 0), before, True

    def get(self, unit: str, kind: InputKind, entry_id: int) -> Entry:
        """Return one entry; :class:`UnknownInputError`."""
        found = self._one("i.unit = ? AND i.kind = ? AND i.id = ?", (unit, kind.value, entry_id))
        if found is None:
            raise UnknownInputError(entry_id)
        return found[0]

    def current(self, unit: str, kind: InputKind, start_ms: int | None = None) -> list[Entry]:
        """Return the entries that count, in order of their time; of those over before ``start_ms`` only the last."""
        where, values = f"i.unit = ? AND i.kind = ? AND {_COUNTS}", [unit, kind.value]
        rows = []
        if start_ms is not None:
            rows = self.database.rows(
                f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {where} AND i.from_ms < ? ORDER BY i.from_ms DESC LIMIT 1",
                (*values, start_ms),
            )
            last = rows[0]["id"] if rows else 0
            # An open stop lasts; all else without an end holds until the next of its kind.
            lasts = " OR i.to_ms IS NULL" if kind is InputKind.STOPS else ""
            where += f" AND (i.from_ms >= {start_ms:d} OR i.to_ms > {start_ms:d}{lasts}) AND i.id <> {last:d}"
        rows += self.database.rows(f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {where} ORDER BY i.from_ms, i.id", values)
        return sorted(map(_entry, rows), key=lambda entry: (entry.from_ms, entry.id))

    def select(self, wanted: InputFilter, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries, those of the newest time first."""
        where, values = ["i.unit = ?", "i.kind = ?"], list[Any]([wanted.unit, wanted.kind.value])
        if not wanted.replaced:
            where.append(_COUNTS)
        if wanted.after is not None:
            where.append("(i.from_ms, i.id) < (?, ?)")
            values += wanted.after
        rows = self.database.rows(
            f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {' AND '.join(where)} ORDER BY i.from_ms DESC, i.id DESC LIMIT ?",
            (*values, limit),
        )
        return list(map(_entry, rows))

    def units(self) -> list[str]:
        """Return the units that anything was said of."""
        return [row["unit"] for row in self.database.rows("SELECT DISTINCT unit FROM input")]

    def open_stops(self) -> list[Entry]:
        """Return every stop that has no end yet."""
        rows = self.database.rows(
            f"SELECT {_COLUMNS} FROM {_TABLE} WHERE i.kind = ? AND i.to_ms IS NULL AND {_COUNTS} ORDER BY i.id",
            (InputKind.STOPS.value,),
        )
        return list(map(_entry, rows))

    def _replaceable(self, entry: Entry, corrected: int) -> Entry:
        before = self.get(entry.unit, entry.kind, corrected)
        if before.withdrawn or before.replaced_by is not None:
            by = "a withdrawal" if before.withdrawn else f"replaced by {before.replaced_by}"
            raise InputConflictError(f"corrects: {corrected} is {by}; allowed: an entry that counts")
        return before

    def _one(self, where: str, values: Sequence[Any]) -> tuple[Entry, str] | None:
        rows = self.database.rows(f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {where}", values)
        return (_entry(rows[0]), str(rows[0]["asked"])) if rows else None


def _digest(entry: Entry) -> str:
    """Return what tells one question from another: everything that was said, not when it came."""
    said = [entry.unit, entry.kind.value, entry.from_ms, entry.to_ms, dict(entry.own), entry.by, entry.note]
    text = orjson.dumps([*said, entry.corrects, entry.withdrawn], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        id=row["id"],
        unit=row["unit"],
        kind=InputKind(row["kind"]),
        key=row["key"],
        from_ms=row["from_ms"],
        to_ms=row["to_ms"],
        own=orjson.loads(row["data"]),
        by=row["by"],
        note=row["note"],
        recorded_ms=row["recorded_ms"],
        corrects=row["corrects"],
        replaced_by=row["replaced_by"],
        withdrawn=bool(row["withdrawn"]),
    )
