"""Real servers for the tests: started on loopback, found on PATH, skipped honestly where missing."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_S = 30.0


# Below the ports that connections get by themselves, and each worker has some of its own: between asking for a port
# and listening on it nobody else takes it.
_PORTS = range(12_000, 32_000)
_SHARE = 2_000


def _own_ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _PORTS.start + _SHARE * (worker % (len(_PORTS) // _SHARE))
    # Not from the beginning: another run on this machine may have begun there.
    at = secrets.randbelow(_SHARE)
    while True:
        yield first + at
        at = (at + 1) % _SHARE


_own = _own_ports()


def free_port(together: int = 1) -> int:
    """Return a loopback port that nobody listens on; the first of so many in a row."""
    run: list[int] = []
    while len(run) < together:
        port = next(_own)
        with socket.socket() as probe:
            # As servers do: what closed a moment ago is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                run = []
                continue
        run = [*run, port] if run and run[-1] + 1 == port else [port]
    return run[0]


def listens(port: int) -> bool:
    """Say whether somebody listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is missing, fail where nothing may skip."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found:
        return found
    if os.environ.get("OREWATCH_CI") == "1":
        pytest.fail(f"{name} is not installed, and nothing may skip here")
    pytest.skip(f"{name} is not installed")


def recordings() -> Path:
    """Return the folder of real recordings; skip where there is none."""
    folder = os.environ.get("OREWATCH_RECORDINGS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no recordings: OREWATCH_RECORDINGS names no folder")
    return Path(folder)


@dataclass(frozen=True)
class Broker:
    host: str
    port: int


@contextmanager
def _running(command: Sequence[str], *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        # Signals as we have them: a process bounded in its files must get errors, not be ended by SIGXFSZ.
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, restore_signals=False
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"no answer on port {port}: {log.read_text(errors='replace')[-2000:]}")


def _await_http(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a loopback address of our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"no answer at {url}: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running_mosquitto(folder: Path, port: int | None = None) -> Iterator[Broker]:
    """Run a Mosquitto with raised, bounded queues."""
    path = program("mosquitto")
    port = port or free_port()
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 100000\nmax_inflight_messages 1000\nmax_queued_bytes 268435456\nset_tcp_nodelay true\n"
    )
    log = folder / f"mosquitto-{port}.log"
    with _running([path, "-c", str(config)], log=log) as process:
        _await_port(process, port, log)
        yield Broker("127.0.0.1", port)


@contextmanager
def running_influxd(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run an InfluxDB 1.6 and give its URL."""
    with influxd_process(folder, port) as (url, _):
        yield url


@contextmanager
def influxd_process(
    folder: Path, port: int | None = None, *, file_bytes: int | None = None, with_accounts: bool = False
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run an InfluxDB 1.6 and give its URL and process.

    ``file_bytes``: no file of it can grow beyond that, as on a disk that is full. ``with_accounts``: it asks for names.
    """
    path = program("influxd")
    port = port or free_port()
    home = folder / f"influx-{port}"
    home.mkdir(exist_ok=True)
    config = home / "influxdb.conf"
    hasty = "" if file_bytes is None else 'write-timeout = "200ms"'
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
        f'[meta]\ndir = "{home}/meta"\n[data]\ndir = "{home}/data"\nwal-dir = "{home}/wal"\n'
        f"query-log-enabled = false\n[coordinator]\n{hasty}\n"
        f'[monitor]\nstore-enabled = false\n[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        f"max-row-limit = 0\nauth-enabled = {str(with_accounts).lower()}\n"
    )
    log = home / "log"
    bounds = [] if file_bytes is None else [program("prlimit"), f"--fsize={file_bytes}:unlimited"]
    with _running([*bounds, path, "-config", str(config)], log=log) as process:
        _await_http(process, f"http://127.0.0.1:{port}/ping", log)
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def running_victoria_metrics(folder: Path) -> Iterator[str]:
    """Run a VictoriaMetrics and give its URL."""
    path = program("victoria-metrics")
    port = free_port()
    log = folder / "victoria.log"
    command = [
        path,
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'victoria'}",
        "-search.latencyOffset=0s",
        "-retentionPeriod=100y",
    ]
    with _running(command, log=log) as process:
        _await_http(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}"
