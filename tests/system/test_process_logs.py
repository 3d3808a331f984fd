"""Every process logs in the form it is told to, and a secret of its settings stands in no line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import free_port, running_mosquitto

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hush-hush-hush"


def run_for(seconds: float, words: list[str], folder: Path, **variables: str) -> tuple[int, list[str]]:
    """Run a command for a while, end it politely; its exit code and what it wrote to standard error."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OREWATCH_")} | variables
    log = folder / "stderr"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "orewatch", *words], env=environment, stderr=out, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None and not log.stat().st_size:
            time.sleep(0.05)
        time.sleep(seconds)
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    return code, log.read_text("utf-8").splitlines()


def told(lines: list[str], process: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in lines]
    for record in records:
        assert {"time", "level", "logger", "process", "message"} <= set(record)
        assert record["process"] == process
        assert datetime.fromisoformat(record["time"]).utcoffset() == datetime.now(UTC).utcoffset()
        assert record["level"] in {"debug", "info", "warning", "error", "critical"}
    return records


def test_the_collector_tells_a_broker_that_refuses_it_in_json(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker:
        variables = {
            "OREWATCH_COLLECTOR_DATA_DIR": str(tmp_path / "data"),
            "OREWATCH_COLLECTOR_BROKER__PORT": str(broker.port + 1 if broker.port < 65_535 else 1),
            "OREWATCH_COLLECTOR_BROKER__PASSWORD": SECRET,
            "OREWATCH_LOG_FORMAT": "json",
        }
        code, lines = run_for(1.0, ["collector"], tmp_path, **variables)
    records = told(lines, "collector")
    assert code == 0
    assert any(r["level"] in {"warning", "error", "info"} for r in records)
    assert SECRET not in "\n".join(lines)


def test_the_api_tells_in_json_by_its_option_and_so_does_its_http_server(tmp_path: Path) -> None:
    variables = {
        "OREWATCH_API_DATA_DIR": str(tmp_path / "data"),
        "OREWATCH_API_PORT": str(free_port()),
        "OREWATCH_API_BROKER__PORT": str(free_port()),
        "OREWATCH_API_TOKEN": SECRET + SECRET,
        "OREWATCH_API_JOURNAL": f"/proc/{SECRET}{SECRET}/journal.db",
    }
    code, lines = run_for(1.5, ["api", "--log-format", "json"], tmp_path, **variables)
    records = told(lines, "api")
    assert code == 0
    assert any("journal" in r["message"] or "/proc/" in r["message"] for r in records)
    assert SECRET not in "\n".join(lines), "even where a message quotes it"


def test_text_stays_for_people(tmp_path: Path) -> None:
    variables = {
        "OREWATCH_API_DATA_DIR": str(tmp_path / "data"),
        "OREWATCH_API_PORT": str(free_port()),
        "OREWATCH_API_BROKER__PORT": str(free_port()),
        "OREWATCH_API_JOURNAL": "/proc/nowhere/journal.db",
    }
    _, lines = run_for(1.0, ["api"], tmp_path, **variables)
    assert any(" WARNING api.stores: no registry" in line for line in lines)


@pytest.mark.parametrize("words", [["api"], ["collector"]])
def test_an_unknown_format_stops_the_start(tmp_path: Path, words: list[str]) -> None:
    variables = {f"OREWATCH_{words[0].upper()}_DATA_DIR": str(tmp_path / "data"), "OREWATCH_LOG_FORMAT": "yaml"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OREWATCH_")} | variables
    done = subprocess.run(
        [sys.executable, "-m", "orewatch", *words], env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "  OREWATCH_LOG_FORMAT: 'yaml'; allowed: text, json" in done.stderr.decode().splitlines()
