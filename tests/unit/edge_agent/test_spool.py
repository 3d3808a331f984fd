from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.spool_file import SpoolError
from orewatch.telemetry.block import read_header
from orewatch.telemetry.schema import Schema
from tests.unit.edge_agent.edge_parts import SCHEMA, T0, UNIT, instant, opened, rows, rows_of, stretch

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path


def test_scans_come_out_as_blocks_each_exactly_once(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", block_seconds=60)
    put = []
    for second in range(150):
        scans = instant(T0 + 1000 * second)
        put += scans
        assert spool.append(scans, T0 + 1000 * second)
    assert spool.seal_due(T0 + 150_000, force=True)
    blocks = spool.pending("main")
    assert rows_of(blocks) == rows(put)
    assert [b.number for b in blocks] == [1, 2, 3]
    assert all(b.last_ms - b.first_ms < 60_000 for b in blocks)
    assert read_header(blocks[0].data).spool == spool.uuid
    spool.close()


def test_what_was_open_at_the_end_is_sealed_at_the_next_start(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    spool.append(instant(T0), T0)
    assert spool.pending("main") == []
    identity = spool.uuid
    spool.close()
    again = opened(tmp_path / "s.db")
    assert again.uuid == identity
    assert rows_of(again.pending("main")) == rows(instant(T0))
    again.close()
    # A third start finds nothing left over.
    third = opened(tmp_path / "s.db")
    assert len(third.pending("main")) == 1
    third.close()


def test_a_changed_schema_or_place_leaves_old_scans_as_they_were(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    spool.append(instant(T0), T0)
    spool.close()
    new = Schema(SCHEMA.groups[:-1])
    moved = opened(tmp_path / "s.db", schema=new, unit=replace(UNIT, site="Elsewhere"))
    (block,) = moved.pending("main")
    head = read_header(block.data)
    assert (head.site, head.schema, block.schema) == ("Nakhlak", SCHEMA.hash, SCHEMA.hash)
    assert moved.schemas_in_use() == [new.text, SCHEMA.text]
    assert moved.schema_named(SCHEMA.hash) == SCHEMA
    moved.append(instant(T0 + 1000, schema=new), T0 + 1000)
    moved.seal_due(0, force=True)
    assert read_header(moved.pending("main", after=block.number)[0].data).site == "Elsewhere"
    moved.acknowledge("main", [(block.number, block.number)])
    assert moved.schemas_in_use() == [new.text]
    moved.close()


def test_a_block_goes_when_every_uplink_has_it(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", uplinks=["centre", "site"], block_seconds=1)
    for second in range(5):
        spool.append(instant(T0 + 1000 * second), T0 + 1000 * second)
    assert [b.number for b in spool.pending("centre")] == [1, 2, 3, 4]
    assert spool.acknowledge("centre", [(1, 2), (4, 4)]) == 3
    assert [b.number for b in spool.pending("centre")] == [3]
    assert [b.number for b in spool.pending("site")] == [1, 2, 3, 4]
    assert (spool.depth("centre"), spool.depth("site")) == (1, 4)
    assert spool.acknowledge("centre", [(1, 2)]) == 0
    spool.acknowledge("site", [(1, 4)])
    assert (spool.depth("centre"), spool.depth("site")) == (1, 0)
    spool.close()
    again = opened(tmp_path / "s.db", uplinks=["centre", "site"])
    assert next(b.number for b in again.pending("centre")) == 3
    again.close()


def test_numbers_never_handed_out_cannot_be_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", block_seconds=1)
    for second in range(5):
        spool.append(instant(T0 + 1000 * second), T0 + 1000 * second)
    assert [b.number for b in spool.pending("main", limit=2)] == [1, 2]
    assert spool.acknowledge("main", [(1, 2**62)]) == 2
    assert [b.number for b in spool.pending("main")] == [3, 4]
    spool.close()


def test_numbers_are_not_used_again_after_everything_was_delivered(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    spool.append(instant(T0), T0)
    spool.seal_due(0, force=True)
    assert [b.number for b in spool.pending("main")] == [1]
    spool.acknowledge("main", [(1, 1)])
    spool.close()
    again = opened(tmp_path / "s.db")
    again.append(instant(T0 + 1), T0)
    again.seal_due(0, force=True)
    assert [b.number for b in again.pending("main")] == [2]
    again.close()


def test_a_new_uplink_is_owed_what_waits(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    spool.append(instant(T0), T0)
    spool.close()
    both = opened(tmp_path / "s.db", uplinks=["main", "site"])
    assert both.depth("site") == both.depth("main") == 1
    both.close()
    # Configured once more, it is not owed again what it has.
    both = opened(tmp_path / "s.db", uplinks=["main", "site"])
    both.pending("site")
    both.acknowledge("site", [(1, 1)])
    both.close()
    both = opened(tmp_path / "s.db", uplinks=["main", "site"])
    assert (both.depth("site"), both.depth("main")) == (0, 1)
    both.close()


def test_session_numbers_and_aliases_outlive_restarts(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", uplinks=["a", "b"])
    assert spool.bd_seq("a") is None
    spool.set_bd_seq("a", 255)
    assert spool.aliases(["x", "y"]) == {"x": 1, "y": 2}
    spool.close()
    again = opened(tmp_path / "s.db", uplinks=["a", "b"])
    assert (again.bd_seq("a"), again.bd_seq("b")) == (255, None)
    # x is gone from the unit: its number stays its own.
    assert again.aliases(["z", "y"]) == {"z": 3, "y": 2}
    again.close()


def test_a_second_agent_and_another_unit_are_refused(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    with pytest.raises(SpoolError, match="in use by another agent"):
        opened(tmp_path / "s.db")
    spool.close()
    with pytest.raises(SpoolError, match="belongs to unit 'pb-01', not 'zn-01'"):
        opened(tmp_path / "s.db", unit=replace(UNIT, id="zn-01"))
    opened(tmp_path / "s.db").close()


def test_a_day_in_one_batch_is_cut_into_blocks(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", block_seconds=60)
    spool.append(instant(T0 - 1000), T0 - 1000)
    day = stretch(T0, 3600)
    spool.append(day, T0 + 3_600_000)
    spool.seal_due(0, force=True)
    blocks = spool.pending("main", limit=1000)
    assert rows_of(blocks) == rows([*instant(T0 - 1000), *day])
    assert len(blocks) >= 60
    assert all(b.last_ms - b.first_ms < 60_000 for b in blocks)
    assert max(len(b.data) for b in blocks) < 2 * 4096
    spool.close()


def test_a_clock_set_back_ends_the_block(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db")
    for time_ms in (T0, T0 + 1000, T0 - 3_600_000, T0 - 3_599_000):
        spool.append(instant(time_ms), time_ms)
    (first,) = spool.pending("main")
    assert (first.first_ms, first.last_ms) == (T0, T0 + 1000)
    # And where nothing more comes, the open scans are sealed though they look younger than now.
    assert spool.seal_due(T0 - 4_000_000)
    assert len(spool.pending("main")) == 2
    spool.close()


def test_delivered_blocks_are_kept_within_bounds_and_sent_again_on_request(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s.db", block_seconds=1, keep_bytes=3500)
    for second in range(30):
        spool.append(instant(T0 + 1000 * second), T0 + 1000 * second)
    sealed = spool.pending("main")
    spool.acknowledge("main", [(1, 29)])
    assert spool.depth("main") == 0
    came_back = spool.owe_again("main", 0, T0 * 2)
    again = spool.pending("main")
    assert came_back == len(again)
    assert 0 < len(again) < 29
    assert again == sealed[-len(again) :]
    assert sum(len(b.data) for b in again) <= 3500
    spool.close()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(-3000, 200_000), st.integers(1, 90)), min_size=1, max_size=8))
def test_whatever_is_appended_comes_out_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, int]]
) -> None:
    spool = opened(tmp_path_factory.mktemp("spool") / "s.db", block_seconds=20, block_bytes=1000)
    put = []
    for start, count in batches:
        scans = stretch(T0 + start, count, 700)
        put += scans
        spool.append(scans, T0 + start)
    spool.seal_due(0, force=True)
    found: Counter[tuple[int, int, tuple[int, ...]]] = rows_of(spool.pending("main", limit=10_000))
    spool.close()
    assert found == rows(put)
