"""``orewatch api`` as people start and stop it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from api.alerting.database import AlertDatabase
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "orewatch", "api"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("OREWATCH_API_")}
    return {**own, "OREWATCH_API_DATA_DIR": str(folder), **{f"OREWATCH_API_{k}": v for k, v in more.items()}}


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    more = {"PORT": str(port), "BROKER__PORT": str(free_port())}
    process = subprocess.Popen(COMMAND, env=environment(folder, **more), stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def answers(port: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise TimeoutError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_without_a_broker_and_stops_in_good_order(tmp_path: Path, number: int) -> None:
    port = free_port()
    with running(tmp_path, port) as process:
        answers(port)
        time.sleep(1.2)
        process.send_signal(number)
        assert process.wait(10) == 0, process.stderr and process.stderr.read().decode()
    database = AlertDatabase.open(tmp_path / "alerts.db")
    assert list(database.carries()) == [""], "its memory is kept"
    database.close()


def test_starts_again_after_a_kill(tmp_path: Path) -> None:
    for _ in range(2):
        port = free_port()
        with running(tmp_path, port) as process:
            answers(port)
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"HOST": "0.0.0.0"}, "token"),
        ({"PORT": "99999"}, "PORT"),
        ({"COLOUR": "red"}, "OREWATCH_API_COLOUR"),
        ({"TOKEN_FILE": "/nowhere/token"}, "OREWATCH_API_TOKEN_FILE"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, more: dict[str, str], said: str) -> None:
    done = subprocess.run(COMMAND, env=environment(tmp_path, **more), capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            COMMAND, env=environment(tmp_path, PORT=port), capture_output=True, timeout=30, check=False
        )
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr.decode()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"DATA_DIR": "/proc/nowhere"}, "data_dir = '/proc/nowhere'"),
        ({"NOTIFY": "json://localhost/ nonsense://hushhush"}, "notify: number 2"),
        ({"HOST": "0.0.0.0"}, "set a token"),
        ({"IDLE_AFTER_S": "30"}, "idle_after_s = '30'"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(tmp_path: Path, more: dict[str, str], said: str) -> None:
    ended = subprocess.run(
        COMMAND, env=environment(tmp_path, **more), capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hushhush" not in ended.stderr + ended.stdout


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_text("not a database at all, really not one" * 20)
    ended = subprocess.run(COMMAND, env=environment(tmp_path), capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "file is not a database" in ended.stderr
    assert "Traceback" not in ended.stderr
