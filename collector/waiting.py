"""Blocks whose schema is not known yet: held, unacknowledged, until the node's next birth. Bounded.

While they are not acknowledged the node's spool keeps them, and with them the schema in its births. A birth
that still does not declare the schema is the node's last word: the block is then laid by durably (verdict
*waiting*) and acknowledged, so that it blocks nothing, and is taken out again should the schema ever come.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.arrivals import Arrival, NodeKey


class Waiting:
    """Arrivals by node, each identity once; the oldest are dropped beyond ``max_bytes`` (their node resends them)."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: OrderedDict[tuple[NodeKey, bytes, int], Arrival] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, arrival: Arrival, spool: bytes, number: int) -> Sequence[Arrival]:
        """Hold one; returns those dropped for it."""
        key = (arrival.key, spool, number)
        old = self._held.pop(key, None)
        self._bytes += len(arrival.data) - (len(old.data) if old else 0)
        self._held[key] = arrival
        dropped = []
        while self._bytes > self._max_bytes:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= len(oldest.data)
            dropped.append(oldest)
        return dropped

    def release(self, node: NodeKey) -> list[Arrival]:
        """Take out everything held for a node, in the order it came."""
        keys = [key for key in self._held if key[0] == node]
        released = [self._held.pop(key) for key in keys]
        self._bytes -= sum(len(a.data) for a in released)
        return released
