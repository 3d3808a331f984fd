from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.actions import Publish, Subscribe
from orewatch.sparkplug.client import MqttClient
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.payload import Metric, Payload, encode
from orewatch.sparkplug.topics import TopicError
from orewatch.tap.command import add_parser, rebirth_request, tap, topic_filters
from orewatch.tap.lines import Tap
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Broker

NOW = 1_795_000_000_000  # 2026-11-18 11:06:40 UTC


def payload(*metrics: Metric, seq: int | None = 3) -> bytes:
    return encode(Payload(timestamp_ms=NOW, metrics=metrics, seq=seq))


def block() -> bytes:
    schema = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("current", "A", 0.1, SignalKind.ANALOG),)),))
    scans = Scans(0, np.arange(60, dtype=np.int64) * 1000 + NOW, np.ones((60, 1), dtype=np.int64))
    return encode_block(
        unit="pb-01", site="s", province="p", mineral="lead", spool=b"s" * 16, number=17, schema=schema, scans=[scans]
    )


BIRTH = payload(
    Metric(
        name="current",
        alias=10,
        datatype=DataType.DOUBLE,
        value=70.0,
        timestamp_ms=NOW,
        properties={"engUnit": "A", "Quality": 192},
    ),
    Metric(name="running", alias=11, datatype=DataType.BOOLEAN, timestamp_ms=NOW, properties={"Quality": 500}),
)
CASES = [
    ("spBv1.0/STATE/orewatch", b'{"online":true,"timestamp":1795000000000}', "host orewatch is online (since 2026-"),
    ("spBv1.0/STATE/orewatch", b"ONLINE", "no state"),
    ("spBv1.0/g/DBIRTH/pb-01/jaw", BIRTH, "DBIRTH  pb-01/jaw #3  born: 2 metrics"),
    ("spBv1.0/g/DBIRTH/pb-01/jaw", BIRTH, "current 70 A, running stale"),
    ("spBv1.0/g/DDATA/pb-01/jaw", payload(Metric(alias=10, value=71.25, timestamp_ms=NOW)), "#3  current 71.25 A"),
    ("spBv1.0/g/DDATA/pb-01/jaw", payload(Metric(alias=11, value=True, timestamp_ms=NOW)), "running on"),
    ("spBv1.0/g/DDATA/pb-01/jaw", payload(Metric(alias=99, value=1.0, timestamp_ms=NOW)), "alias 99 1"),
    (
        "spBv1.0/g/DDATA/pb-01/jaw",
        payload(Metric(alias=10, value=1.0, timestamp_ms=NOW - 90_000, is_historical=True)),
        "current 1 A (history of 2026-",
    ),
    ("spBv1.0/g/DDATA/pb-01/jaw", payload(Metric(alias=10, properties={"Quality": 0}, is_null=True)), "current bad"),
    ("spBv1.0/g/NDATA/pb-01", payload(Metric(name="Record/Block", value=block())), "no. 17 of pb-01: 2026-"),
    ("spBv1.0/g/NDATA/pb-01", payload(Metric(name="Record/Block", value=block())), "60 values in "),
    ("spBv1.0/g/NDATA/pb-01", payload(Metric(name="Record/Block", value=block()[:-3])), "cannot be read"),
    ("spBv1.0/g/NDATA/pb-01", payload(), "nothing"),
    ("spBv1.0/g/NDATA/pb-01", b"\xff\xff", "cannot be read"),
    ("spBv1.0/g/NDATA/pb-01", payload(Metric(name="t", value=1.0, timestamp_ms=2**63)), "time 9223372036854775808 ms"),
    ("spBv1.0/g/NCMD/pb-01", payload(Metric(name="Node Control/Rebirth", value=True)), "asked for its births"),
    (
        "spBv1.0/g/NCMD/pb-01",
        payload(Metric(name="Delivery/Acknowledged", value='{"collector":"c","ids":[[1,4],[7,7]]}')),
        "blocks 1-4, 7-7 are in the store of c",
    ),
    ("spBv1.0/g/NCMD/pb-01", payload(Metric(name="x", value="a\x1b[2J\nb")), 'x = "a?[2J b"'),
    ("spBv1.0/g/NDEATH/pb-01", payload(Metric(name="bdSeq", value=9), seq=None), "died (session 9)"),
    ("spBv1.0/g/DDEATH/pb-01/jaw", payload(), "lost"),
    ("spBv1.0/nonsense", b"", "parts"),
]


