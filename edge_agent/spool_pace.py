"""How many bytes a unit's scans take, learned from its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.cutting import Limits

if TYPE_CHECKING:
    from edge_agent.cutting import Span

MAX_VALUES: Final = 40_000
"""Values in a block, whatever they take: even as noise they stay below what a host accepts as one message."""
_HEAD_BYTES: Final = 110
"""What of a block is not values, about."""
_HOUR_MS: Final = 3_600_000


class Pace:
    """Learns from each sealed block. ``block_bytes`` and ``block_ms``: where a block is to be sealed."""

    def __init__(self, *, block_bytes: int, block_ms: int) -> None:
        self.block_ms = block_ms
        self._block_bytes = block_bytes
        self._bytes_per_value = 1.0
        self._bytes_per_hour = 0.0

    def limits(self) -> Limits:
        """Return where the next block is to be sealed."""
        values = int(self._block_bytes / self._bytes_per_value)
        return Limits(self.block_ms, max(1, min(MAX_VALUES, values)))

    def learn(self, size: int, span: Span) -> None:
        """Take note of a block of ``size`` bytes."""
        # Learned slowly: a few quiet blocks must not make the next ones huge.
        self._bytes_per_value += 0.2 * (max(1, size - _HEAD_BYTES) / span.values - self._bytes_per_value)
        self._bytes_per_hour = size * _HOUR_MS / max(1000, span.last_ms - span.first_ms)

    def hours(self, size: int) -> float | None:
        """Return how long ``size`` bytes last, None before the first block."""
        return max(0.0, size / self._bytes_per_hour) if self._bytes_per_hour else None
