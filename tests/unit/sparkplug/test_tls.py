from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from orewatch.sparkplug.actions import Publish, Subscribe
from orewatch.sparkplug.client import MqttClient, MqttError, TlsSettings
from tests.servers import free_port, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class SecureBroker:
    port: int
    certificate: Path


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureBroker]:
    certificate, key, users = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "users"
    make = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    make += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    enter = [program("mosquitto_passwd"), "-b", "-c", str(users), "unit", "secret"]
    subprocess.run(enter, check=True, capture_output=True)
    port = free_port()
    config = tmp_path / "tls.conf"
    # Started by root it would drop to a user who cannot read this folder.
    user = "user root\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user}listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n"
        f"password_file {users}\nallow_anonymous false\n"
    )
    with subprocess.Popen([program("mosquitto"), "-c", str(config)], stderr=subprocess.DEVNULL) as broker:
        yield SecureBroker(port, certificate)
        broker.terminate()


async def test_credentials_and_tls(secure: SecureBroker) -> None:
    got: list[tuple[str, bytes]] = []

    def client(password: str | None, tls: TlsSettings | None) -> MqttClient:
        return MqttClient(
            host="localhost",
            port=secure.port,
            client_id="tls",
            username="unit",
            password=password,
            tls=tls,
            on_message=lambda topic, payload: got.append((topic, payload)),
            connect_timeout_s=5,
        )

    trusting = TlsSettings(ca=secure.certificate)
    good = client("secret", trusting)
    for _ in range(100):
        with contextlib.suppress(MqttError):
            await good.connect(Publish("tls/will", b"", 1))
            break
        await asyncio.sleep(0.05)
    assert good.connected
    good.subscribe(Subscribe("tls/#"))
    sizes = [1, 100_000, 1_500_000]
    for size in sizes:
        assert good.send(Publish("tls/a", b"x" * size))
    for _ in range(500):
        await asyncio.sleep(0.01)
        if len(got) == len(sizes):
            break
    assert [len(payload) for _, payload in got] == sizes
    await good.disconnect()
    with pytest.raises(MqttError, match="refuses") as refused:
        await client("wrong", trusting).connect(None)
    assert refused.value.permanent
    with pytest.raises(MqttError, match=r"(?i)certificate"):
        await client("secret", TlsSettings()).connect(None)
    with pytest.raises(MqttError):
        await client("secret", None).connect(None)
