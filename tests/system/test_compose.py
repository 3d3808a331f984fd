"""The compose file's services as processes of this machine: init, broker, collector, service, plant and agents.

What differs from a run under Docker: where things are; InfluxDB is Debian's 1.6 in the place of 2.7; blocks are sealed
after 5 s instead of 60. Grafana cannot run here: its variables and files are checked in tests/unit/deploy.
"""

from __future__ import annotations

import queue
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from orewatch.authority.cabinet import Cabinet
from orewatch.authority.signing import Kind
from tests.system.compose_file import ROOT
from tests.system.compose_run import UNITS, Centre, eventually, whole_centre

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with whole_centre(tmp_path_factory.mktemp("compose")) as running:
        yield running


def test_every_part_is_well_by_its_own_check(centre: Centre) -> None:
    for name in centre.started:
        centre.healthy(name)


def test_the_checks_of_those_who_write_find_a_file_that_went_quiet(centre: Centre) -> None:
    for name in ("collector", "agent-zn-01"):
        laid = centre.layout.service(name)
        quiet = [word.replace("< 60", "< -60") for word in laid.health]
        assert quiet != laid.health
        assert subprocess.run(quiet, capture_output=True, check=False, timeout=30).returncode == 1


def test_the_fleet_is_live(centre: Centre) -> None:
    def live() -> Any:
        items = {u["id"]: u["connection"] for u in centre.get("/api/v1/units")["items"]}
        return items == dict.fromkeys(UNITS, "live")

    eventually("four units live", 40, live)


def test_every_unit_has_rows_in_influxdb(centre: Centre) -> None:
    def rows() -> Any:
        query = {"db": "orewatch", "q": 'SHOW TAG VALUES FROM "genset" WITH KEY = "unit"'}
        answer = httpx.get(f"http://127.0.0.1:{centre.ports[8086]}/query", params=query, timeout=5)
        series = answer.json()["results"][0].get("series", [])
        return {value for s in series for _, value in s["values"]} == set(UNITS)

    eventually("rows of four units", 40, rows)


def test_nothing_is_missing_that_a_part_could_name(centre: Centre) -> None:
    eventually("nothing degraded", 30, lambda: centre.get("/readyz")["degraded"] == [])
    # The collector's figures come to the service through the journal that both mount.
    eventually(
        "the collector's figures", 30, lambda: "orewatch_collector_broker_connected 1" in centre.ask("/metrics").text
    )


