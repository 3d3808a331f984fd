"""Our collector and our agent beside an edge node of another make: npm's sparkplug-client 3.2.4.

Set OREWATCH_SPARKPLUG_CLIENT to a folder with its node_modules:
``npm install sparkplug-client@3.2.4 sparkplug-payload@1.0.3`` there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orewatch.storage.registry import CounterKey, Registry
from tests.servers import running_mosquitto
from tests.system.processes import Command
from tests.system.wire_peers import UNIT_TOML, Plc, turning
from tests.system.wire_relay import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker

GROUP, PEER = "peers", "npm-01"
SCRIPT = Path(__file__).parent / "sparkplug_peer.js"


@pytest.fixture(scope="module")
def modules() -> Path:
    folder = os.environ.get("OREWATCH_SPARKPLUG_CLIENT")
    if not folder or not shutil.which("node"):
        pytest.skip("no foreign peer: OREWATCH_SPARKPLUG_CLIENT names no folder, or node is not installed")
    return Path(folder) / "node_modules"


class Said:
    """What the peer wrote so far."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def lines(self, event: str) -> list[dict[str, Any]]:
        text = self._log.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [line for line in map(json.loads, whole) if line["event"] == event]

    def read(self, topic: str) -> list[dict[str, Any]]:
        return [line for line in self.lines("read") if line["topic"] == topic]


@contextmanager
def peer(modules: Path, folder: Path, broker: Broker) -> Iterator[tuple[subprocess.Popen[bytes], Said]]:
    log = folder / "peer.jsonl"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["node", str(SCRIPT), f"mqtt://{broker.host}:{broker.port}", GROUP, PEER],
            env={**os.environ, "NODE_PATH": str(modules)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, Said(log)
    finally:
        process.kill()
        process.wait(10)


def counters(journal: Path) -> dict[CounterKey, int]:
    registry = Registry.open(journal, read_only=True)
    found = registry.counters()
    registry.close()
    return found


def test_the_collector_records_a_foreign_node_and_brings_it_to_rebirth(modules: Path, tmp_path: Path) -> None:
    journal = tmp_path / "data" / "journal.db"
    with running_mosquitto(tmp_path) as broker, peer(modules, tmp_path, broker) as (process, said):
        file = tmp_path / "collector.toml"
        file.write_text(f'data_dir = "{tmp_path}/data"\n[broker]\nport = {broker.port}\n')
        until(lambda: said.lines("born"), what="the peer's birth")
        # It was born before we came, so its DATA comes before any BIRTH we know.
        with Command("collector", ["collector", "--config", str(file)], folder=tmp_path) as collector:
            until(lambda: len(said.lines("born")) == 2, 20, "a rebirth of the peer")
            data = len(said.read(f"spBv1.0/{GROUP}/DDATA/{PEER}/pump"))
            until(lambda: len(said.read(f"spBv1.0/{GROUP}/DDATA/{PEER}/pump")) > data + 270, 30, "seq going round")
            process.terminate()
            process.wait(10)
            assert collector.stop() == 0
        assert len(said.lines("born")) == 2
        assert not said.lines("unreadable")
    totals = counters(journal)
    assert totals[CounterKey(PEER, "plain_values")] > 1000
    assert totals[CounterKey(PEER, "deaths")] == 1
    assert {key.reason for key in totals if key.unit == PEER and key.name == "rejected"} == {"before_birth"}


def test_a_foreign_reader_understands_our_agent(modules: Path, tmp_path: Path) -> None:
    mill, belt = Plc(turning), Plc(turning)
    with running_mosquitto(tmp_path) as broker, peer(modules, tmp_path, broker) as (_, said):
        until(lambda: said.lines("reading"), what="the peer's subscription")
        file = tmp_path / "cu-01.toml"
        ports = {"broker": broker.port, "mill": mill.port, "belt": belt.port}
        file.write_text(UNIT_TOML.format(rate=0.2, group=GROUP, uplink="", **ports))
        with Command("agent", ["agent", "--config", str(file)], folder=tmp_path) as agent:
            until(lambda: len(said.read(f"spBv1.0/{GROUP}/DDATA/cu-01/mill")) > 3, what="our data")
            assert agent.stop() == 0
        until(lambda: said.read(f"spBv1.0/{GROUP}/NDEATH/cu-01"), 5, "our NDEATH")
        mill.stop()
        belt.stop()
        birth = {m["name"]: m for m in said.read(f"spBv1.0/{GROUP}/NBIRTH/cu-01")[0]["metrics"]}
        device = {m["name"]: m for m in said.read(f"spBv1.0/{GROUP}/DBIRTH/cu-01/mill")[0]["metrics"]}
        death = said.read(f"spBv1.0/{GROUP}/NDEATH/cu-01")[0]
        assert not said.lines("unreadable")
    assert birth["bdSeq"]["value"] == 0
    assert (birth["Node Control/Rebirth"]["type"], birth["Node Control/Rebirth"]["value"]) == ("Boolean", False)
    assert (device["power"]["type"], device["running"]["type"]) == ("Double", "Boolean")
    assert [(m["name"], m["value"]) for m in death["metrics"]] == [("bdSeq", 0)]
