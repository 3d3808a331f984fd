"""A disk that refuses or cannot be read, and blocks that must not outgrow what a collector takes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.commands import Resend
from edge_agent.record_pump import RecordPump
from edge_agent.settings import UplinkSettings
from edge_agent.spool_file import SpoolError
from edge_agent.spool_pace import MAX_VALUES
from orewatch.sparkplug.payload import MAX_PAYLOAD_BYTES
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.unit.edge_agent.edge_parts import SMALL, T0, UNIT, opened, rows, rows_of, stretch

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.spool import Spool

LOSSLESS = Schema((ScanGroup("node", "own", 1.0, tuple(Column(f"m{i}", "1", None) for i in range(50))),))


class Session:
    born = True

    def data(self, *_: object) -> tuple[()]:
        return ()


class Link:
    connected = True
    queued_bytes = 0

    def perform(self, _: object) -> bool:
        return True


def pump_of(spool: Spool) -> RecordPump:
    return RecordPump(
        settings=UplinkSettings(),
        unit=UNIT,
        spool=spool,
        session=Session(),  # type: ignore[arg-type]
        link=Link(),  # type: ignore[arg-type]
        now_ms=lambda: T0,
        monotonic_ms=lambda: 0,
        counters=Counter(),
    )


def fill_the_disk(spool: Spool) -> None:
    (pages,) = spool._file.db.execute("PRAGMA page_count").fetchone()
    spool._file.db.execute(f"PRAGMA max_page_count = {pages}")


def test_a_resend_that_the_disk_refuses_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", schema=SMALL, keep_bytes=10**9, block_seconds=1)
    spool.append(stretch(T0, 3000, schema=SMALL), T0)
    spool.seal_due(0, force=True)
    while blocks := spool.pending("main", limit=1000):
        spool.acknowledge("main", [(blocks[0].number, blocks[-1].number)])
    spool._file.db.execute("VACUUM")
    fill_the_disk(spool)
    assert spool.owe_again("main", 0, 2**62) == 0
    assert spool.failures == {"SQLITE_FULL": 1}
    spool._file.db.execute("PRAGMA max_page_count = 1000000")
    assert spool.owe_again("main", 0, 2**62) > 1000
    spool.close()


async def test_a_disk_that_cannot_be_read_is_told_and_the_lane_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path / "s.db", schema=SMALL)
    pump = pump_of(spool)

    def broken(*_: object) -> list[object]:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(spool._room, "owed", broken)
        with pytest.raises(SpoolError, match=r"s\.db: disk I/O error"):
            spool.pending("main")
        task = asyncio.create_task(pump.run())
        while not pump._counters["spool_unreadable"]:
            await asyncio.sleep(0.01)
            pump.wake()
    pump.order(Resend("orewatch", 0, T0))
    while pump._orders:  # noqa: ASYNC110 - what is awaited has no event
        await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    assert sum("disk I/O error" in r.getMessage() for r in caplog.records) == 1
    spool.close()


def test_even_noise_makes_no_block_that_a_host_refuses(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", schema=LOSSLESS, block_bytes=1_000_000, block_seconds=86_400)
    random = np.random.default_rng(1)
    put = []
    for minute in range(60):
        times = T0 + 60_000 * minute + 1000 * np.arange(60)
        scans = [Scans(0, times, random.integers(-(2**62), 2**62, (60, 50)))]
        assert spool.append(scans, T0)
        put += scans
    spool.seal_due(0, force=True)
    blocks = spool.pending("main", limit=1000)
    assert len(blocks) >= 60 * 60 * 50 // MAX_VALUES
    assert max(len(b.data) for b in blocks) < MAX_PAYLOAD_BYTES // 2
    assert rows_of(blocks, LOSSLESS) == rows(put)
    spool.close()


def test_what_is_owed_is_looked_up_and_never_read_through(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", schema=SMALL, block_seconds=1)
    spool.append(stretch(T0, 100, schema=SMALL), T0)
    spool.pending("main", limit=100)
    asked: list[str] = []
    db = spool._file.db
    db.set_trace_callback(asked.append)
    assert spool.acknowledge("main", [(1, 50)]) == 50
    assert spool._room._unowed("") is None
    db.set_trace_callback(None)
    plans = [row[3] for sql in asked if "owed" in sql for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert plans
    assert not [line for line in plans if line.startswith("SCAN owed")]
    spool.close()
