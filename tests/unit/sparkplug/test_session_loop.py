from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from orewatch.sparkplug.actions import Command, Data, NodeBorn, NodeDied, Publish, Subscribe
from orewatch.sparkplug.client import MqttClient, MqttError, SessionLoop
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import EdgeNodeSession, MetricDeclaration, Reading
from orewatch.sparkplug.host import HostSession
from tests.servers import free_port, running_mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orewatch.sparkplug.actions import Event
    from tests.servers import Broker

NODE = [MetricDeclaration(name="Live/Watched", datatype=DataType.INT64, alias=1, writable=True)]
DEVICES = {"jaw": [MetricDeclaration(name="current", datatype=DataType.DOUBLE, alias=10)]}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


def loop(broker: Broker, client_id: str, session: Any, events: list[Event], **settings: Any) -> SessionLoop:
    return SessionLoop(
        make_client=lambda on_message: MqttClient(
            host=broker.host, port=broker.port, client_id=client_id, on_message=on_message
        ),
        session=session,
        on_event=events.append,
        now_ms=now_ms,
        back_off_s=(0.05, 0.2),
        **settings,
    )


def edge(node: str) -> EdgeNodeSession:
    return EdgeNodeSession(group="loop", node=node, bd_seq=None, node_metrics=NODE, devices=DEVICES)


async def test_births_data_commands_and_deaths_go_through_a_real_broker(mosquitto: Broker) -> None:
    seen: list[Event] = []
    commands: list[Event] = []
    host, node = HostSession(host="t1", groups=("loop",)), edge("t1")
    host_loop = loop(mosquitto, "t1-host", host, seen)
    links: list[bool] = []
    node_loop = loop(mosquitto, "t1-node", node, commands, on_link=links.append)
    tasks = [asyncio.create_task(host_loop.run())]
    await until(lambda: host_loop.connected)
    tasks.append(asyncio.create_task(node_loop.run()))
    await until(lambda: any(isinstance(e, NodeBorn) for e in seen))
    assert node_loop.perform(node.data("jaw", [Reading("current", 71.5, now_ms())], now_ms()))
    await until(lambda: any(isinstance(e, Data) for e in seen))
    host_loop.perform(host.command("loop", "t1", None, "Live/Watched", 60, DataType.INT64, now_ms()))
    await until(lambda: commands)
    assert isinstance(commands[0], Command)
    assert (commands[0].name, commands[0].value) == ("Live/Watched", 60)
    await node_loop.stop()
    await until(lambda: any(isinstance(e, NodeDied) for e in seen))
    await host_loop.stop()
    await asyncio.gather(*tasks)
    assert [e.values for e in seen if isinstance(e, Data)] == [[71.5]]
    assert len([e for e in seen if isinstance(e, NodeDied)]) == 1
    assert links == [True, False]


async def test_a_connection_that_breaks_leaves_the_will_and_the_next_has_a_new_one(mosquitto: Broker) -> None:
    seen: list[Event] = []
    host_loop = loop(mosquitto, "t2-host", HostSession(host="t2", groups=("loop",)), seen)
    running = asyncio.create_task(host_loop.run())
    await until(lambda: host_loop.connected)
    kept: list[int | None] = []
    node = edge("t2")
    node_loop = loop(mosquitto, "t2-node", node, [], on_will=lambda: kept.append(node.bd_seq))
    node_running = asyncio.create_task(node_loop.run())
    # Born for the host too: a death of somebody it never saw would be none.
    await until(lambda: any(isinstance(e, NodeBorn) for e in seen))
    # Another client with the same id: the broker ends the first connection and publishes its will.
    other = MqttClient(
        host=mosquitto.host, port=mosquitto.port, client_id="t2-node", on_message=lambda _topic, _payload: None
    )
    await other.connect(None)
    await until(lambda: any(isinstance(e, NodeDied) for e in seen))
    await until(lambda: len([e for e in seen if isinstance(e, NodeBorn)]) == 2)
    assert [e.bd_seq for e in seen if isinstance(e, NodeBorn)] == kept == [0, 1]
    await other.closed()
    await node_loop.stop()
    await host_loop.stop()
    await asyncio.gather(running, node_running)


