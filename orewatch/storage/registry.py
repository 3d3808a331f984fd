"""The registry: which units and foreign nodes were seen, how they describe themselves, and the collector's counters.

It lives in the journal's file: the collector writes it, the api reads it from another process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orewatch.plant.unit import Unit


class CounterKey(NamedTuple):
    """What is counted: ``unit`` ("" for the collector itself), ``name`` (what), ``reason`` ("" where there is one)."""

    unit: str
    name: str
    reason: str = ""


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
    """Nodes, units and counters, in the journal's SQLite file. Thread-safe."""

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the registry in the journal file at ``path``, creating it where it is missing."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""

    def nodes(self) -> list[NodeRecord]:
        """Return every node seen, by node id."""
        raise NotImplementedError

    def units(self) -> list[Unit]:
        """Return every unit that described itself, by id; unreadable descriptions are left out."""
        raise NotImplementedError

    def unit(self, unit: str) -> Unit | None:
        """Return one unit, or None."""
        raise NotImplementedError

    def group_of(self, unit: str) -> str | None:
        """Return the Sparkplug group in which ``unit`` was last born, or None."""
        raise NotImplementedError

    def revision(self) -> int:
        """Return a number that grows with every birth; unchanged means that units() and nodes() names are unchanged."""
        raise NotImplementedError

    def put(self, record: NodeRecord) -> None:
        """Write what a birth said, replacing what was known of that node."""
        raise NotImplementedError

    def seen(self, times: Mapping[str, int]) -> None:
        """Write when each node was last heard, ms UTC."""
        raise NotImplementedError

    def died(self, node: str, at_ms: int) -> None:
        """Write that a node's death was received."""
        raise NotImplementedError

    def counters(self) -> dict[CounterKey, int]:
        """Return all counters; they only grow, also across restarts."""
        raise NotImplementedError

    def put_counters(self, totals: Iterable[tuple[CounterKey, int]]) -> None:
        """Write absolute totals."""
        raise NotImplementedError
