"""The socket under paho: buffered both ways, with the messages taken out before paho sees them.

paho reads a packet in three system calls and hands it through locks, a message object and topic
matching; that costs many times what the message itself does. Here one read fetches what the socket
has, complete QoS 0 PUBLISH packets go straight to ``on_message``, and everything else (acknowledgements,
QoS 1, pings) is left for paho. It also skips packets that are too large without keeping them.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

READ_BYTES = 1 << 18
_PUBLISH = 0x30
_TYPE_MASK = 0xF0
_QOS_MASK = 0x06
_LENGTH_BYTES = 4  # at most, of MQTT's remaining length
_WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class PacketStream:
    """A non-blocking socket as paho wants one (recv, send, close, fileno, pending, setblocking).

    Args:
        sock: connected, non-blocking, TLS already shaken.
        on_message: called with (topic, payload) from :meth:`receive`.
        max_packet_bytes: larger PUBLISH packets are skipped and counted in ``oversized``.
        on_oversized: told the topic ("" where it is not known) and the size of each packet skipped.
    """

    def __init__(
        self,
        *,
        sock: socket.socket,
        on_message: Callable[[str, bytes], None],
        max_packet_bytes: int,
        on_oversized: Callable[[str, int], None] | None = None,
    ) -> None:
        self._sock = sock
        self._on_message = on_message
        self._max_packet_bytes = max_packet_bytes
        self._on_oversized = on_oversized
        self._incoming = bytearray()
        self._for_paho = bytearray()
        self._outgoing = bytearray()
        self._skip = 0
        self._passing = 0
        self._failed: OSError | None = None
        self.at_end = False
        self.read_rest: Callable[[], None] = lambda: None  # has paho read what was left for it
        self.oversized = 0
        self.undecodable = 0

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""
        return len(self._outgoing)

    @property
    def paho_bytes(self) -> int:
        """Bytes that wait for paho to read."""
        return len(self._for_paho)

    def receive(self) -> int:
        """Read the socket once, hand on messages, and return the bytes read. 0: nothing there, or ``at_end``."""
        try:
            chunk = self._sock.recv(READ_BYTES)
        except _WOULD_BLOCK:
            return 0
        except OSError as error:
            self._failed, self.at_end = error, True
            return 0
        if not chunk:
            self.at_end = True
            return 0
        self._incoming += chunk
        self._split()
        return len(chunk)

    def flush(self) -> None:
        """Write what waits, as far as the socket takes it."""
        while self._outgoing:
            try:
                sent = self._sock.send(self._outgoing)
            except _WOULD_BLOCK:
                return
            except OSError as error:
                self._failed, self.at_end = error, True
                self._outgoing.clear()
                return
            del self._outgoing[:sent]

    def recv(self, size: int) -> bytes:
        """Give paho what was left for it."""
        if self._for_paho:
            chunk = bytes(self._for_paho[:size])
            del self._for_paho[:size]
            return chunk
        if self._failed is not None:
            raise self._failed
        if self.at_end:
            return b""
        raise BlockingIOError

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take everything paho writes; MqttClient bounds what it lets in."""
        if self._failed is not None:
            raise self._failed
        self._outgoing += data
        return len(data)

    def close(self) -> None:
        """Write out what the socket still takes, and close."""
        self.flush()
        self._sock.close()

    def abort(self) -> None:
        """Give up what waits, and let paho find the connection broken."""
        self._failed, self.at_end = ConnectionAbortedError("given up by the client"), True
        self._outgoing.clear()

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._sock.fileno()

    def pending(self) -> int:
        """Return how many bytes paho could read at once."""
        return len(self._for_paho)

    def setblocking(self, flag: bool) -> None:
        """Ignore paho's wish: the socket never blocks."""

    def _split(self) -> None:
        """Take complete packets from the front of the buffer; keep what is not complete yet."""
        buffer = self._incoming
        end = len(buffer)
        at = 0
        if self._skip or self._passing:
            at = self._go_on(end)
        with memoryview(buffer) as view:
            while at + 2 <= end:
                length, body = buffer[at + 1], at + 2
                if length & 0x80:
                    length, body = _length(buffer, at + 1, end)
                    if body == 0:
                        break
                header, stop = buffer[at], body + length
                if header & _TYPE_MASK != _PUBLISH:
                    self._for_paho += view[at : min(stop, end)]
                    self._passing = max(stop - end, 0)
                elif length > self._max_packet_bytes:
                    self._skip = max(stop - end, 0)
                    with view[body : min(stop, end)] as part:
                        self._oversize(part, length)
                elif stop > end:
                    break
                elif header & _QOS_MASK:
                    self._for_paho += view[at:stop]
                    # At once: a death at QoS 1 must not be overtaken by the birth at QoS 0 behind it.
                    self.read_rest()
                else:
                    # Released here: an error that somebody keeps would keep the frames, and they the buffer.
                    with view[body:stop] as part:
                        self._publish(part)
                at = min(stop, end)
        if at == end:
            buffer.clear()
        else:
            del buffer[:at]

    def _go_on(self, end: int) -> int:
        """Skip or pass on the rest of a packet that began in an earlier read."""
        at = min(end, self._skip or self._passing)
        if self._skip:
            self._skip -= at
        else:
            self._for_paho += self._incoming[:at]
            self._passing -= at
        return at

    def _oversize(self, body: memoryview, size: int) -> None:
        self.oversized += 1
        if self._on_oversized is not None:
            stop = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else 0
            self._on_oversized(str(body[2:stop], "utf-8", "replace") if 0 < stop <= len(body) else "", size)

    def _publish(self, body: memoryview) -> None:
        start = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else len(body) + 1
        if start > len(body):
            self.undecodable += 1
            return
        try:
            topic = str(body[2:start], "utf-8")
        except UnicodeDecodeError:
            self.undecodable += 1
            return
        self._on_message(topic, bytes(body[start:]))


def _length(buffer: bytearray, at: int, end: int) -> tuple[int, int]:
    """MQTT's remaining length: the number, and where the body begins (0: not complete yet).

    A length of more than four bytes is no MQTT; it reads as a packet nobody can want, for paho to refuse.
    """
    number, shift = 0, 0
    for place in range(at, min(end, at + _LENGTH_BYTES)):
        number |= (buffer[place] & 0x7F) << shift
        shift += 7
        if not buffer[place] & 0x80:
            return number, place + 1
    return (number, at + _LENGTH_BYTES) if end >= at + _LENGTH_BYTES else (0, 0)
