"""Frames to viewers: encoded once per filter, handed to all; a slow viewer loses frames, nobody else does.

Frames are whole pictures, so a lost one is only a second of motion. What a viewer missed while its link was
down is resent from a short, bounded past (Last-Event-ID).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# The filter for frames of what changed in the fleet; no unit can be called so: a Sparkplug node id holds no "+".
CHANGES = "+"
QUEUE_FRAMES = 4
PAST_FRAMES = 60
PAST_BYTES = 4 << 20
MAX_LINGERS = 20
# A viewer that takes nothing for this many frames is gone; its socket only does not know.
GIVE_UP_FRAMES = 60


class Past:
    """The newest frames of one filter, bounded in number and bytes."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, bytes]] = deque()
        self._bytes = 0

    def add(self, at_ms: int, frame: bytes) -> None:
        """Remember a frame, forgetting the oldest beyond the bounds."""
        self._frames.append((at_ms, frame))
        self._bytes += len(frame)
        while len(self._frames) > 1 and (len(self._frames) > PAST_FRAMES or self._bytes > PAST_BYTES):
            self._bytes -= len(self._frames.popleft()[1])

    def after(self, at_ms: int | None) -> list[bytes]:
        """Return the frames later than ``at_ms``, or the newest alone where that is unknown or not in reach."""
        if not self._frames:
            return []
        if at_ms is None or at_ms < self._frames[0][0] or at_ms > self._frames[-1][0]:
            return [self._frames[-1][1]]
        return [frame for t, frame in self._frames if t > at_ms]


class Viewer:
    """One client's bounded queue."""

    def __init__(self, *, unit: str | None) -> None:
        self.unit = unit
        self.dropped = 0
        self._stuck = 0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_FRAMES)

    def offer(self, frame: bytes) -> bool:
        """Queue a frame, dropping the oldest where the viewer is slow; False once it is given up."""
        dropped = self._queue.full()
        if dropped:
            self._queue.get_nowait()
            self.dropped += 1
            self._stuck += 1
        else:
            self._stuck = 0
        self._queue.put_nowait(frame)
        return self._stuck < GIVE_UP_FRAMES

    def end(self) -> None:
        """Tell the viewer that no more comes."""
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield frames until the end."""
        while (frame := await self._queue.get()) is not None:
            yield frame


class Stream:
    """All viewers, by what they look at."""

    def __init__(self, *, max_viewers: int) -> None:
        self._max_viewers = max_viewers
        self._viewers: dict[str | None, set[Viewer]] = {}
        self._past: dict[str | None, Past] = {}
        self._lingers: dict[str | None, int] = {}
        self.dropped_slow = 0
        self.frames_given = 0
        self.given_up = 0
        self.refused = 0

    def __len__(self) -> int:
        return sum(map(len, self._viewers.values()))

    @property
    def frames_dropped(self) -> int:
        """Frames that slow viewers lost, of those gone and those still there."""
        return self.dropped_slow + sum(v.dropped for viewers in self._viewers.values() for v in viewers)

    def filters(self) -> list[str | None]:
        """Return what is being looked at, or was until just now: a unit id, or None for the fleet."""
        return [*self._viewers, *(unit for unit in self._lingers if unit not in self._viewers)]

    def watched_units(self) -> set[str]:
        """Return the units somebody looks at closely."""
        return {unit for unit in self._viewers if unit not in {None, CHANGES}}

    def join(self, unit: str | None) -> Viewer | None:
        """Return a new viewer, or None where there are too many."""
        if len(self) >= self._max_viewers:
            self.refused += 1
            return None
        viewer = Viewer(unit=unit)
        self._viewers.setdefault(unit, set()).add(viewer)
        self._lingers.pop(unit, None)
        return viewer

    def linger(self, unit: str | None) -> bool:
        """Go on making frames of what is being looked at, or was until now; False where frames are not made."""
        if unit in self._lingers:
            self._linger(unit)
        return unit in self._past and (unit in self._viewers or unit in self._lingers)

    def begin(self, unit: str | None, at_ms: int, data: bytes) -> None:
        """Make frames for who is about to look; the past begins with ``data`` alone."""
        past = self._past[unit] = Past()
        past.add(at_ms, event(at_ms, data))
        if unit not in self._viewers:
            self._linger(unit)

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        viewers = self._viewers.get(viewer.unit)
        if viewers and viewer in viewers:
            viewers.discard(viewer)
            self.dropped_slow += viewer.dropped
            if not viewers:
                del self._viewers[viewer.unit]
                self._linger(viewer.unit)

    def missed(self, unit: str | None, last_event_ms: int | None) -> list[bytes]:
        """Return the frames to begin with."""
        past = self._past.get(unit)
        return past.after(last_event_ms) if past else []

    def publish(self, unit: str | None, at_ms: int, data: bytes) -> None:
        """Send one encoded frame to everyone who looks at ``unit``."""
        frame = event(at_ms, data)
        self._past.setdefault(unit, Past()).add(at_ms, frame)
        viewers = self._viewers.get(unit)
        if viewers is None:
            self._lingers[unit] = self._lingers.get(unit, 0) - 1
            if self._lingers[unit] <= 0:
                del self._lingers[unit], self._past[unit]
            return
        self.frames_given += len(viewers)
        for viewer in list(viewers):
            if not viewer.offer(frame):
                self.given_up += 1
                viewer.end()
                self.leave(viewer)

    def _linger(self, unit: str | None) -> None:
        """Go on making frames for who lost the link and will be back with a Last-Event-ID; of the newest few."""
        self._lingers.pop(unit, None)
        self._lingers[unit] = PAST_FRAMES
        while len(self._lingers) > MAX_LINGERS:
            oldest = next(iter(self._lingers))
            del self._lingers[oldest]
            if oldest not in self._viewers:
                self._past.pop(oldest, None)

    def end(self) -> None:
        """End every stream."""
        for viewers in self._viewers.values():
            for viewer in viewers:
                viewer.end()


def event(at_ms: int, data: bytes) -> bytes:
    """Return a server-sent event."""
    return b"event: frame\nid: %d\ndata: %b\n\n" % (at_ms, data)
