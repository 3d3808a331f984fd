"""The inputs' own SQLite file. Nothing in it ever changes: a correction is a new row that names the one it replaces."""

from __future__ import annotations

from typing import ClassVar

from api.database import Database

# A key makes an input happen once however often it is sent; an entry is replaced at most once.
_FIRST = """
CREATE TABLE input (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    asked TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    data TEXT NOT NULL,
    by TEXT NOT NULL,
    note TEXT,
    recorded_ms INTEGER NOT NULL,
    corrects INTEGER UNIQUE REFERENCES input (id),
    withdrawn INTEGER NOT NULL
);
CREATE INDEX input_by_unit ON input (unit, kind, from_ms, id);
CREATE INDEX input_open ON input (kind, id) WHERE to_ms IS NULL;
"""


class InputDatabase(Database):
    """One table, only ever added to."""

    STEPS: ClassVar[tuple[str, ...]] = (_FIRST,)
