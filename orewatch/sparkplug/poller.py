"""Reads, writes and keeps alive one MQTT link, on a short timer; and waits for the socket when it is quiet."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from orewatch.sparkplug.stream import PacketStream

READS_PER_POLL = 16  # 4 MB; then others get their turn
QUIET_POLLS = 20
QUIET_S = 1.0


class PacketLoop(Protocol):
    """What the poller needs of paho's client."""

    def socket(self) -> object:
        """Return the socket; None: the link is gone."""

    def loop_read(self) -> object:
        """Read what the stream has left."""

    def loop_write(self) -> object:
        """Write what waits."""

    def loop_misc(self) -> object:
        """Ping, and find out that the other side is silent."""

    def want_write(self) -> bool:
        """Whether something waits to be written."""


class Poller:
    """Serves one link at a time.

    Args:
        poll_s: how often the socket is read.
        keepalive_s: MQTT keepalive; a quiet link is looked at several times in it.
    """

    def __init__(self, *, poll_s: float, keepalive_s: int) -> None:
        self._poll_s = poll_s
        self._quiet_s = min(QUIET_S, keepalive_s / 4)
        self._wake = asyncio.Event()
        self._watched: int | None = None

    def wake(self) -> None:
        """End the wait for a quiet socket: there is something to do."""
        self._wake.set()

    async def serve(self, client: PacketLoop, stream: PacketStream) -> None:
        """Read, write and keep alive, until paho has no socket any more."""

        def read_rest() -> None:
            while stream.paho_bytes and client.socket() is not None:
                client.loop_read()

        stream.read_rest = read_rest
        stream.flush()
        quiet = 0
        while client.socket() is not None:
            reads = READS_PER_POLL
            while reads and stream.receive():
                reads -= 1
            quiet = 0 if reads < READS_PER_POLL or stream.queued_bytes else quiet + 1
            stream.read_rest()
            if stream.at_end:
                client.loop_read()
            client.loop_misc()
            if client.want_write():
                client.loop_write()
            stream.flush()
            if client.socket() is not None and quiet > QUIET_POLLS and not stream.queued_bytes:
                await self._wait_for_traffic(stream)
            else:
                await asyncio.sleep(self._poll_s if reads else 0)

    def unwatch(self) -> None:
        """Stop watching the socket; before it is closed, for its number may be another's soon."""
        watched, self._watched = self._watched, None
        if watched is not None:
            asyncio.get_running_loop().remove_reader(watched)

    async def _wait_for_traffic(self, stream: PacketStream) -> None:
        """Sleep until the socket has something, something is sent, or keepalive wants a look."""
        self._wake.clear()
        self._watched = stream.fileno()
        asyncio.get_running_loop().add_reader(self._watched, self._wake.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._quiet_s):
                    await self._wake.wait()
        finally:
            self.unwatch()
