"""Projections: each at its own pace, retried without end, repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collector.project import Projector
from orewatch.storage.journal import JournalEntry
from orewatch.storage.progress import Progress
from orewatch.storage.projection import RejectedBy, Rejection, WriteOutcome
from orewatch.storage.retention import prune_blocks
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import KEY, NOW_MS, SCHEMA, UNIT, Kept, block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orewatch.storage.projection import DecodedBlock, RollupRows


class Store:
    """A store whose moods the test sets."""

    def __init__(self, name: str = "store") -> None:
        self.name = name
        self.numbers: list[int] = []
        self.rows: list[RollupRows] = []
        self.takes = 10**9
        self.refuses: set[int] = set()
        self.down = False

    def write(self, blocks: Sequence[DecodedBlock]) -> WriteOutcome:
        if self.down:
            return WriteOutcome(written=0, retry=True, wait_s=7.0, detail="down")
        taken = blocks[: self.takes]
        refused = [b for b in taken if b.header.number in self.refuses]
        self.numbers += [b.header.number for b in taken if b not in refused]
        return WriteOutcome(
            written=len(taken),
            retry=len(taken) < len(blocks),
            wait_s=3.0,
            rejected=tuple(Rejection(b.header, RejectedBy.FIELD_TYPE, "no") for b in refused),
        )

    def write_rollups(self, rows: Sequence[RollupRows]) -> WriteOutcome:
        if self.down:
            return WriteOutcome(written=0, retry=True, wait_s=7.0, detail="down")
        self.rows += rows
        return WriteOutcome(written=len(rows))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "journal.db")
    kept.learn(SCHEMA)
    kept.take(*(block(n, start_ms=NOW_MS + n * 5000 - 86_400_000) for n in range(1, 11)))
    yield kept
    kept.journal.close()


def projector(kept: Kept, store: Store, batch: int = 4) -> Projector:
    return Projector(journal=kept.journal, projection=store, counters=kept.counters, batch=batch)


def test_every_block_once_in_order(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store)
    assert [driver.step(NOW_MS).moved for _ in range(4)] == [4, 4, 2, 0]
    assert store.numbers == list(range(1, 11))
    assert kept.journal.position("store") == 10
    assert projector(kept, store).step(NOW_MS).moved == 0


def test_a_store_that_is_down_costs_nothing_but_time(kept: Kept) -> None:
    store, other = Store(), Store("other")
    store.down = True
    driver = projector(kept, store)
    for _ in range(3):
        step = driver.step(NOW_MS)
        assert (step.moved, step.wait_s) == (0, 7.0)
    assert projector(kept, other).drain(NOW_MS)
    assert not driver.drain(NOW_MS)
    store.down = False
    assert driver.drain(NOW_MS)
    assert store.numbers == other.numbers == list(range(1, 11))
    assert kept.count("projection_retries", "store", unit="") == 4


def test_a_part_of_a_batch_moves_the_position_by_that_part(kept: Kept) -> None:
    store = Store()
    store.takes = 3
    driver = projector(kept, store)
    step = driver.step(NOW_MS)
    assert (step.moved, step.wait_s, kept.journal.position("store")) == (3, 3.0, 3)
    store.takes = 10**9
    assert driver.drain(NOW_MS)
    assert store.numbers == list(range(1, 11))


def test_what_a_store_refuses_is_lettered_and_the_rest_goes_on(kept: Kept) -> None:
    store = Store()
    store.refuses = {2, 7}
    assert projector(kept, store).drain(NOW_MS)
    assert store.numbers == [1, 3, 4, 5, 6, 8, 9, 10]
    assert {letter.reason for letter in kept.journal.dead_letters()} == {"store:field_type"}
    assert len(kept.journal.dead_letters()) == 2
    assert kept.count("not_projected", "store:field_type") == 2


def test_a_projection_may_begin_again_from_any_position(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store)
    assert driver.drain(NOW_MS)
    driver.restart(7)
    assert driver.drain(NOW_MS)
    assert store.numbers == [*range(1, 11), 8, 9, 10]


def test_what_is_owed_stays_owed_when_a_projection_goes_elsewhere(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store)
    driver.step(NOW_MS)
    owed = Progress(database=kept.journal.database, projection="store").dirty()
    assert owed
    # Sent on by another process, whose collector is then started again.
    projector(kept, store).restart(10)
    assert projector(kept, store).drain(NOW_MS)
    assert {(r.unit, r.step_ms, t) for r in store.rows for t in r.time_ms.tolist()} >= set(owed)


def test_a_restart_by_another_process_is_not_overwritten(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store, batch=100)

    class Meddling(Store):
        def write(self, blocks: Sequence[DecodedBlock]) -> WriteOutcome:
            kept.journal.put_position("store", 5)
            return super().write(blocks)

    Projector(journal=kept.journal, projection=Meddling(), counters=kept.counters).step(NOW_MS)
    assert kept.journal.position("store") == 5
    assert driver.step(NOW_MS).moved == 5


def test_rollups_follow_when_the_store_is_back(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store, batch=100)
    driver.step(NOW_MS)
    assert not store.rows, "the next block has the rest of the minute"
    driver.step(NOW_MS + 240_000)
    minutes = [r for r in store.rows if r.step_ms == 60_000]
    assert sum(int(r.count[:, 0].sum()) for r in minutes) == 50
    assert {(r.unit, r.machine, r.cls, r.names) for r in minutes} == {
        (UNIT, "jaw", "jaw_crusher", ("motor_current", "load"))
    }
    assert not [r for r in store.rows if r.step_ms == 3_600_000]
    store.down = True
    assert driver.step(NOW_MS + 600_000).wait_s == 7.0
    store.down = False
    driver.step(NOW_MS + 600_000)
    assert sum(int(r.count[:, 0].sum()) for r in store.rows if r.step_ms == 3_600_000) == 50


def test_a_damaged_block_in_the_journal_stops_nobody(kept: Kept) -> None:
    with kept.journal.database.write() as cursor:
        data = bytearray(block(3, start_ms=NOW_MS + 15_000 - 86_400_000))
        data[-3] ^= 0xFF
        cursor.execute("UPDATE blocks SET data = ? WHERE position = 3", (bytes(data),))
    store = Store()
    assert projector(kept, store).drain(NOW_MS)
    assert store.numbers == [1, 2, *range(4, 11)]
    assert kept.journal.dead_letters()[0].reason == "unreadable_in_journal"


def test_windows_past_retention_are_never_made_of_a_part(kept: Kept) -> None:
    store = Store()
    driver = projector(kept, store, batch=100)
    assert driver.drain(NOW_MS)
    prune_blocks(kept.journal, projections=["store"], scanned_before_ms=NOW_MS, received_before_ms=NOW_MS + 1)
    store.rows.clear()
    late = block(11, start_ms=NOW_MS - 86_400_000 + 20_000, value=3)
    kept.journal.commit([JournalEntry(read_header(late), late, NOW_MS)])
    assert driver.drain(NOW_MS)
    assert store.numbers[-1] == 11
    assert store.rows == []
    assert kept.count("rollups_past_retention", "kept_as_it_was") == 2
    assert KEY.node == UNIT


def test_a_clock_set_back_does_not_hold_up_the_hours(kept: Kept) -> None:
    store = Store()
    projector = Projector(journal=kept.journal, projection=store, counters=kept.counters)
    far_ms = 4_291_747_200_000  # 2106
    projector.step(far_ms)
    projector.step(far_ms + 240_000)
    assert {row.step_ms for row in store.rows} == {60_000}
    projector.step(NOW_MS)
    assert {row.step_ms for row in store.rows} == {60_000, 3_600_000}
