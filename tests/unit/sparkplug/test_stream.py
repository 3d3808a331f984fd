from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug.stream import PacketStream

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 5000


def length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def publish(topic: str, payload: bytes, qos: int = 0) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (b"\0\1" if qos else b"") + payload
    return bytes([0x30 | qos << 1]) + length(len(body)) + body


PACKETS = st.one_of(
    st.builds(publish, st.just("t/ü"), st.binary(max_size=300)),
    st.builds(publish, st.just("t"), st.binary(max_size=300), st.just(1)),
    st.just(b"\xd0\x00"),  # PINGRESP
    st.binary(max_size=200).map(lambda b: b"\x90" + length(len(b)) + b),  # SUBACK
    st.just(publish("big", b"x" * (LIMIT + 1))),
)


class Ends:
    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.got: list[tuple[str, bytes]] = []
        self.skipped: list[tuple[str, int]] = []
        self.stream = PacketStream(
            sock=self.near,
            on_message=lambda t, p: self.got.append((t, p)),
            max_packet_bytes=LIMIT,
            on_oversized=lambda topic, size: self.skipped.append((topic, size)),
        )

    def feed(self, data: bytes) -> None:
        self.far.sendall(data)
        while self.stream.receive():
            pass

    def for_paho(self) -> bytes:
        out = bytearray()
        while self.stream.pending():
            out += self.stream.recv(7)
        return bytes(out)

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    pair = Ends()
    yield pair
    pair.close()


def is_message(packet: bytes) -> bool:
    return packet[0] == 0x30


@given(st.lists(PACKETS, max_size=8), st.data())
def test_messages_come_out_and_the_rest_is_left_however_the_bytes_arrive(
    packets: list[bytes], data: st.DataObject
) -> None:
    pair = Ends()
    try:
        whole = b"".join(packets)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
        for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            pair.feed(whole[begin:end])
        messages = [p for p in packets if is_message(p) and len(p) < LIMIT]
        assert [publish(t, p) for t, p in pair.got] == messages
        assert pair.for_paho() == b"".join(p for p in packets if not is_message(p))
        assert pair.stream.oversized == len([p for p in packets if is_message(p) and len(p) > LIMIT])
    finally:
        pair.close()


def test_a_message_of_qos_1_is_read_before_what_came_behind_it(ends: Ends) -> None:
    def read_rest() -> None:
        ends.got.append(("paho", ends.for_paho()))

    ends.stream.read_rest = read_rest
    death, birth = publish("death", b"d", 1), publish("birth", b"b")
    ends.feed(birth + death + birth)
    assert ends.got == [("birth", b"b"), ("paho", death), ("birth", b"b")]


def test_ten_megabytes_are_skipped_without_being_kept(ends: Ends) -> None:
    piece = b"x" * 65_536
    ends.feed(b"\x30" + length(160 * len(piece)))
    for _ in range(160):
        ends.feed(piece)
    ends.feed(publish("t", b"after"))
    assert ends.got == [("t", b"after")]
    assert ends.stream.oversized == 1


@pytest.mark.parametrize("packet", [b"\x30\x00", b"\x30\x01\x00", b"\x30\x03\x00\x09a", b"\x30\x04\x00\x02\xff\xfe"])
def test_a_publish_without_a_readable_topic_is_counted(ends: Ends, packet: bytes) -> None:
    ends.feed(packet + publish("t", b"after"))
    assert ends.got == [("t", b"after")]
    assert ends.stream.undecodable == 1


def test_the_end_of_the_stream_is_told_to_paho_after_what_was_left_for_it(ends: Ends) -> None:
    with pytest.raises(BlockingIOError):
        ends.stream.recv(1)
    ends.feed(b"\xd0\x00")
    ends.far.close()
    assert ends.stream.receive() == 0
    assert ends.stream.at_end
    assert ends.stream.recv(9) == b"\xd0\x00"
    assert ends.stream.recv(9) == b""


def test_what_the_socket_does_not_take_waits_and_goes_in_order(ends: Ends) -> None:
    sent = bytes(range(256)) * 8192
    assert ends.stream.send(sent) == len(sent)
    ends.stream.flush()
    assert 0 < ends.stream.queued_bytes < len(sent)
    got = bytearray()
    while len(got) < len(sent):
        got += ends.far.recv(1 << 20)
        ends.stream.flush()
    assert bytes(got) == sent
    assert ends.stream.queued_bytes == 0


def test_a_broken_socket_is_told_to_paho(ends: Ends) -> None:
    ends.far.close()
    ends.stream.send(b"x" * 10)
    ends.stream.flush()
    with pytest.raises(OSError, match=r"."):
        ends.stream.send(b"y")
    assert ends.stream.at_end


@pytest.mark.parametrize(("at_once", "topic"), [(1 << 20, "spBv1.0/g/NDATA/n"), (8, "")])
def test_what_is_skipped_for_its_size_is_told(ends: Ends, at_once: int, topic: str) -> None:
    packet = publish("spBv1.0/g/NDATA/n", b"x" * 3 * LIMIT)
    ends.feed(packet[:at_once])
    ends.feed(packet[at_once:] + publish("t", b"next"))
    assert ends.skipped == [(topic, 2 + 17 + 3 * LIMIT)]
    assert ends.got == [("t", b"next")]
