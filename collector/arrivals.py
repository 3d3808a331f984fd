"""What the event loop hands to the writer, and what comes back from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orewatch.sparkplug.actions import Data
    from orewatch.storage.dead_letters import DeadLetter
    from orewatch.storage.registry import NodeRecord


class NodeKey(NamedTuple):
    """A Sparkplug edge node."""

    group: str
    node: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A block as it came. ``ours``: made by the collector itself, with nobody to send it again."""

    key: NodeKey
    data: bytes
    received_ms: int
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Birth:
    """A node's birth: what the registry keeps of it, and the texts of the schemas it declares.

    ``schemas`` None: a device's birth, which declares none.
    """

    key: NodeKey
    record: NodeRecord
    schemas: Sequence[str] | None = ()


@dataclass(frozen=True, slots=True)
class Death:
    """A node died, by receipt at ``at_ms``."""

    key: NodeKey
    at_ms: int


@dataclass(frozen=True, slots=True)
class Declared:
    """A foreign node's or device's birth: the engineering unit of each metric that gave one."""

    key: NodeKey
    device: str | None
    units: Mapping[str, str]
    received_ms: int


Item: TypeAlias = "Arrival | Birth | Death | Declared | Data | DeadLetter"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a batch came to: numbers durable, by node and spool, and nodes whose schemas are not known."""

    durable: Mapping[NodeKey, Mapping[bytes, Sequence[int]]] = field(default_factory=dict)
    unknown_schema: frozenset[NodeKey] = frozenset()
