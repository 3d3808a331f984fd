"""What the collector counts, by unit and reason; kept across restarts, read by the api from the registry."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from orewatch.storage.registry import CounterKey

if TYPE_CHECKING:
    from orewatch.storage.registry import Registry

# Units come from the network: what a flood of made-up node ids may cost is bounded.
MAX_KEYS: Final = 50_000


class Counters:
    """Totals that only grow. Thread-safe."""

    def __init__(self, *, totals: dict[CounterKey, int] | None = None) -> None:
        self._totals = dict(totals or {})
        self._sums: Counter[str] = Counter()
        for key, total in self._totals.items():
            self._sums[key.name] += total
        self._changed: set[CounterKey] = set()
        self._lock = threading.Lock()

    def add(self, unit: str, name: str, reason: str = "", amount: int = 1) -> None:
        """Count ``amount`` things of one ``name`` and ``reason``; ``unit`` "" for the collector itself."""
        key = CounterKey(unit, name, reason)
        with self._lock:
            if key not in self._totals and len(self._totals) >= MAX_KEYS:
                key = CounterKey("", name, "too_many_units")
            self._totals[key] = self._totals.get(key, 0) + amount
            self._changed.add(key)
            self._sums[name] += amount

    def sum(self, name: str) -> int:
        """Return the total of one name, over all units and reasons."""
        with self._lock:
            return self._sums[name]

    def totals(self) -> dict[CounterKey, int]:
        """Return all totals."""
        with self._lock:
            return dict(self._totals)

    def flush(self, registry: Registry) -> None:
        """Write what has changed; :class:`JournalError` leaves it for the next time."""
        with self._lock:
            changed = [(key, self._totals[key]) for key in self._changed]
            self._changed.clear()
        if not changed:
            return
        try:
            registry.put_counters(changed)
        except BaseException:
            with self._lock:
                self._changed.update(key for key, _ in changed)
            raise
