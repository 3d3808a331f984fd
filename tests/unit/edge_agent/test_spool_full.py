from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent import spool as spool_module
from edge_agent.spool_file import SpoolError
from orewatch.telemetry.block import decode_block
from tests.unit.edge_agent.edge_parts import SMALL, T0, instant, opened, rows, rows_of, stretch

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.spool import Spool
    from orewatch.telemetry.scan import Scans

MAX = 60_000


def _filled(path: Path, minutes: int, **options: int) -> tuple[Spool, list[Scans]]:
    spool = opened(path, schema=SMALL, max_bytes=MAX, block_seconds=60, **options)
    put = stretch(T0, 60 * minutes, schema=SMALL)
    spool.append(put, T0)
    spool.seal_due(0, force=True)
    return spool, put


def test_a_full_spool_thins_the_oldest_first_and_keeps_totals(tmp_path: Path) -> None:
    spool, put = _filled(tmp_path / "s.db", 180)
    blocks = spool.pending("main", limit=1000)
    found = rows_of(blocks, SMALL)
    assert found <= rows(put)
    dropped = spool.dropped()
    assert set(dropped) == {"thinned"}
    assert dropped["thinned"] == sum(rows(put).values()) - sum(found.values()) > 0
    assert spool._room.used_bytes <= MAX
    # Totals are all there; the newest block is whole, the oldest is not.
    assert sum(n for (group, *_), n in found.items() if group == 2) == 180 * 60
    first, last = (decode_block(b.data, SMALL) for b in (blocks[0], blocks[-1]))
    assert [len(s) for s in last] == [60, 60, 60]
    assert len(first[0]) < 60
    spool.close()


def test_when_thinning_is_not_enough_the_oldest_blocks_go(tmp_path: Path) -> None:
    spool, put = _filled(tmp_path / "s.db", 900)
    blocks = spool.pending("main", limit=2000)
    found = rows_of(blocks, SMALL)
    dropped = spool.dropped()
    assert set(dropped) == {"thinned", "full"}
    assert sum(dropped.values()) == sum(rows(put).values()) - sum(found.values())
    assert blocks[-1].last_ms == T0 + 60_000 * 900 - 1000
    assert spool._room.used_bytes <= MAX
    assert (tmp_path / "s.db").stat().st_size < 4 * MAX
    spool.close()


def test_blocks_that_were_handed_out_are_never_rewritten(tmp_path: Path) -> None:
    spool, _ = _filled(tmp_path / "s.db", 5)
    handed_out = spool.pending("main")
    for round_ in range(1, 4):
        spool.append(stretch(T0 + round_ * 10**8, 60 * 58, schema=SMALL), T0)
    assert set(spool.dropped()) == {"thinned"}
    assert spool.pending("main", limit=5) == handed_out
    spool.close()


def test_what_only_a_removed_uplink_is_owed_goes_before_detail(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", schema=SMALL, max_bytes=MAX, uplinks=["main", "old"])
    spool.append(stretch(T0, 60 * 20, schema=SMALL), T0)
    spool.seal_due(0, force=True)
    spool.pending("main", limit=100)
    spool.acknowledge("main", [(1, 100)])
    spool.close()
    spool, _ = _filled(tmp_path / "s.db", 110)
    assert spool.dropped()["uplink_removed"] > 0
    spool.close()


def test_a_refusing_disk_is_counted_and_nothing_is_lost_once_it_takes_again(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", block_seconds=5)
    db = spool._file.db
    put = []
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    durable = []
    for second in range(45):
        scans = instant(T0 + 1000 * second)
        put += scans
        durable.append(spool.append(scans, T0 + 1000 * second))
    assert durable[0]
    assert not durable[-1]
    assert spool.failures["SQLITE_FULL"] > 0
    db.execute("PRAGMA max_page_count = 1000000")
    assert spool.append([], T0 + 46_000)
    spool.seal_due(0, force=True)
    assert rows_of(spool.pending("main", limit=100)) == rows(put)
    assert dict(spool.dropped()) == {}
    spool.close()


def test_what_memory_cannot_hold_either_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MAX_UNWRITTEN", 10)
    spool = opened(tmp_path / "s.db")
    db = spool._file.db
    db.execute("PRAGMA max_page_count = 1")
    lost = [instant(T0 + 1000 * second) for second in range(120)]
    durable = [spool.append(scans, T0) for scans in lost]
    refused = durable.count(False)
    assert refused > 10
    assert spool.dropped()["disk"] == (refused - 10) * len(lost[0])
    spool.close()


def test_a_damaged_file_is_put_aside_and_a_new_spool_begun(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    old = spool.uuid
    spool.close()
    (tmp_path / "s.db").write_bytes(b"this is no database at all, " * 400)
    spool = opened(tmp_path / "s.db")
    assert spool.uuid != old
    assert spool.replaced
    assert spool.append(instant(T0), T0)
    spool.close()
    assert len(list(tmp_path.glob("s.db.damaged-*"))) == 1


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="allowed: a path in a writable directory"):
        opened(tmp_path / "file" / "s.db")


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    opened(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    db.close()
    with pytest.raises(SpoolError, match="version '2'; allowed: 1"):
        opened(tmp_path / "s.db")


def test_hours_left_follow_what_is_in_and_what_comes(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", schema=SMALL, max_bytes=MAX)
    assert spool.hours_left() is None
    spool.append(stretch(T0, 60 * 10, schema=SMALL), T0)
    full = spool.hours_left()
    assert full is not None
    size = np.mean([len(b.data) for b in spool.pending("main")])
    assert full == pytest.approx(MAX / (size * 60), rel=0.3)
    spool.append(stretch(T0 + 600_000, 60 * 30, schema=SMALL), T0)
    less = spool.hours_left()
    assert less is not None
    assert less < full - 0.3
    spool.close()
