"""The MQTT client: the only place that knows paho."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from orewatch.sparkplug.actions import Publish, Subscribe


class MqttError(ConnectionError):
    """The broker cannot be reached or refuses; ``permanent``: trying again with the same settings cannot help."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """TLS towards the broker. ``ca``: PEM file, None: the system's; ``certificate`` and ``key``: ours, both or none."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    check_hostname: bool = True


class MqttClient:
    """An MQTT 3.1.1 client for asyncio: clean session, no thread, the socket read every ``poll_ms``.

    Args:
        on_message: called with (topic, payload) for every message, in the event loop.
        max_queued_bytes: what may wait for the socket; beyond it send() refuses and counts in ``dropped``.
        max_packet_bytes: larger incoming packets are skipped and counted in ``oversized``.
    """

    dropped: int
    oversized: int

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: str,
        on_message: Callable[[str, bytes], None],
        username: str | None = None,
        password: str | None = None,
        tls: TlsSettings | None = None,
        keepalive_s: int = 30,
        poll_ms: int = 10,
        connect_timeout_s: float = 10.0,
        max_queued_bytes: int = 4 << 20,
        max_packet_bytes: int = 2 << 20,
    ) -> None:
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and the link stands."""
        raise NotImplementedError

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""
        raise NotImplementedError

    async def connect(self, will: Publish | None) -> None:
        """Connect and wait for the CONNACK; :class:`MqttError` with the reason otherwise."""
        raise NotImplementedError

    def send(self, publish: Publish) -> bool:
        """Queue a message; False when not connected or when the queue is full."""
        raise NotImplementedError

    def subscribe(self, subscribe: Subscribe) -> None:
        """Queue a subscription."""
        raise NotImplementedError

    async def disconnect(self) -> None:
        """Write out what is queued (up to a few seconds), send DISCONNECT, close."""
        raise NotImplementedError

    async def closed(self) -> None:
        """Wait until the link is lost or closed; an exception of on_message comes out here."""
        raise NotImplementedError
