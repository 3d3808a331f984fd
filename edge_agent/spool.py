"""The spool: every scan is journaled here before it counts, and waits as blocks until each uplink acknowledged it.

::

    append -> open scans --seal--> blocks -+-> owed to uplink A --acknowledge--> gone (or kept to be sent again)
             (one row per append)          +-> owed to uplink B --acknowledge-^

Sealing a block and emptying the open scans is one transaction, so each scan is in exactly one block.
All methods may be called from any thread; each is durable when it returns, unless it says otherwise. Those
that read raise :class:`SpoolError` where the disk cannot be read.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from edge_agent.cutting import Span, cut
from edge_agent.scan_rows import pack_scans
from edge_agent.spool_file import SpoolError, SpoolFile, aliases_for, uplink_ids
from edge_agent.spool_pace import Pace
from edge_agent.spool_room import Room, SpooledBlock
from orewatch.telemetry.schema import Schema, schema_from_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from orewatch.plant.unit import Unit
    from orewatch.telemetry.scan import Scans

__all__ = ["MAX_UNWRITTEN", "Spool", "SpooledBlock"]

log = logging.getLogger(__name__)

MAX_UNWRITTEN: Final = 900
"""Appends held in memory while the disk takes nothing: a quarter of an hour at 1 Hz."""


class Spool:
    """The spool of one unit; make it with :meth:`open`."""

    def __init__(
        self,
        *,
        file: SpoolFile,
        unit: Unit,
        schema: Schema,
        uplinks: Sequence[str],
        block_bytes: int,
        block_seconds: float,
        max_bytes: int,
        keep_bytes: int,
    ) -> None:
        self._file = file
        self.schema = schema
        self._pace = Pace(block_bytes=block_bytes, block_ms=int(block_seconds * 1000))
        self._lock = threading.RLock()
        self._open = Span()
        self._unwritten: list[list[Scans]] = []
        self._tags = [unit.id, unit.site, unit.province, unit.mineral]
        self._lost_on_disk = 0
        self._closed = False
        self.failures: dict[str, int] = {}
        meta = dict(file.db.execute("SELECT key, value FROM meta"))
        self.uuid = uuid.UUID(meta["uuid"]).bytes
        self.replaced = file.replaced
        with file.transaction() as db:
            self._uplinks = uplink_ids(db, uplinks)
            self._room = Room(db=db, uplinks=[*self._uplinks.values()], max_bytes=max_bytes, keep_bytes=keep_bytes)
            self._room.seal_leftovers(spool=self.uuid, tags=json.loads(meta.get("tags", "null")) or self._tags)
            db.execute("DELETE FROM schemas WHERE hash NOT IN (SELECT schema FROM blocks)")
            db.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (schema.hash, schema.text))
            # What was sealed while an uplink was not configured is owed to it as well.
            seen = set(json.loads(meta.get("seen", "[]")))
            for name in self._uplinks.keys() - seen:
                sql = "INSERT OR IGNORE INTO owed SELECT ?, number FROM blocks"
                db.execute(sql, (self._uplinks[name],))
            tags = json.dumps(self._tags)
            facts = {"tags": tags, "seen": json.dumps(sorted(seen | self._uplinks.keys()))}
            # Written only where it changed: a start on a full disk has nothing to write.
            changed = [(k, v) for k, v in facts.items() if meta.get(k) != v]
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        unit: Unit,
        schema: Schema,
        uplinks: Sequence[str] = ("main",),
        block_bytes: int = 4096,
        block_seconds: float = 60.0,
        max_bytes: int = 512 * 2**20,
        keep_bytes: int = 0,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
    ) -> Spool:
        """Open or begin a spool; :class:`SpoolError` where the file is another unit's, in use, or cannot be written.

        Blocks are sealed at about ``block_bytes`` or when their first scan is ``block_seconds`` old; the
        spool holds at most ``max_bytes``. ``keep_bytes`` of acknowledged blocks are kept to be sent again.
        """
        file = SpoolFile(path=path, unit=unit.id, synchronous=synchronous)
        try:
            return cls(
                file=file,
                unit=unit,
                schema=schema,
                uplinks=uplinks,
                block_bytes=block_bytes,
                block_seconds=block_seconds,
                max_bytes=max_bytes,
                keep_bytes=keep_bytes,
            )
        except sqlite3.Error as error:
            file.close()
            raise SpoolError(f"{path}: {error}; allowed: a writable, undamaged file with room on its disk") from error
        except BaseException:
            file.close()
            raise

    def append(self, scans: Sequence[Scans], now_ms: int) -> bool:
        """Journal scans; True when they are durable.

        False when the disk refused: they are then held in memory, tried again with the next call, and
        the oldest are dropped (counted as ``disk``) beyond :data:`MAX_UNWRITTEN` calls. A batch may span
        hours; it is cut into blocks by the scans' own times.
        """
        with self._lock:
            if self._closed:
                return False
            fresh = [s for s in scans if len(s)]
            if fresh:
                self._unwritten.append(fresh)
            if not self._unwritten:
                self.seal_due(now_ms)
                return True
            batch = [s for waiting in self._unwritten for s in waiting]
            sealed, rest, row = cut(self._open, batch, self._pace.limits())
            try:
                with self._file.transaction() as db:
                    for span in sealed:
                        self._seal(self._tags, self.schema, span)
                    if sealed:
                        db.execute("DELETE FROM open_scans")
                    if row:
                        values = (self.schema.hash, pack_scans(row))
                        db.execute("INSERT INTO open_scans (schema, data) VALUES (?, ?)", values)
            except sqlite3.Error as error:
                self._failed(error)
                while len(self._unwritten) > MAX_UNWRITTEN:
                    self._lost_on_disk += sum(len(s) for s in self._unwritten.pop(0))
                return False
            if len(self._unwritten) > 1:
                log.warning("spool: the disk takes scans again; %d held ones are written", len(self._unwritten) - 1)
            self._unwritten.clear()
            self._open = rest
            self.seal_due(now_ms)
            return True

    def seal_due(self, now_ms: int, *, force: bool = False) -> bool:
        """Seal the open scans when they are old enough (or a clock was set back, or ``force``); True if it was done."""
        with self._lock:
            if not self._open.scans or (not force and 0 <= now_ms - self._open.first_ms < self._pace.block_ms):
                return False
            try:
                with self._file.transaction() as db:
                    self._seal(self._tags, self.schema, self._open.scans)
                    db.execute("DELETE FROM open_scans")
            except sqlite3.Error as error:
                self._failed(error)
                return False
            self._open = Span()
            return True

    def pending(self, uplink: str, *, after: int = 0, limit: int = 64) -> list[SpooledBlock]:
        """Return blocks owed to ``uplink`` with numbers above ``after``, oldest first; handed out, they are final."""
        with self._reading():
            number = self._uplinks[uplink]
            rows = self._room.owed(number, after, limit)
            if rows and self._room.sent(number, rows[-1].number):
                self._note("UPDATE uplinks SET sent_upto = ? WHERE id = ?", (rows[-1].number, number))
            return rows

    def acknowledge(self, uplink: str, ranges: Iterable[tuple[int, int]]) -> int:
        """Take note that ``uplink`` holds the blocks of ``ranges`` (first, last) durably; return how many were new.

        Numbers that were never handed out to it are left alone: whoever acknowledges them means another spool.
        """
        with self._lock:
            try:
                with self._file.transaction():
                    return sum(self._room.acknowledge(self._uplinks[uplink], a, b) for a, b in ranges)
            except sqlite3.Error as error:
                self._failed(error)
                return 0

    def owe_again(self, uplink: str, from_ms: int, to_ms: int) -> int:
        """Owe ``uplink`` every block still here that touches the span; return how many came back."""
        sql = "INSERT OR IGNORE INTO owed SELECT ?, number FROM blocks WHERE last_ms >= ? AND first_ms <= ?"
        with self._lock:
            try:
                with self._file.transaction() as db:
                    return db.execute(sql, (self._uplinks[uplink], from_ms, to_ms)).rowcount
            except sqlite3.Error as error:
                self._failed(error)
                return 0

    def schemas_in_use(self) -> list[str]:
        """Return the texts of the present schema and of each that a block in the spool still uses."""
        with self._reading():
            used = {h for (h,) in self._file.db.execute("SELECT DISTINCT schema FROM blocks")}
            texts = dict(self._file.db.execute("SELECT hash, text FROM schemas").fetchall())
            return [self.schema.text, *(texts[h] for h in sorted(used - {self.schema.hash}))]

    def schema_named(self, name: bytes) -> Schema:
        """Return a schema in use by its hash; KeyError where there is none."""
        with self._reading():
            if name == self.schema.hash:
                return self.schema
            found = self._file.db.execute("SELECT text FROM schemas WHERE hash = ?", (name,)).fetchone()
        if found is None:
            raise KeyError(name.hex())
        return schema_from_text(found[0])

    def bd_seq(self, uplink: str) -> int | None:
        """Return the bdSeq last used on ``uplink``; None before its first connection."""
        with self._lock:
            row = self._file.db.execute("SELECT bd_seq FROM uplinks WHERE id = ?", (self._uplinks[uplink],)).fetchone()
            return None if row[0] is None else int(row[0])

    def set_bd_seq(self, uplink: str, value: int) -> None:
        """Keep the bdSeq of a connection about to be made; a disk that refuses is counted, not raised."""
        with self._lock:
            self._note("UPDATE uplinks SET bd_seq = ? WHERE id = ?", (value, self._uplinks[uplink]))

    def aliases(self, names: Sequence[str]) -> dict[str, int]:
        """Return each name's alias; new names get numbers never used before, a name keeps its own for ever."""
        with self._lock, self._file.transaction() as db:
            return aliases_for(db, names)

    def depth(self, uplink: str) -> int:
        """Return how many sealed blocks ``uplink`` has not acknowledged."""
        with self._reading():
            sql = "SELECT count(*) FROM owed WHERE uplink = ?"
            return int(self._file.db.execute(sql, (self._uplinks[uplink],)).fetchone()[0])

    def dropped(self) -> Mapping[str, int]:
        """Return scans dropped since the spool was begun, by reason."""
        with self._reading():
            counts = dict(self._file.db.execute("SELECT reason, scans FROM dropped").fetchall())
            return counts | ({"disk": self._lost_on_disk} if self._lost_on_disk else {})

    def hours_left(self) -> float | None:
        """Return how long the spool takes in before it must drop, at the pace of late; None before the first blocks."""
        with self._lock:
            return self._pace.hours(self._room.max_bytes - self._room.used_bytes)

    def close(self) -> None:
        """Let go of the file; open scans stay journaled and are sealed at the next start."""
        with self._lock:
            self._closed = True
            self._file.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise SpoolError(f"{self._file.path}: {error}; allowed: a disk that can be read") from error

    def _seal(self, tags: Sequence[str], schema: Schema, scans: list[Scans]) -> None:
        data = self._room.seal(tags=tags, spool=self.uuid, schema=schema, scans=scans)
        self._pace.learn(len(data), Span.of(scans))

    def _note(self, sql: str, values: tuple[int, int]) -> None:
        # Worth keeping, but a disk that takes nothing must not stop the agent.
        try:
            self._file.db.execute(sql, values)
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: sqlite3.Error) -> None:
        reason = getattr(error, "sqlite_errorname", None) or type(error).__name__
        if not self.failures.get(reason):
            log.error("spool: the disk refused (%s: %s); scans are held in memory until it takes them", reason, error)
        self.failures[reason] = self.failures.get(reason, 0) + 1
        try:
            self._room.reload()
        except sqlite3.Error:
            log.warning("spool: cannot be read either; the sums may be out of date")
