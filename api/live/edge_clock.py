"""How far a unit's clock is off, as its messages tell: by its own times a value would stand too long, or never."""

from __future__ import annotations

from collections import deque

CLOCK_OFF_MS = 60_000
# Below this it may as well be the way that a message took.
TOLERATED_MS = 5_000
_MESSAGES = 16


class EdgeClock:
    """One unit's clock against ours."""

    def __init__(self) -> None:
        self._lags: deque[int] = deque(maxlen=_MESSAGES)
        self.newest_ms: int | None = None
        """How much later than its own time the last message came; negative: it came before."""

    @property
    def shift_ms(self) -> int:
        """What to add to times of this unit. One message without delay is enough to show a clock that is right."""
        least = min(self._lags, key=abs, default=0)
        return least if abs(least) > TOLERATED_MS else 0

    def shift_of(self, edge_ms: int, received_ms: int) -> int:
        """Take a message with its time at the edge; return what to add to its times."""
        lag_ms = self.newest_ms = received_ms - edge_ms
        if abs(lag_ms) > CLOCK_OFF_MS:
            self._lags.clear()
            return lag_ms
        self._lags.append(lag_ms)
        return self.shift_ms
