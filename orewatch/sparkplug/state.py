"""STATE messages: a host application's online flag, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

MAX_STATE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class HostState:
    """Whether a host is online, and the time its connection is known by (ms UTC)."""

    online: bool
    timestamp_ms: int

    def encode(self) -> bytes:
        """Return the JSON payload."""
        return json.dumps({"online": self.online, "timestamp": self.timestamp_ms}).encode()


def read_state(payload: bytes) -> HostState | None:
    """Read a STATE payload; None where it is not one."""
    if len(payload) > MAX_STATE_BYTES:
        return None
    try:
        raw = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    online, timestamp = raw.get("online"), raw.get("timestamp")
    if not isinstance(online, bool) or isinstance(timestamp, bool) or not isinstance(timestamp, int):
        return None
    return HostState(online, timestamp)
