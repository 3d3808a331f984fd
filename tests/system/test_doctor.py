"""``orewatch doctor`` as a new user runs it: beside real servers, well and each of them broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import _await_port as await_port
from tests.servers import _running as running_program
from tests.servers import free_port, program, running_influxd
from tests.unit.test_certificates import make

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ACCOUNTS = ("collector", "api", "weak", "mn-01")


@dataclass(frozen=True)
class Servers:
    folder: Path
    port: int
    secure: int
    ca: Path
    influx: str

    def collector(self, **changes: str) -> Path:
        """Write a collector's settings; ``broker`` and ``influx`` take the place of those tables' lines."""
        broker = f'port = {self.port}\nusername = "collector"\npassword = "secret-collector"'
        influx = f'url = "{self.influx}"'
        whole = {"data": str(self.folder / "data"), "broker": broker, "influx": influx} | changes
        path = self.folder / "collector.toml"
        path.write_text(
            f'data_dir = "{whole["data"]}"\n[broker]\n{whole["broker"]}\n[influx]\n{whole["influx"]}\n', "utf-8"
        )
        return path


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("doctor")
    ca = make(folder, "broker", 10, "-addext", "subjectAltName=DNS:localhost")
    passwords = folder / "passwords"
    passwords.touch(0o600)
    for account in ACCOUNTS:
        words = [program("mosquitto_passwd"), "-b", str(passwords), account, f"secret-{account}"]
        subprocess.run(words, check=True, capture_output=True)
    port, secure = free_port(), free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        ("user root\n" if os.geteuid() == 0 else "")
        + f"allow_anonymous false\npassword_file {passwords}\nacl_file {ROOT / 'deploy/mosquitto/acl'}\n"
        f"listener {port} 127.0.0.1\n"
        f"listener {secure} 127.0.0.1\ncertfile {ca}\nkeyfile {folder / 'key.pem'}\n"
    )
    log = folder / "mosquitto.log"
    with (
        running_program([program("mosquitto"), "-c", str(config)], log=log) as broker,
        running_influxd(folder) as influx,
    ):
        await_port(broker, secure, log)
        yield Servers(folder, port, secure, ca, influx)


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OREWATCH_")}
    return subprocess.run(
        [sys.executable, "-m", "orewatch", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def examined(*words: str | Path) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    done = command("doctor", "--json", *words)
    assert done.stderr == ""
    assert "secret-" not in done.stdout
    told = json.loads(done.stdout)
    return done.returncode, {(one["area"], one["name"]): one for one in told["findings"]}


def failures(found: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    assert all(one["remedy"] for one in found.values() if one["level"] in {"failed", "warning"})
    return {key: one["detail"] for key, one in found.items() if one["level"] == "failed"}


BROKER = "broker, as the collector"
STORE = "store, as the collector"


def test_a_new_user_is_led_to_a_house_that_is_well(servers: Servers) -> None:
    file = servers.collector()
    first = command("doctor", "--collector", file)
    assert first.returncode == 1
    assert "-> run: orewatch storage init" in first.stdout
    assert command("storage", "init", "--config", file).returncode == 0
    again = command("doctor", "--collector", file)
    assert again.returncode == 0, again.stdout
    assert "hears everybody, and may command" in again.stdout
    assert "FAILED" not in again.stdout
    assert "secret-" not in first.stdout + again.stdout


def test_nothing_named_is_nothing_looked_at() -> None:
    done = command("doctor")
    assert done.returncode == 2
    assert "--collector FILE" in done.stderr


def test_settings_that_are_wrong_are_named_and_the_rest_is_looked_at(servers: Servers, tmp_path: Path) -> None:
    wrong = tmp_path / "api.toml"
    wrong.write_text('data_dir = "x"\nport = 99999\ncolour = "red"\n')
    code, found = examined("--api", wrong, "--collector", servers.collector())
    assert code == 1
    assert "port = 99999" in failures(found)["settings", "api"] or "colour" in failures(found)["settings", "api"]
    assert found[BROKER, "access list"]["level"] == "ok"


def test_a_broker_that_is_gone(servers: Servers) -> None:
    code, found = examined("--collector", servers.collector(broker=f"port = {free_port()}"))
    assert code == 1
    assert [name for area, name in failures(found) if area == BROKER] == ["reach"], "nothing more is tried"


def test_a_wrong_password(servers: Servers) -> None:
    told = f'port = {servers.port}\nusername = "collector"\npassword = "secret-of-another"'
    _, found = examined("--collector", servers.collector(broker=told))
    assert "refuses: Not authorized" in failures(found)[BROKER, "connect"]


def test_an_access_list_that_lets_the_collector_hear_nobody(servers: Servers) -> None:
    told = f'port = {servers.port}\nusername = "weak"\npassword = "secret-weak"'
    _, found = examined("--collector", servers.collector(broker=told))
    assert (BROKER, "access list") in failures(found)
    assert "read spBv1.0/#" in found[BROKER, "access list"]["remedy"]


@pytest.mark.parametrize(
    ("more", "name", "said", "remedy"),
    [
        ('ca = "{ca}"\nhost = "localhost"', None, "", ""),
        ('ca = "{ca}"\nhost = "127.0.0.1"', "TLS", "IP address mismatch", "must name '127.0.0.1'"),
        ('tls = true\nhost = "localhost"', "TLS", "self-signed certificate", "broker.ca"),
        ('ca = "{ca}"\nhost = "localhost"\nport = {plain}', "TLS", "", "speaks TLS"),
    ],
)
def test_tls(servers: Servers, more: str, name: str | None, said: str, remedy: str) -> None:
    port = "" if "port" in more else f"port = {servers.secure}\n"
    account = 'username = "collector"\npassword = "secret-collector"\n'
    told = port + account + more.format(ca=servers.ca, plain=servers.port)
    _, found = examined("--collector", servers.collector(broker=told))
    if name is None:
        assert not {key for key in failures(found) if key[0] == BROKER}
        assert found[BROKER, "broker's certificate"]["level"] == "warning", "it ends in ten days"
        assert found["certificates", "collector broker ca"]["level"] == "warning"
    else:
        assert said in failures(found)[BROKER, name]
        assert remedy in found[BROKER, name]["remedy"]


def test_a_store_that_is_gone_and_a_journal_that_is_none(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"nonsense" * 1000)
    influx = f'url = "http://127.0.0.1:{free_port()}"'
    _, found = examined("--collector", servers.collector(data=str(tmp_path), influx=influx))
    assert set(failures(found)) == {("journal", "file"), (STORE, "InfluxDB")}


def test_a_service_that_does_not_run(servers: Servers, tmp_path: Path) -> None:
    told = f'data_dir = "{tmp_path}"\nport = {free_port()}\ninflux_url = "{servers.influx}"\n'
    told += f'[broker]\nport = {servers.port}\nusername = "api"\npassword = "secret-api"\n'
    file = tmp_path / "api.toml"
    file.write_text(told)
    command("storage", "init", "--config", servers.collector())
    _, found = examined("--api", file)
    assert set(failures(found)) == {("service", "reach")}
    assert found["broker, as the service", "access list"]["level"] == "ok"
    assert found["store, as the service", "history"]["level"] == "ok"


def test_a_unit_s_agent(servers: Servers, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("secret-mn-01")
    file = tmp_path / "mn-01.toml"
    text = (ROOT / "deploy/units/mn-01.toml").read_text("utf-8")
    head, _, rest = text.partition("[[uplink]]")
    tail = rest.partition("\n[")[2]
    uplink = f'port = {servers.port}\nusername = "mn-01"\npassword_file = "{secret}"\n'
    file.write_text(f"{head}[[uplink]]\n{uplink}\n[{tail}")
    code, found = examined("--agent", file)
    assert (code, failures(found)) == (0, {})
    assert found["broker, as the unit mn-01", "access list"]["level"] == "note"
    secret.write_text("secret-wrong")
    assert examined("--agent", file)[0] == 1
