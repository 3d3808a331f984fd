"""The HTTP server: uvicorn that ends the live streams first, for they would never end by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from fastapi import FastAPI

    from api.service import Service

GRACE_S: Final = 3


class Server(uvicorn.Server):
    """Serves ``app`` on ``host:port``; ``port`` 0 takes a free one, and :attr:`port` tells which.

    ``signals``: stop on SIGINT and SIGTERM; without, whoever owns the event loop sets ``should_exit``.
    """

    def __init__(self, *, app: FastAPI, service: Service, host: str, port: int, signals: bool = True) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            # Its own handlers would not write as the rest of the process does.
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        super().__init__(config)
        self._service = service
        self._signals = (signal.SIGINT, signal.SIGTERM) if signals else ()

    @property
    def port(self) -> int:
        """The port, once :attr:`started`."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order on a signal; uvicorn's own way would repeat it before the memory is kept."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in self._signals:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, then the rest."""
        self._service.stream.end()
        await super().shutdown(sockets)
