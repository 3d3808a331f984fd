"""The MQTT client: the only place that knows paho."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from orewatch.sparkplug.poller import Poller
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.sparkplug.sockets import TlsSettings, open_socket
from orewatch.sparkplug.stream import PacketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from orewatch.sparkplug.actions import Publish, Subscribe

__all__ = ["MqttClient", "MqttError", "SessionLoop", "TlsSettings"]

FLUSH_BYTES = 1 << 15
DRAIN_S = 5.0
_PACKET_OVERHEAD = 16
_FOR_GOOD = frozenset({0x84, 0x85, 0x86, 0x87})  # refused: protocol, client id, credentials, not authorised


class MqttError(ConnectionError):
    """The broker cannot be reached or refuses; ``permanent``: trying again with the same settings cannot help."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class _Paho(paho.Client):
    """paho over a socket that is already connected."""

    def __init__(self, stream: PacketStream, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self._stream = stream

    def _create_socket(self) -> Any:  # noqa: ANN401 - paho's private protocol class
        return self._stream


class MqttClient:
    """An MQTT 3.1.1 client for asyncio: clean session, no thread, the socket read every ``poll_ms``.

    A broker writes per message, so a reader that waits for the socket wakes per message; reading on a
    short timer instead takes what has come since, at a fraction of the cost. Only a link that has been
    quiet for a while is waited for, so that it costs nothing.

    Args:
        host: the broker's name or address.
        port: the broker's port.
        client_id: unique at this broker.
        on_message: called with (topic, payload) for every message, in the event loop.
        username: for the broker; with ``password``.
        password: for the broker.
        tls: None: plain TCP.
        keepalive_s: MQTT keepalive; a link silent for up to twice this is given up.
        poll_ms: how often the socket is read.
        connect_timeout_s: for name, TCP and TLS together, and again for the CONNACK.
        max_queued_bytes: what may wait for the socket; beyond it send() refuses and counts in ``dropped``.
        max_packet_bytes: larger incoming messages are skipped and counted in ``oversized``.
        on_oversized: told the topic and size of each of those.
    """

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
        on_oversized: Callable[[str, int], None] | None = None,
    ) -> None:
        self._host, self._port, self._client_id = host, port, client_id
        self._on_message, self._on_oversized = on_message, on_oversized
        self._username, self._password, self._tls = username, password, tls
        self._keepalive_s, self._poll_s, self._connect_timeout_s = keepalive_s, poll_ms / 1000, connect_timeout_s
        self._max_queued_bytes, self._max_packet_bytes = max_queued_bytes, max_packet_bytes
        self._where = f"MQTT broker {host}:{port}"
        self._paho: _Paho | None = None
        self._stream: PacketStream | None = None
        self._serving: asyncio.Task[None] | None = None
        self._accepted: asyncio.Future[None] | None = None
        self._connected = False
        self._poller = Poller(poll_s=self._poll_s, keepalive_s=keepalive_s)
        self._oversized = 0
        self.dropped = 0

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and the link stands."""
        return self._connected

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""
        return 0 if self._stream is None else self._stream.queued_bytes

    @property
    def oversized(self) -> int:
        """How many incoming messages were skipped for their size."""
        return self._oversized + (0 if self._stream is None else self._stream.oversized)

    async def open(self) -> None:
        """Open the socket, TLS included, before connect(): what must count CONNECTs need count no others."""
        if self._stream is not None:
            raise MqttError("already connected: disconnect() or wait for closed() first")
        await self._in_time(self._open())

    async def connect(self, will: Publish | None) -> None:
        """Connect, over a new socket unless open() made one, and wait for the CONNACK.

        :class:`MqttError` with the reason where that fails.
        """
        if self._stream is None or self._serving is not None:
            await self.open()
        await self._in_time(self._connect(will))

    async def _in_time(self, step: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await step
        except TimeoutError as error:
            await self._drop()
            raise MqttError(f"{self._where}: no answer in {self._connect_timeout_s} s") from error
        except MqttError:
            await self._drop()
            raise
        except (OSError, UnicodeError) as error:
            await self._drop()
            raise MqttError(f"{self._where}: {error}") from error

    def send(self, publish: Publish) -> bool:
        """Queue a message; False when not connected or when the queue is full."""
        client, stream = self._paho, self._stream
        if client is None or stream is None or not self._connected:
            return False
        size = len(publish.payload) + len(publish.topic) + _PACKET_OVERHEAD
        if stream.queued_bytes + size > self._max_queued_bytes:
            self.dropped += 1
            return False
        client.publish(publish.topic, publish.payload, publish.qos, publish.retain)
        if stream.queued_bytes > FLUSH_BYTES:
            stream.flush()
        self._poller.wake()
        return True

    def subscribe(self, subscribe: Subscribe) -> None:
        """Queue a subscription."""
        if self._paho is not None and self._connected:
            self._paho.subscribe(subscribe.topic, subscribe.qos)
            self._poller.wake()

    async def disconnect(self) -> None:
        """Write out what is queued (up to a few seconds), send DISCONNECT, close."""
        if self._paho is not None and self._connected:
            deadline = asyncio.get_running_loop().time() + DRAIN_S
            while self.queued_bytes and self._connected and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(self._poll_s)  # what writes runs on this timer
            self._poller.unwatch()
            self._paho.disconnect()
            self._paho.loop_write()
        await self._drop()

    def abort(self) -> None:
        """Drop the connection without a word: the broker will publish the will."""
        if self._stream is not None:
            self._stream.abort()
            self._poller.wake()

    async def closed(self) -> None:
        """Wait until the link is lost or closed; an exception of on_message comes out here."""
        if self._serving is not None:
            await asyncio.wait([self._serving])
        await self._drop()

    async def _open(self) -> None:
        context = None if self._tls is None else self._tls.context()
        sock = await open_socket(self._host, self._port, context)
        self._stream = PacketStream(
            sock=sock,
            on_message=self._on_message,
            max_packet_bytes=self._max_packet_bytes,
            on_oversized=self._on_oversized,
        )

    async def _connect(self, will: Publish | None) -> None:
        stream = self._stream
        if stream is None:
            raise MqttError(f"{self._where}: the socket is gone")
        client = self._paho = _Paho(stream, self._client_id)
        if self._username is not None:
            client.username_pw_set(self._username, self._password)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_paho_message
        self._accepted = asyncio.get_running_loop().create_future()
        client.connect(self._host, self._port, self._keepalive_s)
        self._serving = asyncio.create_task(self._poller.serve(client, stream), name=f"mqtt {self._client_id}")
        await self._accepted

    async def _drop(self) -> None:
        """Forget the link; what went wrong in the reading task is raised here."""
        serving, self._serving = self._serving, None
        stream, self._stream = self._stream, None
        self._paho, self._connected = None, False
        self._poller.unwatch()
        if stream is not None:
            self._oversized += stream.oversized
            stream.close()
        if serving is not None:
            serving.cancel()
            await asyncio.wait([serving])
            if not serving.cancelled() and (error := serving.exception()) is not None:
                raise error

    def _on_connect(
        self, client: paho.Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, props: Properties | None
    ) -> None:
        del client, userdata, flags, props
        if self._accepted is None or self._accepted.done():
            return
        if reason.is_failure:
            error = MqttError(f"{self._where} refuses: {reason}", permanent=reason.value in _FOR_GOOD)
            self._accepted.set_exception(error)
            return
        self._connected = True
        self._accepted.set_result(None)

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        props: Properties | None,
    ) -> None:
        del client, userdata, flags, props
        self._connected = False
        if self._accepted is not None and not self._accepted.done():
            self._accepted.set_exception(MqttError(f"{self._where} closed the connection: {reason}"))

    def _on_paho_message(self, client: paho.Client, userdata: object, message: MQTTMessage) -> None:
        del client, userdata
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._on_message(topic, bytes(message.payload))
