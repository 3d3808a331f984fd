"""The journal: durable, once, in order, and found again by time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.storage.journal import Journal, JournalEntry, JournalError, Outcome
from orewatch.storage.pruned import pruned_until
from orewatch.storage.retention import prune_blocks
from orewatch.telemetry.block import read_header
from tests.contracts.history_harness import HOUR_MS
from tests.unit.collector.collector_harness import NOW_MS, SCHEMA, SPOOL, UNIT, block

if TYPE_CHECKING:
    from collections.abc import Sequence


def entry(number: int, received_ms: int = NOW_MS, **fields: object) -> JournalEntry:
    data = block(number, **fields)  # type: ignore[arg-type]
    return JournalEntry(read_header(data), data, received_ms)


def test_what_was_kept_is_there_after_opening_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    entries = [entry(n) for n in (1, 2, 3)]
    assert journal.commit(entries) == [Outcome.STORED] * 3
    uuid = journal.store_uuid
    journal.put_schemas([SCHEMA])
    journal.put_position("influxdb", 2)
    journal.close()
    journal = Journal.open(tmp_path / "j.db")
    assert [b.data for b in journal.blocks(0, 9)] == [e.data for e in entries]
    assert [b.position for b in journal.blocks(1, 1)] == [2]
    assert (journal.store_uuid, journal.position("influxdb"), journal.position("other")) == (uuid, 2, 0)
    assert (journal.schema(SCHEMA.hash), journal.schema(b"12345678")) == (SCHEMA, None)
    assert journal.commit(entries) == [Outcome.DUPLICATE] * 3
    journal.close()


@settings(max_examples=20)
@given(
    spans=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 40)), min_size=1, max_size=12),
    asked=st.tuples(st.integers(0, 60), st.integers(1, 40)),
)
def test_a_span_finds_every_block_that_touches_it_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    journal = Journal.open(tmp_path_factory.mktemp("span") / "j.db")
    journal.commit(
        [entry(n, start_ms=NOW_MS + 1000 * first, seconds=length) for n, (first, length) in enumerate(spans, 1)]
    )
    start, length = asked
    found = [b.header.number for b in journal.span(UNIT, NOW_MS + 1000 * start, NOW_MS + 1000 * (start + length))]
    expected = [n for n, (f, k) in enumerate(spans, 1) if f < start + length and f + k - 1 >= start]
    journal.close()
    assert found == expected


def test_readers_in_another_connection_see_commits_at_once(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    reader = Journal.open(tmp_path / "j.db", read_only=True)
    journal.commit([entry(1)])
    assert len(reader.blocks(0, 9)) == 1
    with pytest.raises(JournalError, match="reading only"):
        reader.commit([entry(2)])
    reader.close()
    journal.close()


def test_a_locked_file_is_an_error_and_not_a_loss(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db", busy_s=0.05)
    other = Journal.open(tmp_path / "j.db", busy_s=0.05)
    with other.database.write(), pytest.raises(JournalError) as caught:
        journal.commit([entry(1)])
    assert caught.value.busy
    assert journal.commit([entry(1)]) == [Outcome.STORED]
    other.close()
    journal.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(JournalError, match=r"j\.db"):
        Journal.open(tmp_path / "j.db")


def test_a_commit_is_on_the_disk_and_not_only_with_the_system(tmp_path: Path) -> None:
    # A kill cannot tell the difference; a power cut can.
    journal = Journal.open(tmp_path / "j.db")
    with journal.database.write() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()


def test_nothing_that_commit_returned_for_is_lost_when_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from orewatch.storage.journal import Journal, JournalEntry\n"
        "from orewatch.telemetry.block import read_header\n"
        "from tests.unit.collector.collector_harness import block\n"
        "journal = Journal.open(Path(sys.argv[1]))\n"
        "for n in range(1, 100000):\n"
        "    data = block(n)\n"
        "    journal.commit([JournalEntry(read_header(data), data, 1)])\n"
        "    print(n, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", script, str(tmp_path / "j.db")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as run:
        assert run.stdout is not None
        for _ in range(50):
            said = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
        rest = run.stdout.read().split()
    said = int(rest[-1]) if rest else said
    journal = Journal.open(tmp_path / "j.db")
    numbers = [b.header.number for b in journal.blocks(0, 10**6)]
    journal.close()
    # The one in flight may be there; nobody was told.
    assert numbers in (list(range(1, said + 1)), list(range(1, said + 2)))


def prune(journal: Journal, *, projections: Sequence[str], received_before_ms: int) -> int:
    return prune_blocks(
        journal, projections=projections, scanned_before_ms=2 * NOW_MS, received_before_ms=received_before_ms
    )


def test_retention_deletes_only_what_every_projection_has(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    journal.commit([entry(n, received_ms=n, start_ms=NOW_MS + n * HOUR_MS) for n in range(1, 11)])
    journal.put_position("a", 8)
    journal.put_position("b", 6)
    assert prune(journal, projections=["a", "b"], received_before_ms=5) == 4
    assert prune(journal, projections=["a", "b"], received_before_ms=100) == 2
    assert prune(journal, projections=["a", "b"], received_before_ms=100) == 0
    assert prune(journal, projections=["a", "never begun"], received_before_ms=100) == 0
    assert [b.header.number for b in journal.blocks(0, 99)] == [7, 8, 9, 10]
    assert pruned_until(journal.database, UNIT) == NOW_MS + 6 * HOUR_MS + 60_000
    # What was delivered once stays delivered.
    again = [entry(n, start_ms=NOW_MS + n * HOUR_MS) for n in (3, 6, 7, 11)]
    assert journal.commit(again) == [
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.STORED,
    ]
    assert journal.newest_number(UNIT, SPOOL) == 11
    assert journal.database.rows("SELECT first, last FROM pruned") == [(1, 6)]
    journal.close()


def test_positions_are_never_used_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    journal.commit([entry(1, received_ms=1), entry(2, received_ms=1)])
    journal.put_position("a", 2)
    assert prune(journal, projections=["a"], received_before_ms=2) == 2
    assert journal.newest_position() == 2
    journal.commit([entry(3)])
    assert [b.position for b in journal.blocks(2, 9)] == [3]
    journal.close()
