"""A unit's link: a TCP relay between its agent and the broker that can be cut and healed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_CHUNK: Final = 65_536


class Link:
    """Relays ``127.0.0.1:port`` to the broker while ``up``; cutting it drops what is connected and refuses the rest."""

    def __init__(self, *, broker_port: int) -> None:
        self.port = 0
        self.up = True
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.set_up(False)
        if self._server:
            self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def set_up(self, up: bool) -> None:
        """Heal or cut the link."""
        self.up = up
        if not up:
            for writer in tuple(self._open):
                # Aborted, not closed: a radio that fades says no goodbye, so the broker sends the will.
                writer.transport.abort()

    def follow(self, on: bool, _parameters: Mapping[str, float]) -> None:
        """Obey the scenario ``cut_link``."""
        self.set_up(not on)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.transport.abort()
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, onward_writer}
        there = asyncio.create_task(self._relay(reader, onward_writer), name="link to broker")
        back = asyncio.create_task(self._relay(onward_reader, writer), name="link from broker")
        for task in (there, back):
            self._relays.add(task)
            task.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        self._open.discard(writer)
