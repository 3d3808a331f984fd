"""The oracle: whatever was killed, both stores hold what the agents journaled; missing 0, twice 0, wrong 0."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.simulator.unit_files import demo_units, unit_toml
from edge_agent.spool import Spool
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.journal import Journal
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import decode_block
from orewatch.telemetry.scan import Quality, physical
from orewatch.telemetry.schema import schema_of
from tests.servers import free_port
from tests.system.processes import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema
    from tests.servers import Broker

CHAOS_S = float(os.environ.get("OREWATCH_ORACLE_S", "30"))
SETTLE_S = 60.0
UNITS = demo_units(2)

Values = dict["SignalRef", dict[int, float]]


def read(scans: Iterable[Scans], schema: Schema, until_ms: int, into: Values) -> int:
    """Add the GOOD values of ``scans`` to ``into``; return how many stood there already."""
    twice = 0
    for part in scans:
        group = schema.groups[part.group]
        values = physical(group, part.steps)
        for column, ref in enumerate(group.refs()):
            series = into.setdefault(ref, {})
            for row, at in enumerate(part.time_ms.tolist()):
                if at > until_ms or (part.quality is not None and part.quality[row, column] != Quality.GOOD):
                    continue
                twice += at in series
                series[at] = float(values[row, column])
    return twice


@dataclass
class Verdict:
    """What a store holds of what was journaled."""

    values: int = 0
    missing: int = 0
    twice: int = 0
    wrong: int = 0


def judge(truth: Values, found: Values, twice: int = 0) -> Verdict:
    verdict = Verdict(twice=twice)
    for ref, series in truth.items():
        held = found.get(ref, {})
        verdict.values += len(series)
        verdict.missing += len(series.keys() - held.keys())
        # What was never journaled at the edge is wrong too.
        verdict.wrong += len(held.keys() - series.keys())
        verdict.wrong += sum(held[at] != value for at, value in series.items() if at in held)
    return verdict


def from_store(store: HistoryStore, unit: Unit, until_ms: int) -> tuple[Values, int]:
    found: Values = {}
    twice = 0
    refs = [ref for ref, _ in unit.signals()]
    for ref, series in store.many(unit.id, refs, 0, until_ms + 1).items():
        found[ref] = dict(zip(series.time_ms.tolist(), series.values.tolist(), strict=True))
        twice += len(series.time_ms) - len(np.unique(series.time_ms))
    return found, twice


def journaled_twice(journal: Path, unit: Unit, until_ms: int) -> int:
    """Count values that stand in more than one block of the journal."""
    schema = schema_of(unit)
    opened = Journal.open(journal, read_only=True)
    try:
        blocks = [b for b in opened.blocks(0, 1_000_000) if b.header.unit == unit.id]
        into: Values = {}
        return sum(read(decode_block(b.data, schema), schema, until_ms, into) for b in blocks)
    finally:
        opened.close()


def delivered(spool: Path, until_ms: int) -> bool:
    """Say whether every block with scans up to ``until_ms`` was acknowledged."""
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True, timeout=10)) as db:
        owed = "SELECT count(*) FROM owed JOIN blocks USING (number) WHERE first_ms <= ?"
        return not db.execute(owed, (until_ms,)).fetchone()[0]


def ledger(spool: Path, unit: Unit, until_ms: int) -> Values:
    """Return what the agent journaled, read back from its spool, which keeps what was acknowledged."""
    schema = schema_of(unit)
    opened = Spool.open(spool, unit=unit, schema=schema, keep_bytes=2**30)
    truth: Values = {}
    try:
        opened.owe_again("main", 0, 2**62)
        after = 0
        while blocks := opened.pending("main", after=after, limit=500):
            after = blocks[-1].number
            twice = sum(read(decode_block(b.data, schema), schema, until_ms, truth) for b in blocks)
            assert twice == 0, f"{unit.id}: {twice} values stand in two blocks of the spool"
    finally:
        opened.close()
    return truth


def wait_for(what: str, condition: Callable[[], bool], seconds: float = SETTLE_S) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"{what}: not within {seconds:.0f} s")


def kill_and_restart(processes: list[Command], dice: random.Random) -> None:
    """Kill one after the other at random points: each once, in any order, before anyone again."""
    order: list[Command] = []
    end = time.monotonic() + CHAOS_S
    while time.monotonic() < end or order:
        time.sleep(dice.uniform(0.3, 2.5))
        order = order or dice.sample(processes, len(processes))
        victim = order.pop()
        assert victim.running, f"{victim.name} ended by itself: {victim.said()[-2000:]}"
        victim.kill()
        time.sleep(dice.uniform(0.0, 0.5))
        victim.start()


@pytest.mark.timeout(300)
def test_nothing_is_missing_twice_or_wrong_after_kills(tmp_path: Path, mosquitto: Broker, influxd: str) -> None:
    seed = int(os.environ.get("OREWATCH_ORACLE_SEED", str(random.randrange(10**6))))  # noqa: S311 - not a secret
    print(f"OREWATCH_ORACLE_SEED={seed}")  # noqa: T201 - repeats a failure
    dice = random.Random(seed)  # noqa: S311 - as above
    first_plc = free_port(together=len(UNITS))
    database = f"oracle{seed}"
    for number, unit in enumerate(UNITS):
        text = unit_toml(
            unit,
            plc_port=first_plc + number,
            broker_port=mosquitto.port,
            spool=tmp_path / f"{unit.id}.db",
            group="oracle",
        )
        text = text.replace("block_seconds = 60", "block_seconds = 2\nkeep_acknowledged_mb = 256")
        text = text.replace("[[uplink]]\n", "[[uplink]]\nresend_s = 2.0\n")
        (tmp_path / f"{unit.id}.toml").write_text(text)
    store_environ = {
        "OREWATCH_COLLECTOR_DATA_DIR": str(tmp_path),
        "OREWATCH_COLLECTOR_GROUPS": "oracle",
        "OREWATCH_COLLECTOR_BROKER__PORT": str(mosquitto.port),
        "OREWATCH_COLLECTOR_INFLUX__URL": influxd,
        "OREWATCH_COLLECTOR_INFLUX__BUCKET": database,
    }
    api_environ = {
        "OREWATCH_API_DATA_DIR": str(tmp_path),
        "OREWATCH_API_PORT": str(free_port()),
        "OREWATCH_API_BROKER__PORT": str(mosquitto.port),
    }
    with ExitStack() as stack:
        stack.enter_context(
            Command("simulate", ["simulate", "--units", "2", "--port", str(first_plc)], folder=tmp_path)
        )
        collector = stack.enter_context(Command("collector", ["collector"], folder=tmp_path, environ=store_environ))
        agents = [
            stack.enter_context(
                Command(f"agent-{u.id}", ["agent", "--config", str(tmp_path / f"{u.id}.toml")], folder=tmp_path)
            )
            for u in UNITS
        ]
        service = stack.enter_context(Command("api", ["api"], folder=tmp_path, environ=api_environ))
        kill_and_restart([collector, *agents, service], dice)
        time.sleep(3)
        until_ms = time.time_ns() // 1_000_000
        for unit in UNITS:
            spool = tmp_path / f"{unit.id}.db"
            wait_for(f"{unit.id}: scans after the kills", partial(sealed_after, spool, until_ms))
            wait_for(f"{unit.id}: delivery", partial(delivered, spool, until_ms))
        for agent in agents:
            assert agent.stop() == 0, agent.said()[-2000:]
        journal = tmp_path / "journal.db"
        wait_for("projection into InfluxDB", lambda: projected(journal))
        assert service.running, service.said()[-2000:]
    embedded = EmbeddedStore.open(journal)
    server = InfluxServer(target=InfluxTarget(url=influxd, database=database))
    influx = InfluxStore(server=server)
    try:
        for unit in UNITS:
            truth = ledger(tmp_path / f"{unit.id}.db", unit, until_ms)
            for name, store in (("embedded", embedded), ("influxdb", influx)):
                found, twice = from_store(store, unit, until_ms)
                verdict = judge(truth, found, twice + journaled_twice(journal, unit, until_ms))
                print(f"{unit.id} {name}: {verdict}")  # noqa: T201 - the figures
                assert verdict.values > CHAOS_S * 5
                assert (verdict.missing, verdict.twice, verdict.wrong) == (0, 0, 0), f"{unit.id} {name}: {verdict}"
    finally:
        embedded.close()
        server.close()


def sealed_after(spool: Path, until_ms: int) -> bool:
    """Say whether a block was sealed that begins after ``until_ms``: every older scan is then in a block."""
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True, timeout=10)) as db:
        return bool(db.execute("SELECT count(*) FROM blocks WHERE first_ms > ?", (until_ms,)).fetchone()[0])


def projected(journal: Path) -> bool:
    """Say whether every projection has come to the journal's end."""
    opened = Journal.open(journal, read_only=True)
    try:
        last = opened.newest_position()
        positions = opened.positions()
        return len(positions) > 1 and all(position >= last for position in positions.values())
    finally:
        opened.close()
