"""The spool's blocks and the room they take: what is owed to whom, and what goes first when there is no room."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.scan_rows import unpack_scans
from edge_agent.thinning import thin
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.schema import schema_from_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema

log = logging.getLogger(__name__)

_ROW_BYTES: Final = 96
"""What a block's row and its index entries take besides the block."""
_LEVELS: Final = (1, 2)


@dataclass(frozen=True, slots=True)
class SpooledBlock:
    """A sealed block as it waits; ``data`` never changes once it was handed out."""

    number: int
    data: bytes
    schema: bytes
    first_ms: int
    last_ms: int


class Room:
    """Blocks in an open spool file. Every method but the constructor runs inside a caller's transaction.

    After a transaction that failed, :meth:`reload` must be called. The order in which a full spool gives up:

    1. acknowledged blocks that were kept, oldest first;
    2. blocks owed only to uplinks that are no longer configured;
    3. detail: the oldest blocks are thinned, to a scan in 10 s, then in 60 s (totals, states, changes stay);
    4. the oldest blocks.

    A block that was handed out is never rewritten, since a collector may hold it already.
    """

    def __init__(self, *, db: sqlite3.Connection, uplinks: Sequence[int], max_bytes: int, keep_bytes: int) -> None:
        self._db = db
        self._uplinks = ",".join(map(str, uplinks))
        self.max_bytes = max_bytes
        self._keep_bytes = min(keep_bytes, max_bytes)
        self._bytes = 0
        self._next = 1
        self._sent: dict[int, int] = {}
        self._given_up: Counter[str] = Counter()
        self.reload()
        # Looked up once: with everything owed the search would read through the whole spool at each seal.
        self._keeps = keep_bytes > 0 or self._unowed("") is not None
        self._has_strangers = db.execute(f"SELECT 1 FROM uplinks WHERE id NOT IN ({self._uplinks})").fetchone()

    def reload(self) -> None:
        """Read the sums again from the file."""
        db = self._db
        self._bytes = db.execute(f"SELECT coalesce(sum(bytes + {_ROW_BYTES}), 0) FROM blocks").fetchone()[0]
        self._next = int(db.execute("SELECT value FROM meta WHERE key = 'next'").fetchone()[0])
        self._sent = dict(db.execute("SELECT id, sent_upto FROM uplinks").fetchall())

    @property
    def used_bytes(self) -> int:
        """What all blocks take."""
        return int(self._bytes)

    def seal(self, *, tags: Sequence[str], spool: bytes, schema: Schema, scans: Sequence[Scans]) -> bytes:
        """Make a block, owe it to every uplink, and return its bytes."""
        unit, site, province, mineral = tags
        number = self._next
        data = encode_block(
            unit=unit,
            site=site,
            province=province,
            mineral=mineral,
            spool=spool,
            number=number,
            schema=schema,
            scans=scans,
        )
        if self._bytes + len(data) + _ROW_BYTES > self.max_bytes:
            self._make_room(len(data) + _ROW_BYTES)
        head = read_header(data)
        self._db.execute(
            "INSERT INTO blocks (number, schema, first_ms, last_ms, bytes, data) VALUES (?, ?, ?, ?, ?, ?)",
            (number, schema.hash, head.first_ms, head.last_ms, len(data), data),
        )
        self._db.execute(f"INSERT INTO owed SELECT id, ? FROM uplinks WHERE id IN ({self._uplinks})", (number,))
        self._db.execute("UPDATE meta SET value = ? WHERE key = 'next'", (str(number + 1),))
        self._next = number + 1
        self._bytes += len(data) + _ROW_BYTES
        return data

    def seal_leftovers(self, *, tags: Sequence[str], spool: bytes) -> None:
        """Seal what the last run left open, under the schema and the place that it was read under."""
        by_schema: dict[bytes, list[Scans]] = {}
        for name, data in self._db.execute("SELECT schema, data FROM open_scans ORDER BY id").fetchall():
            by_schema.setdefault(name, []).extend(unpack_scans(data))
        texts = dict(self._db.execute("SELECT hash, text FROM schemas").fetchall())
        for name, scans in by_schema.items():
            self.seal(tags=tags, spool=spool, schema=schema_from_text(texts[name]), scans=scans)
        self._db.execute("DELETE FROM open_scans")

    def owed(self, uplink: int, after: int, limit: int) -> list[SpooledBlock]:
        """Return blocks owed to ``uplink``, oldest first."""
        sql = (
            "SELECT b.number, b.data, b.schema, b.first_ms, b.last_ms FROM owed o JOIN blocks b USING (number)"
            " WHERE o.uplink = ? AND o.number > ? ORDER BY o.number LIMIT ?"
        )
        return [SpooledBlock(*row) for row in self._db.execute(sql, (uplink, after, limit))]

    def sent(self, uplink: int, number: int) -> bool:
        """Remember that blocks up to ``number`` were handed out; True where that is to be written."""
        if number <= self._sent.get(uplink, 0):
            return False
        self._sent[uplink] = number
        return True

    def acknowledge(self, uplink: int, first: int, last: int) -> int:
        """Take ``uplink``'s claim from a range of numbers, never beyond those handed out; return how many had one."""
        span = (first, min(last, self._sent.get(uplink, 0)))
        where = "number BETWEEN ? AND ?"
        new = self._db.execute(f"DELETE FROM owed WHERE uplink = {uplink} AND {where}", span).rowcount
        if new:
            self._forget(f"{where} AND number NOT IN (SELECT number FROM owed WHERE {where})", (*span, *span))
        return new

    def _forget(self, where: str, values: Sequence[int]) -> None:
        """Delete delivered blocks, or those of all that are delivered beyond what is to be kept."""
        if not self._keep_bytes:
            self._delete(where, values)
            return
        free = "number NOT IN (SELECT number FROM owed)"
        kept = self._db.execute(f"SELECT number, bytes FROM blocks WHERE {free} ORDER BY number DESC").fetchall()
        room = self._keep_bytes
        for number, size in kept:
            room -= size + _ROW_BYTES
            if room < 0:
                self._delete(f"number <= ? AND {free}", (number,))
                return

    def _delete(self, where: str, values: Sequence[int]) -> None:
        rows = f"FROM blocks WHERE {where}"
        freed = self._db.execute(f"SELECT coalesce(sum(bytes + {_ROW_BYTES}), 0) {rows}", values).fetchone()[0]
        self._db.execute(f"DELETE {rows}", values)
        self._bytes -= freed

    def _make_room(self, needed: int) -> None:
        def full() -> bool:
            return self._bytes + needed > self.max_bytes

        wanted = f" AND uplink IN ({self._uplinks})"
        for possible, which, reason in (
            (self._keeps, "", None),
            (self._has_strangers, wanted, "uplink_removed"),
        ):
            while possible and full() and (number := self._unowed(which)) is not None:
                self._drop(number, reason)
        for level in _LEVELS:
            while full() and self._thin_oldest(level):
                pass
        while full():
            unsent = "SELECT min(number) FROM blocks WHERE number > ?"
            number = self._db.execute(unsent, (self._final(),)).fetchone()[0]
            number = number or self._db.execute("SELECT min(number) FROM blocks").fetchone()[0]
            if number is None:
                return
            self._drop(number, "full")

    def _unowed(self, which: str) -> int | None:
        """Return the oldest block that is owed to nobody, or to none of ``which``."""
        claim = f"SELECT 1 FROM owed WHERE owed.number = blocks.number{which}"
        sql = f"SELECT number FROM blocks WHERE NOT EXISTS ({claim}) ORDER BY number LIMIT 1"
        row = self._db.execute(sql).fetchone()
        return None if row is None else int(row[0])

    def _final(self) -> int:
        return max(self._sent.values(), default=0)

    def _thin_oldest(self, level: int) -> bool:
        row = self._db.execute(
            "SELECT b.number, b.data, b.bytes, s.text FROM blocks b JOIN schemas s ON s.hash = b.schema"
            " WHERE b.thinned = ? AND b.number > ? ORDER BY b.number LIMIT 1",
            (level - 1, self._final()),
        ).fetchone()
        if row is None:
            return False
        number, data, size, text = row
        schema = schema_from_text(text)
        kept, gone = thin(schema, decode_block(data, schema), level)
        if gone:
            head = read_header(data)
            thinned = encode_block(
                unit=head.unit,
                site=head.site,
                province=head.province,
                mineral=head.mineral,
                spool=head.spool,
                number=number,
                schema=schema,
                scans=kept,
            )
            change = (level, len(thinned), thinned, number)
            self._db.execute("UPDATE blocks SET thinned = ?, bytes = ?, data = ? WHERE number = ?", change)
            self._bytes += len(thinned) - size
            self._count("thinned", gone)
        else:
            self._db.execute("UPDATE blocks SET thinned = ? WHERE number = ?", (level, number))
        return True

    def _drop(self, number: int, reason: str | None) -> None:
        sql = "SELECT b.data, b.bytes, s.text FROM blocks b JOIN schemas s ON s.hash = b.schema WHERE number = ?"
        data, size, text = self._db.execute(sql, (number,)).fetchone()
        if reason is not None:
            self._count(reason, sum(len(s) for s in decode_block(data, schema_from_text(text))))
        self._db.execute("DELETE FROM owed WHERE number = ?", (number,))
        self._db.execute("DELETE FROM blocks WHERE number = ?", (number,))
        self._bytes -= size + _ROW_BYTES

    def _count(self, reason: str, scans: int) -> None:
        self._db.execute(
            "INSERT INTO dropped VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET scans = scans + excluded.scans",
            (reason, scans),
        )
        self._given_up[reason] += 1
        # For the log only when that has doubled: a spool stays full for days.
        if self._given_up[reason].bit_count() == 1:
            (total,) = self._db.execute("SELECT scans FROM dropped WHERE reason = ?", (reason,)).fetchone()
            log.warning("spool is full: %d scans given up so far (%s)", total, reason)