async def test_a_broker_that_comes_late_and_goes_away_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    client = MqttClient(host="127.0.0.1", port=port, client_id="t3", on_message=lambda _topic, _payload: None)
    with pytest.raises(MqttError, match=f"127.0.0.1:{port}"):
        await client.connect(None)
    node = edge("t3")
    kept: list[int | None] = []
    node_loop = SessionLoop(
        make_client=lambda on_message: MqttClient(
            host="127.0.0.1", port=port, client_id="t3-node", on_message=on_message
        ),
        session=node,
        on_event=lambda _event: None,
        now_ms=now_ms,
        back_off_s=(0.02, 0.1),
        on_will=lambda: kept.append(node.bd_seq),
    )
    running = asyncio.create_task(node_loop.run())
    await until(lambda: node_loop.last_error)
    await asyncio.sleep(0.2)
    assert kept == []  # nobody was there to be sent a CONNECT
    for _ in range(2):
        with running_mosquitto(tmp_path, port):
            await until(lambda: node.born)
        await until(lambda: not node.born)
    await node_loop.stop()
    await running


async def test_cancelling_still_says_goodbye(mosquitto: Broker) -> None:
    seen: list[Event] = []
    host_loop = loop(mosquitto, "t4-host", HostSession(host="t4", groups=("loop",)), seen)
    running = asyncio.create_task(host_loop.run())
    await until(lambda: host_loop.connected)
    node = edge("t4")
    node_running = asyncio.create_task(loop(mosquitto, "t4-node", node, []).run())
    await until(lambda: any(isinstance(e, NodeBorn) for e in seen))
    node_running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await node_running
    await until(lambda: any(isinstance(e, NodeDied) for e in seen))
    await host_loop.stop()
    await running


async def test_a_defect_in_a_callback_is_not_swallowed(mosquitto: Broker) -> None:
    def broken(topic: str, payload: bytes) -> None:
        raise ZeroDivisionError(topic, payload)

    client = MqttClient(host=mosquitto.host, port=mosquitto.port, client_id="t5", on_message=broken)
    await client.connect(None)
    client.subscribe(Subscribe("t5"))
    assert client.send(Publish("t5", b"x"))
    with pytest.raises(ZeroDivisionError):
        await client.closed()
    assert not client.connected
    assert not client.send(Publish("t5", b"x"))


async def test_the_queue_is_bounded_and_refusals_are_counted() -> None:
    async def accepts_and_never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(accepts_and_never_reads, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = MqttClient(
        host="127.0.0.1",
        port=port,
        client_id="t6",
        on_message=lambda _topic, _payload: None,
        max_queued_bytes=100_000,
    )
    await client.connect(None)
    taken = [client.send(Publish("t6", b"x" * 60_000)) for _ in range(400)]
    assert taken[0]
    assert not all(taken)
    assert client.dropped == taken.count(False)
    assert 0 < client.queued_bytes <= 100_000
    client.abort()
    await client.closed()
    server.close()
    for writer in writers:
        writer.transport.abort()
    await server.wait_closed()
    await asyncio.sleep(0.02)


async def test_a_broker_that_falls_silent_is_given_up() -> None:
    async def accepts_and_falls_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")
        await reader.read()  # until the client leaves; its pings stay without an answer
        writer.close()

    server = await asyncio.start_server(accepts_and_falls_silent, "127.0.0.1", 0)
    client = MqttClient(
        host="127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        client_id="t8",
        on_message=lambda _topic, _payload: None,
        keepalive_s=1,
    )
    await client.connect(None)
    await asyncio.wait_for(client.closed(), 6)
    assert not client.connected
    server.close()
    await server.wait_closed()


async def test_qos_1_retained_and_large_messages_arrive(mosquitto: Broker) -> None:
    got: list[tuple[str, int]] = []
    client = MqttClient(
        host=mosquitto.host,
        port=mosquitto.port,
        client_id="t7",
        on_message=lambda topic, payload: got.append((topic, len(payload))),
        max_packet_bytes=300_000,
    )
    await client.connect(None)
    client.send(Publish("t7/kept", b"k", 1, retain=True))
    client.subscribe(Subscribe("t7/#"))
    client.send(Publish("t7/a", b"x" * 200_000))
    client.send(Publish("t7/b", b"x" * 2_000_000))
    client.send(Publish("t7/c", b"", 1))
    await until(lambda: len(got) == 3)
    assert sorted(got) == [("t7/a", 200_000), ("t7/c", 0), ("t7/kept", 1)]
    assert client.oversized == 1
    client.send(Publish("t7/kept", b"", 1, retain=True))
    await client.disconnect()
