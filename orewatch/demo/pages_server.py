"""The service's HTTP server inside a larger event loop: started and stopped by its owner, deaf to signals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

STOP_S = 3


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the owner of the loop."""
        yield


class PagesServer:
    """Serves ``app`` on ``127.0.0.1:port``; ``port`` 0 takes a free one, and :attr:`port` tells which."""

    def __init__(self, *, app: FastAPI, port: int) -> None:
        self.port = port
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            # Streams have no end of their own: a stop must not wait for the last viewer.
            timeout_graceful_shutdown=STOP_S,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; OSError where the port is taken."""
        self._task = asyncio.create_task(self._server.serve(), name="pages")
        while not self._server.started:
            if self._task.done():
                raise OSError(f"nothing can listen on 127.0.0.1:{self.port}")
            await asyncio.sleep(0.01)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and wait for the end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
