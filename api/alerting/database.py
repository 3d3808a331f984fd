"""The alerts' own SQLite file: its tables, and the carry of the deciding code.

One file for alerts, notes, outbox and carry, so that what belongs together is committed together:
an alert without its message, or a message without its alert, cannot exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from api.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterable

# Two keys make an episode happen once whatever restarts, races or replays do: by its onset, and one
# standing alert per unit and kind.
_FIRST = """
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
_SECOND = """
CREATE TABLE usual (
    unit TEXT NOT NULL,
    ore TEXT NOT NULL,
    moisture TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    tph REAL NOT NULL,
    PRIMARY KEY (unit, ore, moisture, start_ms)
) WITHOUT ROWID;
"""
# Which alerts changed since they were last mirrored: noted with the change itself, whoever makes it.
_THIRD = """
CREATE TABLE unmirrored (alert INTEGER PRIMARY KEY, changes INTEGER NOT NULL);
INSERT INTO unmirrored SELECT id, 1 FROM alert;
CREATE TRIGGER alert_raised AFTER INSERT ON alert BEGIN
    INSERT INTO unmirrored VALUES (new.id, 1) ON CONFLICT (alert) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER alert_changed AFTER UPDATE ON alert BEGIN
    INSERT INTO unmirrored VALUES (new.id, 1) ON CONFLICT (alert) DO UPDATE SET changes = changes + 1;
END;
"""
# Years of alerts and letters: what ended lately, and what was given up, is found without reading all of them.
_FOURTH = """
CREATE INDEX alert_by_clearing ON alert (cleared_ms) WHERE cleared_ms IS NOT NULL;
CREATE INDEX outbox_given_up ON outbox (id) WHERE given_up IS NOT NULL;
"""


class AlertDatabase(Database):
    """Alerts, notes, outbox, carry, and what is usual for units."""

    STEPS: ClassVar[tuple[str, ...]] = (_FIRST, _SECOND, _THIRD, _FOURTH)

    def put_carry(self, carries: Iterable[tuple[str, int, str]]) -> None:
        """Keep what the deciding code needs to go on: unit, up to when, JSON text."""
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO carry (unit, at_ms, data) VALUES (?, ?, ?)", carries)

    def carries(self) -> dict[str, tuple[int, str]]:
        """Return every unit's carry: up to when, JSON text."""
        return {row["unit"]: (row["at_ms"], row["data"]) for row in self.rows("SELECT unit, at_ms, data FROM carry")}
