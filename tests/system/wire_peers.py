"""Who stands at the other ends in the conformance tests: an MQTT client that keeps what it hears, and a PLC.

Payloads are read and written with the generated protobuf classes alone, not with the code that is judged.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from tests.system.wire_relay import PUBLISH, Packet, now_ms, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Broker

INT32, INT64, DOUBLE, BOOLEAN, STRING, BYTES = 3, 4, 10, 11, 12, 17
REBIRTH = "Node Control/Rebirth"


def metric(name: str | None = None, value: Any = None, datatype: int | None = None, **more: Any) -> pb.Metric:
    """One metric; ``value`` goes into the field of its Python type, None is null."""
    out = pb.Metric(**more)
    if name is not None:
        out.name = name
    if datatype is not None:
        out.datatype = datatype
    if value is None:
        out.is_null = True
    elif isinstance(value, bool):
        out.boolean_value = value
    elif isinstance(value, int):
        out.long_value = value
    elif isinstance(value, float):
        out.double_value = value
    elif isinstance(value, bytes):
        out.bytes_value = value
    else:
        out.string_value = value
    return out


def payload(*metrics: pb.Metric, seq: int | None = None, timestamp: int | None = None) -> bytes:
    out = pb.Payload(timestamp=now_ms() if timestamp is None else timestamp, metrics=metrics)
    if seq is not None:
        out.seq = seq
    return out.SerializeToString()


def read(packet: Packet) -> pb.Payload:
    return pb.Payload.FromString(packet.payload)


def named(packet: Packet, name: str) -> pb.Metric:
    """The one metric of this name."""
    [found] = [m for m in read(packet).metrics if m.name == name]
    return found


class Client:
    """A client of another make, straight at the broker; ``heard`` is everything under spBv1.0/."""

    def __init__(
        self, broker: Broker, name: str, will: tuple[str, bytes] | None = None, *, listen: bool = True
    ) -> None:
        self.heard: list[Packet] = []
        self._paho = client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        client.on_message = self._on_message
        if will is not None:
            client.will_set(*will, qos=1)
        client.connect(broker.host, broker.port)
        client.loop_start()
        until(client.is_connected, what="the test's own connection")
        if listen:
            done = threading.Event()
            client.on_subscribe = lambda *_: done.set()
            client.subscribe("spBv1.0/#", 1)
            assert done.wait(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_message(self, _client: object, _userdata: object, message: Any) -> None:
        packet = Packet(
            PUBLISH, now_ms(), topic=message.topic, payload=message.payload, qos=message.qos, retain=message.retain
        )
        self.heard.append(packet)

    def publish(self, topic: str, data: bytes, qos: int = 0, *, retain: bool = False) -> None:
        self._paho.publish(topic, data, qos, retain).wait_for_publish(5)

    def state(self, host: str, *, online: bool, timestamp: int) -> None:
        self.publish(
            f"spBv1.0/STATE/{host}", json.dumps({"online": online, "timestamp": timestamp}).encode(), 1, retain=True
        )

    def of(self, topic: str) -> list[Packet]:
        return [p for p in list(self.heard) if p.topic == topic]

    def wait(self, topic: str, count: int = 1, seconds: float = 15.0) -> Packet:
        """Wait for the ``count``-th message on ``topic``."""
        until(lambda: len(self.of(topic)) >= count, seconds, f"message {count} on {topic}")
        return self.of(topic)[count - 1]

    def vanish(self) -> None:
        """Break the connection, so that the broker publishes the will."""
        sock = self._paho.socket()
        assert sock is not None
        self._paho.loop_stop()
        sock.close()


class Plc:
    """A Modbus TCP device with holding registers; ``value`` tells a register's word, ``refused`` answer exception 2."""

    def __init__(self, value: Callable[[int], int]) -> None:
        self._value = value
        self.refused: set[int] = set()
        self._sockets: list[socket.socket] = []
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._sockets = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        """Be gone, as if the cable were cut."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with listener, contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                self._sockets.append(sock)
                threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            while len(head := sock.recv(7, socket.MSG_WAITALL)) == 7:
                transaction, protocol, size, unit = struct.unpack("!HHHB", head)
                function, address, count = struct.unpack("!BHH", sock.recv(size - 1, socket.MSG_WAITALL))
                wanted = range(address, address + count)
                if self.refused.intersection(wanted):
                    body = struct.pack("!BB", function | 0x80, 2)
                else:
                    words = [self._value(a) & 0xFFFF for a in wanted]
                    body = struct.pack(f"!BB{count}H", function, 2 * count, *words)
                sock.sendall(struct.pack("!HHHB", transaction, protocol, len(body) + 1, unit) + body)


def turning(address: int) -> int:
    """Register 0 changes all the time, 1 is a running contact, 2 and 3 a total, 4 a temperature, 5 never changes."""
    tick = time.monotonic_ns() // 10_000_000
    return {0: tick % 1000, 1: 1, 2: 0, 3: tick // 10 % 65_536, 4: 300}.get(address, 42)


UNIT_TOML = """
[unit]
id = "cu-01"
site = "Test bench"
province = "Isfahan"
mineral = "lead"
nameplate_tph = 10
roles = {{ flow = "mill.power", total = "mill.total", main = "mill.power", no_load = 0, full_load = 100 }}

[[machine]]
id = "mill"
class = "test_mill"
signals = [
  {{ name = "power", unit = "kW", low = 0, high = 100, resolution = 0.1, rate_s = {rate}, decides = true }},
  {{ name = "running", kind = "digital", unit = "1", rate_s = {rate}, decides = true }},
  {{ name = "total", kind = "totaliser", unit = "t", low = 0, high = 1e6, resolution = 1, rate_s = 1, wrap = 1e6 }},
  {{ name = "temperature", unit = "Cel", low = 0, high = 100, resolution = 0.1, rate_s = {rate}, decides = true }},
]

[[machine]]
id = "belt"
class = "test_belt"
signals = [
  {{ name = "speed", unit = "m/s", low = 0, high = 100, resolution = 0.1, rate_s = {rate}, decides = true }},
  {{ name = "width", unit = "mm", low = 0, high = 1000, resolution = 1, rate_s = {rate}, decides = true }},
]

[spool]
path = "cu-01.db"
block_seconds = 1
synchronous = "NORMAL"

[[uplink]]
port = {broker}
group = "{group}"
{uplink}

[[source]]
kind = "modbus"
name = "mill-plc"
port = {mill}
timeout_s = 0.2
register = [
  {{ machine = "mill", signal = "power", address = 0, scale = 0.1 }},
  {{ machine = "mill", signal = "running", address = 1, type = "bit" }},
  {{ machine = "mill", signal = "total", address = 2, type = "uint32" }},
  {{ machine = "mill", signal = "temperature", address = 4, scale = 0.1 }},
]

[[source]]
kind = "modbus"
name = "belt-plc"
port = {belt}
timeout_s = 0.2
register = [
  {{ machine = "belt", signal = "speed", address = 0, scale = 0.1 }},
  {{ machine = "belt", signal = "width", address = 5 }},
]
"""
DEVICES = ("mill", "belt")
