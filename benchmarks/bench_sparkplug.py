"""What the wire costs: CPU from the socket to handed-over values, and to encode what an edge node sends.

Sockets are real (a loopback pair), the broker is left out: its cost is its own.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

from benchmarks.result import Result, at_most, stated
from orewatch.sparkplug.actions import Action, Data, Publish
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration, Reading
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.stream import PacketStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NOW = 1_795_000_000_000
SIGNALS = 50
BLOCK_BYTES = 4000
BLOCK_VALUES = 3000
MESSAGES = 2000
NAMES = [f"signal_{i}" for i in range(SIGNALS)]


def edge() -> EdgeNodeSession:
    return EdgeNodeSession(
        group="orewatch",
        node="pb-01",
        bd_seq=None,
        node_metrics=[MetricDeclaration(name="Record/Block", datatype=DataType.BYTES, alias=1, births_null=True)],
        devices={
            "mill": [
                MetricDeclaration(name=name, datatype=DataType.DOUBLE, alias=10 + i) for i, name in enumerate(NAMES)
            ]
        },
    )


def packet(publish: Publish) -> bytes:
    """An MQTT PUBLISH packet at QoS 0."""
    topic = publish.topic.encode()
    body = len(topic).to_bytes(2) + topic + publish.payload
    length, size = bytearray(), len(body)
    while True:
        size, low = divmod(size, 128)
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes([0x30]) + bytes(length) + body


def publishes(actions: Iterable[Action]) -> list[Publish]:
    return [a for a in actions if isinstance(a, Publish)]


def readings(step: int) -> list[Reading]:
    return [Reading(name, 1.5 + i + step * 0.01, NOW + step * 1000) for i, name in enumerate(NAMES)]


def receiving(messages: list[Publish], births: list[Publish]) -> float:
    """CPU microseconds per message, from the socket to Data events."""
    host = HostSession(host="bench", announce=False)
    host.connected(NOW)
    taken = 0

    def on_message(topic: str, payload: bytes) -> None:
        nonlocal taken
        for event in host.received(topic, payload, NOW):
            taken += isinstance(event, Data)

    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        stream = PacketStream(sock=near, on_message=on_message, max_packet_bytes=1 << 20)
        far.sendall(b"".join(packet(p) for p in births))
        stream.receive()
        wire = [packet(p) for p in messages]
        chunks = [b"".join(wire[i : i + 20]) for i in range(0, len(wire), 20)]
        begin = time.process_time()
        for chunk in chunks:
            far.sendall(chunk)
            while stream.receive():
                pass
        spent = time.process_time() - begin
    assert taken == len(messages), (taken, len(messages))
    return spent / len(messages) * 1e6


def best(measure_once: Callable[[], float], rounds: int = 3) -> float:
    """The least of a few rounds: others share this machine."""
    return min(measure_once() for _ in range(rounds))


def measure() -> list[Result]:
    session = edge()
    session.will(NOW)
    births = publishes(session.connected(NOW))
    plain = [p for step in range(MESSAGES) for p in publishes(session.data("mill", readings(step), NOW))]
    plain_us = best(lambda: receiving(plain, births))

    session = edge()
    session.will(NOW)
    births = publishes(session.connected(NOW))
    content = [os.urandom(BLOCK_BYTES) for _ in range(MESSAGES)]
    blocks = [p for block in content for p in publishes(session.data(None, [Reading("Record/Block", block, NOW)], NOW))]
    block_us = best(lambda: receiving(blocks, births))

    rows = [readings(step) for step in range(500)]

    def encoding() -> float:
        begin = time.process_time()
        for row in rows:
            session.data("mill", row, NOW)
        return (time.process_time() - begin) / len(rows) * 1e6

    encode_us = best(encoding)
    size = len(plain[-1].payload)
    return [
        stated("sparkplug: DDATA of 50, socket to values", plain_us / SIGNALS, "us/value"),
        stated("sparkplug: DDATA of 50, socket to values", plain_us, "us/message"),
        at_most("sparkplug: block NDATA, socket to block", block_us / BLOCK_VALUES, "us/value", 0.05),
        stated("sparkplug: block NDATA, socket to block", block_us, "us/message"),
        stated("sparkplug: DDATA of 50, encode", encode_us / SIGNALS, "us/value"),
        stated("sparkplug: DDATA of 50, payload", size / SIGNALS, "bytes/value"),
    ]


if __name__ == "__main__":
    for result in measure():
        print(f"{result.name:45} {result.value:10.3f} {result.unit}")