@pytest.mark.parametrize(("topic", "raw", "said"), CASES)
def test_each_message_is_one_line_for_people(topic: str, raw: bytes, said: str) -> None:
    lines = Tap()
    lines.line("spBv1.0/g/DBIRTH/pb-01/jaw", BIRTH, NOW)
    line = lines.line(topic, raw, NOW + 512)
    assert line.startswith("11:06:40.512  ")
    assert said in line
    assert "\n" not in line
    assert "\x1b" not in line


def test_long_messages_are_cut_unless_all_is_asked_for() -> None:
    raw = payload(*(Metric(name=f"m{i}", value=float(i), timestamp_ms=NOW) for i in range(20)))
    assert "… and 12 more" in Tap().line("spBv1.0/g/NDATA/n", raw, NOW)
    assert "m19 19" in Tap(all_metrics=True).line("spBv1.0/g/NDATA/n", raw, NOW)


@pytest.mark.parametrize(
    ("group", "unit", "filters"),
    [
        (None, None, ["spBv1.0/#"]),
        ("g", None, ["spBv1.0/g/#", "spBv1.0/STATE/+"]),
        (None, "pb-01", ["spBv1.0/+/+/pb-01/#"]),
        ("g", "pb-01", ["spBv1.0/g/+/pb-01/#"]),
    ],
)
def test_a_tap_follows_what_is_asked_for(group: str | None, unit: str | None, filters: list[str]) -> None:
    assert topic_filters(group, unit) == filters
    with pytest.raises(TopicError):
        topic_filters("a/b", None)


def test_the_command_refuses_a_wrong_unit(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["tap", "--unit", "a/b"])
    assert args.run(args) == 2
    assert "unit 'a/b'" in capsys.readouterr().err


async def test_it_shows_what_passes_a_real_broker_and_stops_after_the_count(mosquitto: Broker) -> None:
    lines: list[str] = []

    def client(on_message: Callable[[str, bytes], None]) -> MqttClient:
        return MqttClient(host=mosquitto.host, port=mosquitto.port, client_id="tap", on_message=on_message)

    listening = asyncio.create_task(
        tap(client=client, filters=["spBv1.0/tapped/#"], write=lines.append, now_ms=lambda: NOW, count=2)
    )
    sender = MqttClient(host=mosquitto.host, port=mosquitto.port, client_id="s", on_message=lambda _t, _p: None)
    await sender.connect(None)
    for _ in range(200):
        sender.send(Publish("spBv1.0/tapped/DBIRTH/pb-01/jaw", BIRTH))
        if listening.done():
            break
        await asyncio.sleep(0.02)
    await sender.disconnect()
    assert await listening == 0
    assert len(lines) == 2
    assert "pb-01/jaw" in lines[0]


async def test_asked_for_names_it_asks_each_stranger_once(mosquitto: Broker) -> None:
    lines: list[str] = []
    heard: list[str] = []

    def client(on_message: Callable[[str, bytes], None]) -> MqttClient:
        return MqttClient(host=mosquitto.host, port=mosquitto.port, client_id="tap2", on_message=on_message)

    listening = asyncio.create_task(
        tap(
            client=client,
            filters=["spBv1.0/named/NDATA/#"],
            write=lines.append,
            now_ms=lambda: NOW,
            ask_names=True,
            count=3,
        )
    )
    unit = MqttClient(
        host=mosquitto.host, port=mosquitto.port, client_id="u", on_message=lambda topic, _: heard.append(topic)
    )
    await unit.connect(None)
    unit.subscribe(Subscribe("spBv1.0/named/NCMD/#"))
    for _ in range(200):
        unit.send(Publish("spBv1.0/named/NDATA/pb-09", payload(Metric(alias=5, value=1.0))))
        if listening.done():
            break
        await asyncio.sleep(0.02)
    assert await listening == 0
    await asyncio.sleep(0.2)
    await unit.disconnect()
    assert heard == ["spBv1.0/named/NCMD/pb-09"]
    asked = rebirth_request("named", "pb-09", NOW)
    assert Tap().line(asked.topic, asked.payload, NOW).endswith("asked for its births")