def test_the_smoke_test_finds_it_well_and_tells_what_is_not(centre: Centre) -> None:
    def smoke(*words: str) -> subprocess.CompletedProcess[str]:
        token = centre.secret("secrets-api", "api_token")
        api = f"http://127.0.0.1:{centre.ports[8080]}"
        command = [sys.executable, str(ROOT / "deploy/smoke_test.py"), "--api", api, "--token-file", str(token), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    well = smoke("--units", "4", "--seconds", "40")
    assert (well.returncode, well.stdout.count("well: ")) == (0, 2), well.stdout + well.stderr
    bad = smoke("--units", "5", "--seconds", "0")
    assert bad.returncode == 1
    assert "NOT WELL: 5 units are live: 4 of 5" in bad.stdout


def test_pages_and_figures_ask_for_the_token(centre: Centre) -> None:
    assert httpx.get(f"http://127.0.0.1:{centre.ports[8080]}/api/v1/units", timeout=5).status_code == 401


def entered(centre: Centre, secrets: Path | None, client_id: str) -> tuple[mqtt.Client, queue.Queue[str]]:
    """Enter the broker with the certificate that was handed out there; whatever user name the client claims."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
    context = ssl.create_default_context(cafile=str(centre.secret("secrets-api", "ca.crt")))
    if secrets is not None:
        context.load_cert_chain(secrets / "tls.crt", secrets / "tls.key")
    client.tls_set_context(context)
    client.username_pw_set("collector")
    heard: queue.Queue[str] = queue.Queue()
    answers: queue.Queue[int] = queue.Queue()
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(reason.value)
    client.on_subscribe = lambda *_: answers.put(0)
    client.on_message = lambda _c, _u, message: heard.put(message.topic)
    client.connect("localhost", centre.ports[8883])
    client.loop_start()
    assert answers.get(timeout=5) == 0
    client.subscribe("spBv1.0/acl/#", 1)
    answers.get(timeout=5)
    return client, heard


def test_people_can_tap_with_a_certificate(centre: Centre) -> None:
    secrets = centre.layout.volume("secrets-api")
    words = [sys.executable, "-m", "orewatch", "tap", "--host", "localhost", "--port", str(centre.ports[8883])]
    words += ["--ca", str(secrets / "ca.crt"), "--certificate", str(secrets / "tls.crt")]
    words += ["--key", str(secrets / "tls.key"), "--unit", "zn-01", "--count", "2"]
    tapped = subprocess.run(words, capture_output=True, text=True, check=False, timeout=90)
    assert tapped.returncode == 0, tapped.stderr
    assert tapped.stdout.count("zn-01") >= 2


def test_a_units_certificate_speaks_for_this_unit_alone(centre: Centre) -> None:
    listener, heard = entered(centre, centre.layout.volume("secrets-api"), "listener")
    unit, nothing = entered(centre, centre.layout.volume("secrets-zn-01"), "unit")
    for node in ("pb-01", "collector", "zn-01"):
        unit.publish(f"spBv1.0/acl/NDATA/{node}", b"x", 1).wait_for_publish(5)
    assert heard.get(timeout=5) == "spBv1.0/acl/NDATA/zn-01"
    unit.publish("spBv1.0/acl/NCMD/zn-01", b"x", 1).wait_for_publish(5)
    unit.publish("spBv1.0/acl/DDATA/zn-01/jaw", b"x", 1).wait_for_publish(5)
    assert heard.get(timeout=5) == "spBv1.0/acl/DDATA/zn-01/jaw"
    assert heard.empty()
    assert nothing.empty()
    for client in (listener, unit):
        client.disconnect()
        client.loop_stop()


def shakes_hands(centre: Centre, secrets: Path | None) -> bool:
    """Say whether the broker's TLS takes this certificate: it answers a CONNECT, or cuts the link."""
    context = ssl.create_default_context(cafile=str(centre.secret("secrets-api", "ca.crt")))
    if secrets is not None:
        context.load_cert_chain(secrets / "tls.crt", secrets / "tls.key")
    try:
        with (
            socket.create_connection(("localhost", centre.ports[8883]), 5) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as link,
        ):
            link.sendall(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x1e\x00\x03abc")
            return link.recv(4)[:1] == b"\x20"
    except (ssl.SSLError, ConnectionError):
        return False


def test_nobody_enters_without_a_certificate_of_this_authority(centre: Centre, tmp_path: Path) -> None:
    assert shakes_hands(centre, centre.layout.volume("secrets-zn-01"))
    assert not shakes_hands(centre, None)
    stranger = Cabinet(folder=tmp_path / "other", now=datetime.now(UTC))
    stranger.ensure_authority()
    stranger.ensure(Kind.CLIENT, "collector")
    assert not shakes_hands(centre, stranger.holder_folder(Kind.CLIENT, "collector"))


def test_init_again_changes_nothing(centre: Centre) -> None:
    volumes = centre.layout.volume("authority").parent
    places = [volumes / "authority", *volumes.glob("secrets-*")]
    kept = {f: f.read_bytes() for place in places for f in place.rglob("*") if f.is_file()}
    assert len(kept) > 40
    centre.once("init")
    centre.once("init-demo")
    assert {f: f.read_bytes() for f in kept} == kept


def test_a_stolen_gateway_is_kept_out(centre: Centre) -> None:
    """The last one: it takes bx-01 out of the fleet."""
    stolen = centre.layout.volume("secrets-bx-01")
    assert shakes_hands(centre, stolen)
    cabinet = Cabinet(folder=centre.layout.volume("authority"), now=datetime.now(UTC))
    cabinet.revoke("bx-01")
    centre.once("init")
    centre.started["mosquitto"].terminate()
    centre.started["mosquitto"].wait(10)
    centre.start("mosquitto")
    centre.healthy("mosquitto")
    assert not shakes_hands(centre, stolen)
    assert shakes_hands(centre, centre.layout.volume("secrets-zn-01"))
