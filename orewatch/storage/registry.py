"""The registry: which units and foreign nodes were seen, how they describe themselves, and the collector's counters.

It lives in the journal's file: the collector writes it, the api reads it from another process.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from pydantic import ValidationError

from orewatch.plant.unit import Unit, UnitError, unit_from_json
from orewatch.storage.database import Database
from orewatch.storage.journal_tables import JOURNAL_DDL
from orewatch.storage.vitals import Vitals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

_COLUMNS: Final = "grp, node, description, spool, bd_seq, born_ms, last_seen_ms, died_ms, depth, dropped, aliases"


class CounterKey(NamedTuple):
    """What is counted: ``unit`` ("" for the collector itself), ``name`` (what), ``reason`` ("" where there is one)."""

    unit: str
    name: str
    reason: str = ""


class SpoolState(NamedTuple):
    """A node's spool as it last told: blocks that wait, scans dropped since it was made; None where it never did."""

    node: str
    last_seen_ms: int
    depth: int | None
    dropped: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A Sparkplug edge node as it was last seen.

    ``description`` is the unit's JSON, None for a foreign node; ``aliases`` maps device ("" for the node itself)
    to metric name to (alias or None, Sparkplug datatype number). Times in ms UTC; ``died_ms`` is None while alive.
    """

    group: str
    node: str
    description: str | None
    spool: str | None
    bd_seq: int | None
    born_ms: int
    last_seen_ms: int
    died_ms: int | None = None
    depth: int | None = None
    dropped: int | None = None
    aliases: Mapping[str, Mapping[str, tuple[int | None, int]]] = field(default_factory=dict)


class Registry:
    """Nodes, units and counters, in the journal's SQLite file. Thread-safe.

    Every method raises :class:`~orewatch.storage.journal.JournalError` when the file cannot be read or written.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the registry in the journal file at ``path``, creating it where it is missing."""
        return cls(database=Database.open(path, JOURNAL_DDL, read_only=read_only))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def nodes(self) -> list[NodeRecord]:
        """Return every node seen, by node id."""
        return [_record(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM nodes ORDER BY node")]

    def node(self, node: str) -> NodeRecord | None:
        """Return one node, or None where it was never seen."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM nodes WHERE node = ?", (node,))
        return _record(rows[0]) if rows else None

    def units(self) -> list[Unit]:
        """Return every unit that described itself, by id; unreadable descriptions are left out."""
        rows = self._database.rows("SELECT description FROM nodes WHERE description IS NOT NULL ORDER BY node")
        units = []
        for (text,) in rows:
            try:
                units.append(unit_from_json(str(text)))
            except UnitError as error:
                log.warning("registry: %s", error)
        return units

    def unit(self, unit: str) -> Unit | None:
        """Return one unit; None where it is unknown or its description unreadable."""
        record = self.node(unit)
        if record is None or record.description is None:
            return None
        try:
            return unit_from_json(record.description)
        except UnitError as error:
            log.warning("registry: %s", error)
            return None

    def group_of(self, unit: str) -> str | None:
        """Return the Sparkplug group in which ``unit`` was last born, or None."""
        record = self.node(unit)
        return record.group if record else None

    def revision(self) -> int:
        """Return a number that grows with every birth that says something new.

        Unchanged: units() and the nodes' names and aliases are unchanged.
        """
        rows: list[tuple[Any, ...]] = self._database.rows("SELECT COALESCE(MAX(revision), 0) FROM nodes")
        return int(rows[0][0])

    def put(self, *records: NodeRecord) -> None:
        """Write what births said, replacing what was known of those nodes, in one transaction."""
        with self._database.write() as cursor:
            for record in records:
                aliases = json.dumps(record.aliases, separators=(",", ":"), ensure_ascii=False)
                named = (record.group, record.description, aliases)
                old = cursor.execute(
                    "SELECT grp, description, aliases, revision, depth, dropped FROM nodes WHERE node = ?",
                    (record.node,),
                ).fetchone()
                if old and tuple(old[:3]) == named:
                    revision = old[3]
                else:
                    ((revision,),) = cursor.execute("SELECT COALESCE(MAX(revision), 0) + 1 FROM nodes").fetchall()
                known_depth, known_dropped = old[4:] if old else (None, None)
                cursor.execute(
                    f"INSERT OR REPLACE INTO nodes ({_COLUMNS}, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        record.group,
                        record.node,
                        record.description,
                        record.spool,
                        record.bd_seq,
                        record.born_ms,
                        record.last_seen_ms,
                        record.died_ms,
                        known_depth if record.depth is None else record.depth,
                        known_dropped if record.dropped is None else record.dropped,
                        aliases,
                        revision,
                    ),
                )

    def seen(self, times: Mapping[str, int]) -> None:
        """Write when each node was last heard, ms UTC."""
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE nodes SET last_seen_ms = MAX(last_seen_ms, ?) WHERE node = ?",
                [(time_ms, node) for node, time_ms in times.items()],
            )

    def spool_state(self, states: Mapping[str, tuple[int | None, int | None]]) -> None:
        """Write each node's spool depth (blocks) and dropped scans; None leaves what is known."""
        with self._database.write() as cursor:
            cursor.executemany(
                "UPDATE nodes SET depth = COALESCE(?, depth), dropped = COALESCE(?, dropped) WHERE node = ?",
                [(depth, dropped, node) for node, (depth, dropped) in states.items()],
            )

    def died(self, node: str, at_ms: int) -> None:
        """Write that a node's death was received."""
        with self._database.write() as cursor:
            cursor.execute("UPDATE nodes SET died_ms = ? WHERE node = ?", (at_ms, node))

    def counters(self) -> dict[CounterKey, int]:
        """Return all counters; they only grow, also across restarts."""
        rows: list[tuple[Any, ...]] = self._database.rows("SELECT unit, name, reason, total FROM counters")
        return {CounterKey(unit, name, reason): int(total) for unit, name, reason, total in rows}

    def put_counters(self, totals: Iterable[tuple[CounterKey, int]]) -> None:
        """Write absolute totals."""
        with self._database.write() as cursor:
            cursor.executemany(
                "INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?)", [(*key, total) for key, total in totals]
            )

    def put_vitals(self, process: str, vitals: Vitals) -> None:
        """Write how a process is; what it said before is replaced."""
        with self._database.write() as cursor:
            cursor.execute("INSERT OR REPLACE INTO vitals VALUES (?, ?)", (process, vitals.model_dump_json()))

    def vitals(self, process: str) -> Vitals | None:
        """Return how a process last said it is; None where it never did, or in words of another version."""
        rows = self._database.rows("SELECT data FROM vitals WHERE process = ?", (process,))
        try:
            return Vitals.model_validate_json(str(rows[0][0])) if rows else None
        except ValidationError as error:
            log.warning("the vital signs of %s cannot be read: %d faults", process, error.error_count())
            return None

    def spools(self) -> list[SpoolState]:
        """Return what is known of each node's spool, by node id."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT node, last_seen_ms, depth, dropped FROM nodes ORDER BY node"
        )
        return [SpoolState(*row) for row in rows]


def _record(row: tuple[Any, ...]) -> NodeRecord:
    group, node, description, spool, bd_seq, born_ms, last_seen_ms, died_ms, depth, dropped, aliases = row
    names = {
        device: {name: (alias, datatype) for name, (alias, datatype) in metrics.items()}
        for device, metrics in json.loads(aliases).items()
    }
    return NodeRecord(
        group=group,
        node=node,
        description=description,
        spool=spool,
        bd_seq=bd_seq,
        born_ms=born_ms,
        last_seen_ms=last_seen_ms,
        died_ms=died_ms,
        depth=depth,
        dropped=dropped,
        aliases=names,
    )
