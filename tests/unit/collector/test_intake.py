"""Every end a block may come to: stored, known already, dead-lettered, held for its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collector.arrivals import Arrival, NodeKey
from orewatch.storage.dead_letters import Verdict
from orewatch.storage.journal import JournalError
from tests.unit.collector.collector_harness import KEY, NOW_MS, OTHER_SCHEMA, SCHEMA, SPOOL, UNIT, Kept, block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_MS = 86_400_000


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "journal.db")
    kept.learn(SCHEMA)
    yield kept
    kept.journal.close()


def test_a_block_is_stored_once_and_acknowledged_each_time(kept: Kept) -> None:
    assert kept.take(block(1), block(2)) == {SPOOL: [1, 2]}
    assert kept.take(block(2), block(3), block(3)) == {SPOOL: [2, 3, 3]}
    assert kept.stored() == [1, 2, 3]
    assert (kept.count("blocks", "stored"), kept.count("blocks", "duplicate")) == (3, 2)
    assert kept.count("values_stored") == 3 * 10


def test_a_conflict_never_overwrites_and_is_kept_as_a_letter(kept: Kept) -> None:
    first, second = block(1), block(1, value=77)
    assert kept.take(first) == {SPOOL: [1]}
    assert kept.take(second) == {SPOOL: [1]}
    assert [b.data for b in kept.journal.blocks(0, 9)] == [first]
    (letter,) = kept.journal.dead_letters()
    assert (letter.verdict, letter.reason, letter.data, letter.unit) == (Verdict.REJECTED, "conflict", second, UNIT)


def test_a_replaced_spool_is_not_a_duplicate(kept: Kept) -> None:
    assert kept.take(block(1)) == {SPOOL: [1]}
    assert kept.take(block(1, spool=b"t" * 16, value=5)) == {b"t" * 16: [1]}
    assert kept.stored() == [1, 1]
    assert not kept.journal.dead_letters()


@pytest.mark.parametrize(
    ("spoil", "reason", "acknowledged"),
    [
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum", {SPOOL: [1]}),
        (lambda data: data[:50], "truncated", {SPOOL: [1]}),
        (lambda data: data[:-20], "checksum", {SPOOL: [1]}),
        (lambda _: b"nonsense", "not_a_block", {}),
        (lambda _: b"", "not_a_block", {}),
        (lambda data: data[:4] + b"\x63" + data[5:], "unknown_version", {SPOOL: [1]}),
        (lambda data: data + b"\0" * 2**22, "too_large", {SPOOL: [1]}),
    ],
)
def test_what_cannot_be_read_is_lettered_and_stands_in_nobodys_way(
    kept: Kept, spoil: object, reason: str, acknowledged: dict[bytes, list[int]]
) -> None:
    assert kept.take(spoil(block(1))) == acknowledged  # type: ignore[operator]
    assert kept.take(block(2)) == {SPOOL: [2]}
    assert kept.stored() == [2]
    (letter,) = kept.journal.dead_letters()
    assert (letter.verdict, letter.reason) == (Verdict.REJECTED, reason)
    assert len(letter.data) <= 65_536
    assert kept.count("dead_letters", reason) == 1


@pytest.mark.parametrize(
    ("start_ms", "seconds", "reason"),
    [
        (0, 5, "time_before_2020"),
        (4_294_967_295_000, 5, "time_in_future"),
        (NOW_MS + 2 * DAY_MS, 5, "time_in_future"),
        (NOW_MS - 3 * DAY_MS, 100_000, "span_too_long"),
    ],
)
def test_times_that_cannot_be_true_are_quarantined_whole(kept: Kept, start_ms: int, seconds: int, reason: str) -> None:
    doubtful = block(1, start_ms=start_ms, seconds=seconds)
    assert kept.take(doubtful) == {SPOOL: [1]}
    assert kept.stored() == []
    (letter,) = kept.journal.dead_letters(verdict=Verdict.QUARANTINED)
    assert (letter.reason, letter.data) == (reason, doubtful)


def test_late_blocks_and_small_clock_errors_are_welcome(kept: Kept) -> None:
    kept.take(block(1, start_ms=NOW_MS - 400 * DAY_MS), block(2, start_ms=NOW_MS + 3_600_000))
    assert kept.stored() == [1, 2]


def test_a_full_quarantine_refuses_rather_than_forgets(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "journal.db", quarantine_kept=2)
    kept.learn(SCHEMA)
    assert kept.take(*(block(n, start_ms=0) for n in (1, 2, 3))) == {SPOOL: [1, 2]}
    assert kept.take(block(3, start_ms=0), block(4)) == {SPOOL: [4]}
    assert kept.count("blocks_refused", "quarantine_full") == 2
    kept.journal.close()


def test_a_node_cannot_write_history_of_another_unit(kept: Kept) -> None:
    assert kept.take(block(1, unit="zn-01")) == {SPOOL: [1]}
    assert kept.stored() == []
    assert kept.journal.dead_letters()[0].reason == "other_unit"


def test_an_unknown_schema_waits_unacknowledged_for_the_birth(kept: Kept) -> None:
    odd = block(1, schema=OTHER_SCHEMA)
    receipt = kept.intake.take([Arrival(KEY, odd, NOW_MS)])
    assert not receipt.durable
    assert receipt.unknown_schema == {KEY}
    assert kept.take(odd, block(2)) == {SPOOL: [2]}
    assert len(kept.waiting) == 1
    assert kept.born(SCHEMA, OTHER_SCHEMA) == {SPOOL: [1]}
    assert kept.stored() == [2, 1]
    assert not kept.journal.dead_letters()


def test_a_birth_without_the_schema_is_the_last_word_but_not_the_end(kept: Kept) -> None:
    odd = block(1, schema=OTHER_SCHEMA)
    assert kept.take(odd) == {}
    assert kept.born(SCHEMA) == {SPOOL: [1]}
    (letter,) = kept.journal.dead_letters(verdict=Verdict.WAITING)
    assert (letter.data, letter.reason) == (odd, "unknown_schema")
    assert kept.stored() == []
    kept.born(OTHER_SCHEMA)
    assert kept.stored() == [1]
    assert not kept.journal.dead_letters()


def test_waiting_blocks_are_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    odd = [block(n, schema=OTHER_SCHEMA) for n in range(1, 6)]
    kept = Kept(tmp_path / "journal.db", waiting_bytes=3 * len(odd[0]) + 10)
    kept.take(*odd)
    assert kept.count("blocks_dropped", "waiting_full") == 2
    assert kept.born(OTHER_SCHEMA) == {SPOOL: [3, 4, 5]}
    kept.journal.close()


def test_a_malformed_schema_in_a_birth_is_counted(kept: Kept) -> None:
    from collector.arrivals import Birth
    from tests.unit.collector.collector_harness import record

    kept.intake.born([Birth(KEY, record(), ["{", '{"v":2,"groups":[]}', OTHER_SCHEMA.text])])
    assert kept.count("schemas_rejected", "malformed") == 2
    assert kept.journal.schema(OTHER_SCHEMA.hash) == OTHER_SCHEMA


def test_a_full_disk_acknowledges_nothing_and_loses_nothing_kept(kept: Kept) -> None:
    kept.take(block(1))
    (pages,) = kept.journal.database.rows("PRAGMA page_count")[0]
    with kept.journal.database.write() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    many = [Arrival(KEY, block(n, seconds=3000, noisy=True), NOW_MS) for n in range(2, 40)]
    with pytest.raises(JournalError) as caught:
        kept.intake.take(many)
    assert caught.value.full
    assert kept.stored() == [1]
    with kept.journal.database.write() as cursor:
        cursor.execute("PRAGMA max_page_count = 100000")
    assert len(kept.intake.take(many).durable[KEY][SPOOL]) == 38


def test_blocks_of_a_unit_seen_first_in_a_failed_commit_find_their_unit_again(kept: Kept) -> None:
    # The row of the spool is rolled back with the blocks: remembering its number would lose the unit.
    other = NodeKey("orewatch", "zn-01")
    fresh = Arrival(other, block(1, unit="zn-01"), NOW_MS)
    (pages,) = kept.journal.database.rows("PRAGMA page_count")[0]
    with kept.journal.database.write() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    filler = [Arrival(KEY, block(n, seconds=3000, noisy=True), NOW_MS) for n in range(1, 40)]
    with pytest.raises(JournalError):
        kept.intake.take([fresh, *filler])
    with kept.journal.database.write() as cursor:
        cursor.execute("PRAGMA max_page_count = 100000")
    kept.intake.take([fresh])
    assert [b.header.unit for b in kept.journal.span("zn-01", NOW_MS, NOW_MS + 1000)] == ["zn-01"]
