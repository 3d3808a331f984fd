"""The broker's configuration, started as it is by a real Mosquitto: who may enter, speak and hear."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import free_port, program

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[3] / "deploy"
START_S = 10.0
USERS = {"mqtt_collector": "c", "mqtt_api": "a", "mqtt_pb-01": "one", "mqtt_zn-01": "two words, $x'\""}


@dataclass(eq=False)
class Client:
    """A client that keeps what it hears while its gate is open; ``code`` is the broker's answer to its password."""

    client: mqtt.Client
    heard: queue.Queue[tuple[str, bytes]]
    code: int
    gate: threading.Event


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("broker")
    broker = program("mosquitto")
    program("mosquitto_passwd")
    number = free_port()
    secrets = home / "secrets"
    secrets.mkdir()
    for name, password in USERS.items():
        (secrets / name).write_text(password)
    (home / "acl").write_text((DEPLOY / "mosquitto/acl").read_text())
    (home / "acl").chmod(0o600)
    conf = (DEPLOY / "mosquitto/mosquitto.conf").read_text()
    for there, here in {
        "listener 1883\n": f"listener {number} 127.0.0.1\n",
        "/mosquitto/config/acl": f"{home}/acl",
        "/tmp/passwords": f"{home}/passwords",  # noqa: S108 - the container's own
        "/mosquitto/data/": f"{home}/",
    }.items():
        assert there in conf
        conf = conf.replace(there, here)
    if os.geteuid() == 0:
        # A broker started by root becomes another user, who may not read a test's folder.
        conf += "user root\n"
    (home / "mosquitto.conf").write_text(conf)
    environ = os.environ | {
        "SECRETS": str(secrets), "PASSWORDS": f"{home}/passwords", "CONFIG": f"{home}/mosquitto.conf",
        "PATH": f"{Path(broker).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([DEPLOY / "mosquitto/start.sh"], env=environ, stdout=out, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_S
        while not listens(number):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        warnings = [line for line in log.read_text().splitlines() if "Warning" in line and "as root" not in line]
        assert all("STATE/+" in line for line in warnings), warnings
        # Nobody's password lies there in the clear.
        assert "one" not in (home / "passwords").read_text()
        yield number
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def enter(port: int, user: str | None, password: str | None, *topics: str) -> Client:
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
    if user is not None:
        client.username_pw_set(user, password)
    client.connect("127.0.0.1", port)
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


@pytest.mark.parametrize(
    ("user", "password"), [(None, None), ("pb-01", "wrong"), ("pb-01", ""), ("nobody", "x"), ("zn-01", "one")]
)
def test_nobody_enters_without_the_right_password(port: int, user: str | None, password: str | None) -> None:
    client = enter(port, user, password)
    leave(client)
    assert client.code != 0


def test_who_may_say_and_hear_what(port: int) -> None:
    collector = enter(port, "collector", "c", "spBv1.0/#")
    api = enter(port, "api", "a", "spBv1.0/#")
    unit = enter(port, "pb-01", "one", "spBv1.0/#", "spBv1.0/+/NCMD/pb-01", "spBv1.0/STATE/+")
    other = enter(port, "zn-01", USERS["mqtt_zn-01"], "spBv1.0/#", "spBv1.0/+/NCMD/zn-01", "spBv1.0/+/NCMD/pb-01")
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


def test_a_stalled_subscriber_loses_nothing_the_queue_can_hold(port: int) -> None:
    stalled = enter(port, "collector", "c", "spBv1.0/orewatch/NDATA/#")
    stalled.gate.clear()
    unit = enter(port, "pb-01", "one")
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


@pytest.mark.parametrize(("password", "words"), [("", "is empty"), ("a:b", "has a colon")])
def test_a_secret_that_cannot_be_a_password_stops_the_start(tmp_path: Path, password: str, words: str) -> None:
    program("mosquitto_passwd")
    (tmp_path / "mqtt_api").write_text(password)
    environ = os.environ | {"SECRETS": str(tmp_path), "PASSWORDS": str(tmp_path / "made"), "CONFIG": "/nowhere"}
    answer = subprocess.run(
        [DEPLOY / "mosquitto/start.sh"], env=environ, check=False, capture_output=True, text=True, timeout=10
    )
    assert answer.returncode == 1
    assert f"the secret mqtt_api {words}" in answer.stderr
