"""The broker's configuration, started as it is by a real Mosquitto: who may enter, speak and hear."""

from __future__ import annotations

import contextlib
import queue
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from orewatch.authority.cabinet import Cabinet
from orewatch.authority.centre import prepare
from orewatch.authority.signing import Kind
from tests.servers import free_port, listens, program
from tests.system.compose_file import Layout
from tests.system.compose_run import prepare_broker

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[3] / "deploy"
START_S = 10.0


@dataclass(eq=False)
class Client:
    """A client that keeps what it hears while its gate is open; ``code`` is the broker's answer to its name."""

    client: mqtt.Client
    heard: queue.Queue[tuple[str, bytes]]
    code: int
    gate: threading.Event


@dataclass(frozen=True)
class Running:
    """The broker, and where everybody's certificates lie."""

    port: int
    cabinet: Cabinet

    def context(self, name: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.cabinet.authority_file))
        kinds = [k for k in Kind if name and self.cabinet.holder_folder(k, name).exists()]
        if name and kinds:
            folder = self.cabinet.holder_folder(kinds[0], name)
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        return context


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    program("mosquitto")
    number = free_port()
    layout = Layout(folder=tmp_path_factory.mktemp("broker"), ports={8883: number})
    cabinet = Cabinet(folder=layout.volume("authority"), now=datetime.now(UTC))
    list(prepare(cabinet, hand_out=layout.service("init").root / "secrets", hosts=[]))
    for unit in ("pb-01", "zn-01"):
        cabinet.ensure(Kind.UNIT, unit)
    laid = layout.service("mosquitto")
    prepare_broker(laid)
    (laid.root / "mosquitto/config/acl").chmod(0o600)
    log = laid.root / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(laid.words, stdout=out, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_S
        while not listens(number):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        warnings = [line for line in log.read_text().splitlines() if "Warning" in line and "as root" not in line]
        assert all("STATE/+" in line for line in warnings), warnings
        yield Running(number, cabinet)
    finally:
        process.terminate()
        process.wait(10)


def enter(broker: Running, name: str, *topics: str) -> Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    answers: queue.Queue[int] = queue.Queue()
    ready: queue.Queue[int] = queue.Queue()
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(reason.value)
    client.on_subscribe = lambda *_: ready.put(1)
    gate = threading.Event()
    gate.set()

    def keep(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        gate.wait(30)
        heard.put((message.topic, bytes(message.payload)))

    client.on_message = keep
    client.tls_set_context(broker.context(name))
    # Whatever a client calls itself: the certificate's name counts.
    client.username_pw_set("collector", "x")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    code = answers.get(timeout=5)
    for topic in topics if code == 0 else ():
        client.subscribe(topic, 1)
        ready.get(timeout=5)
    return Client(client, heard, code, gate)


def leave(*clients: Client) -> None:
    for c in clients:
        c.client.disconnect()
        c.client.loop_stop()


def test_nobody_enters_without_a_certificate(broker: Running) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.tls_set_context(broker.context(None))
    client.username_pw_set("collector", "x")
    answers: queue.Queue[bool] = queue.Queue()
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(not reason.is_failure)
    client.on_disconnect = lambda *_: answers.put(False)
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        assert answers.get(timeout=5) is False
        client.loop_stop()


def test_who_may_say_and_hear_what(broker: Running) -> None:
    collector = enter(broker, "collector", "spBv1.0/#")
    api = enter(broker, "api", "spBv1.0/#")
    unit = enter(broker, "pb-01", "spBv1.0/#", "spBv1.0/+/NCMD/pb-01", "spBv1.0/STATE/+")
    other = enter(broker, "zn-01", "spBv1.0/#", "spBv1.0/+/NCMD/zn-01", "spBv1.0/+/NCMD/pb-01")
    assert [c.code for c in (collector, api, unit, other)] == [0, 0, 0, 0]
    said = {
        unit: [
            "spBv1.0/orewatch/NBIRTH/pb-01", "spBv1.0/orewatch/DDATA/pb-01/jaw", "spBv1.0/orewatch/NDATA/zn-01",
            "spBv1.0/orewatch/DBIRTH/zn-01/jaw", "spBv1.0/orewatch/NCMD/zn-01", "spBv1.0/STATE/orewatch", "other",
        ],
        collector: ["spBv1.0/orewatch/NCMD/pb-01", "spBv1.0/STATE/orewatch", "spBv1.0/orewatch/NDATA/pb-01"],
        api: ["spBv1.0/g/NCMD/zn-01", "spBv1.0/STATE/orewatch", "spBv1.0/orewatch/NBIRTH/pb-01"],
    }  # fmt: skip
    for client, topics in said.items():
        for topic in topics:
            client.client.publish(topic, b"x", 1).wait_for_publish(5)
    # QoS 1 in order: when the last one of each has come, nothing is on the way any more.
    unit.client.publish("spBv1.0/orewatch/NDEATH/pb-01", b"end", 1).wait_for_publish(5)
    collector.client.publish("spBv1.0/orewatch/NCMD/pb-01", b"end", 1).wait_for_publish(5)
    collector.client.publish("spBv1.0/orewatch/NCMD/zn-01", b"end", 1).wait_for_publish(5)
    wide = {
        "spBv1.0/orewatch/NBIRTH/pb-01", "spBv1.0/orewatch/DDATA/pb-01/jaw", "spBv1.0/orewatch/NDEATH/pb-01",
        "spBv1.0/orewatch/NCMD/pb-01", "spBv1.0/STATE/orewatch", "spBv1.0/g/NCMD/zn-01", "spBv1.0/orewatch/NCMD/zn-01",
    }  # fmt: skip
    assert until_end(collector, 3) == wide
    assert until_end(api, 3) == wide
    assert until_end(unit, 1) == {"spBv1.0/orewatch/NCMD/pb-01", "spBv1.0/STATE/orewatch"}
    assert until_end(other, 1) == {"spBv1.0/g/NCMD/zn-01", "spBv1.0/orewatch/NCMD/zn-01", "spBv1.0/STATE/orewatch"}
    leave(collector, api, unit, other)


def until_end(client: Client, ends: int) -> set[str]:
    topics = set()
    while ends:
        topic, payload = client.heard.get(timeout=5)
        topics.add(topic)
        ends -= payload == b"end"
    return topics


def test_a_stalled_subscriber_loses_nothing_the_queue_can_hold(broker: Running) -> None:
    stalled = enter(broker, "collector", "spBv1.0/orewatch/NDATA/#")
    stalled.gate.clear()
    unit = enter(broker, "pb-01")
    # Beyond Mosquitto's defaults of 20 messages in flight and 1000 waiting.
    count = 2500
    for i in range(count):
        last = unit.client.publish("spBv1.0/orewatch/NDATA/pb-01", str(i).encode(), 1)
    last.wait_for_publish(20)
    stalled.gate.set()
    heard = [int(stalled.heard.get(timeout=10)[1]) for _ in range(count)]
    assert heard == list(range(count))
    leave(stalled, unit)


def test_the_queue_is_bounded() -> None:
    lines = (DEPLOY / "mosquitto/mosquitto.conf").read_text().splitlines()
    conf = dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    assert 10_000 <= int(conf["max_queued_messages"]) <= 10_000_000
    assert 64 * 2**20 <= int(conf["max_queued_bytes"]) <= 2**30
    assert conf["allow_anonymous"] == "false"
    assert conf["require_certificate"] == conf["use_identity_as_username"] == "true"
