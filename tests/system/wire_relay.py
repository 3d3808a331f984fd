"""A TCP relay between an MQTT client and its broker that reads along, and can cut or refuse."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 2, 3, 8, 14


@dataclass(frozen=True)
class Packet:
    """One MQTT packet that passed; ``at_ms`` is the wall clock. Fields that its kind has not are empty."""

    kind: int
    at_ms: int
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    filters: tuple[tuple[str, int], ...] = ()
    version: int = 0
    clean: bool = False
    client_id: str = ""
    code: int = 0

    @property
    def verb(self) -> str:
        """The Sparkplug verb, and the device where there is one."""
        parts = self.topic.split("/")
        if self.kind != PUBLISH:
            return {CONNECT: "CONNECT", SUBSCRIBE: "SUBSCRIBE", DISCONNECT: "DISCONNECT"}.get(self.kind, str(self.kind))
        return "STATE" if parts[1] == "STATE" else " ".join([parts[2], *parts[4:]])


@dataclass
class Connection:
    """One TCP connection: what the client sent and what the broker sent; for a CONNECT the will is its payload."""

    sent: list[Packet] = field(default_factory=list)
    received: list[Packet] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    ends: int = 0

    @property
    def connect(self) -> Packet:
        assert self.sent[0].kind == CONNECT
        return self.sent[0]

    def published(self, *verbs: str) -> list[Packet]:
        """What the client published, of these verbs (DBIRTH means every device) or of all."""
        found = [p for p in list(self.sent) if p.kind == PUBLISH]
        return [p for p in found if not verbs or p.verb.split()[0] in verbs]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def read_packets(data: bytearray) -> Iterator[Packet]:
    """Take every whole packet off the front of ``data``."""
    while True:
        size = shift = at = 0
        for at in range(1, min(len(data), 5)):
            size |= (data[at] & 0x7F) << shift
            shift += 7
            if data[at] < 0x80:
                break
        else:
            return
        end = at + 1 + size
        if len(data) < end:
            return
        head, body = data[0], bytes(data[at + 1 : end])
        del data[:end]
        yield _packet(head, body)


def _packet(head: int, body: bytes) -> Packet:
    kind, at = head >> 4, now_ms()
    reader = _Reader(body)
    if kind == CONNECT:
        reader.text()
        version, flags = reader.take(1)[0], reader.take(1)[0]
        reader.take(2)
        client_id = reader.text()
        will = bool(flags & 4)
        return Packet(
            kind,
            at,
            topic=reader.text() if will else "",
            payload=reader.field() if will else b"",
            qos=flags >> 3 & 3,
            retain=bool(flags & 32),
            version=version,
            clean=bool(flags & 2),
            client_id=client_id,
        )
    if kind == PUBLISH:
        topic, qos = reader.text(), head >> 1 & 3
        reader.take(2 if qos else 0)
        return Packet(kind, at, topic=topic, payload=reader.rest(), qos=qos, retain=bool(head & 1))
    if kind == SUBSCRIBE:
        reader.take(2)
        filters = []
        while reader.left:
            filters.append((reader.text(), reader.take(1)[0]))
        return Packet(kind, at, filters=tuple(filters))
    return Packet(kind, at, code=body[1] if kind == CONNACK else 0)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        assert count <= self.left, "a packet shorter than it says"
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def field(self) -> bytes:
        (size,) = struct.unpack("!H", self.take(2))
        return self.take(size)

    def text(self) -> str:
        return self.field().decode()


class Relay:
    """Listens on a port of its own, hands everything on to ``upstream`` and keeps what it read."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener: socket.socket | None = None
        self.port = 0
        self.connections: list[Connection] = []

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut()

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._listener = listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Let nobody in any more."""
        if self._listener is not None:
            # shutdown() wakes the accepting thread, close() alone would leave it and the port in use.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Break every connection without a word."""
        for connection in self.connections:
            for sock in connection.sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self._upstream)
            except OSError:
                client.close()
                continue
            for sock in (client, broker):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sockets=[client, broker])
            self.connections.append(connection)
            for source, target, log in ((client, broker, connection.sent), (broker, client, connection.received)):
                threading.Thread(target=self._pump, args=(source, target, log, connection), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket, log: list[Packet], connection: Connection) -> None:
        data = bytearray()
        with contextlib.suppress(OSError):
            while chunk := source.recv(1 << 16):
                data += chunk
                log.extend(read_packets(data))
                target.sendall(chunk)
        # The other way stays open: a DISCONNECT may still be on it when an answer finds nobody.
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        connection.ends += 1
        if connection.ends == len(connection.sockets):
            for sock in connection.sockets:
                sock.close()


def until(condition: Callable[[], object], seconds: float = 15.0, what: str = "it") -> None:
    """Wait for something that must come to pass."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.005)
