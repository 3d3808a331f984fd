"""The demo's broker: amqtt, in this process, on loopback."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Self

from amqtt.broker import Broker

if TYPE_CHECKING:
    from types import TracebackType

MAX_CONNECTIONS = 1000


class EmbeddedBroker:
    """An MQTT 3.1.1 broker on ``127.0.0.1:port``; use it as an async context manager."""

    def __init__(self, *, port: int) -> None:
        self.port = port
        # amqtt tells every connection and every lost one; the demo shows what matters itself.
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        self._broker = Broker(
            {
                "listeners": {
                    "default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": MAX_CONNECTIONS}
                },
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )

    async def __aenter__(self) -> Self:
        await self._broker.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            await self._broker.shutdown()
