"""The tables of the journal's file."""

from __future__ import annotations

from typing import Final

JOURNAL_DDL: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('store_uuid', lower(hex(randomblob(16))));
INSERT OR IGNORE INTO meta VALUES ('version', '1');

-- A unit's spool; a replaced SD card is a new one. longest_ms: the span of its longest block, bounds span queries.
CREATE TABLE IF NOT EXISTS spools (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, spool BLOB NOT NULL, longest_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (unit, spool)
);
-- AUTOINCREMENT: a position is never used again, also after retention deleted the newest blocks.
CREATE TABLE IF NOT EXISTS blocks (
    position INTEGER PRIMARY KEY AUTOINCREMENT, spool INTEGER NOT NULL, number INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
    checksum BLOB NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS blocks_identity ON blocks (spool, number);
CREATE INDEX IF NOT EXISTS blocks_span ON blocks (spool, last_ms, first_ms);

-- Numbers that retention has deleted: still known, so that a late resend is a duplicate and not a new block.
CREATE TABLE IF NOT EXISTS pruned (
    spool INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (spool, first)
) WITHOUT ROWID;
-- Spans of whole minutes in which a unit's raw scans are no longer all here.
CREATE TABLE IF NOT EXISTS pruned_spans (
    unit TEXT NOT NULL, first_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, PRIMARY KEY (unit, first_ms)
) WITHOUT ROWID;
-- How it was written before: up to which event time.
CREATE TABLE IF NOT EXISTS pruned_units (unit TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR REPLACE INTO pruned_spans SELECT unit, 0, until_ms FROM pruned_units;
DELETE FROM pruned_units;

-- Units to be asked, after a backup was restored, for blocks since then: they have them acknowledged.
CREATE TABLE IF NOT EXISTS resends (unit TEXT PRIMARY KEY, from_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS schemas (hash BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS projections (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
-- Windows that new blocks touched and that this projection has not rolled up again yet.
CREATE TABLE IF NOT EXISTS dirty (
    projection TEXT NOT NULL, unit TEXT NOT NULL, step_ms INTEGER NOT NULL, window INTEGER NOT NULL,
    PRIMARY KEY (projection, unit, step_ms, window)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, unit TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, received_ms INTEGER NOT NULL, schema BLOB, digest BLOB NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS dead_letters_once ON dead_letters (unit, reason, digest);
CREATE INDEX IF NOT EXISTS dead_letters_kind ON dead_letters (verdict, schema);

CREATE TABLE IF NOT EXISTS nodes (
    node TEXT PRIMARY KEY, grp TEXT NOT NULL, description TEXT, spool TEXT, bd_seq INTEGER,
    born_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, died_ms INTEGER, depth INTEGER, dropped INTEGER,
    aliases TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    unit TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, total INTEGER NOT NULL,
    PRIMARY KEY (unit, name, reason)
) WITHOUT ROWID;
-- What a process last told of itself; a row each.
CREATE TABLE IF NOT EXISTS vitals (process TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
"""
