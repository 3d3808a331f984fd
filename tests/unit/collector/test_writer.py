"""The writer: nothing is acknowledged before it is durable, and no bad day ends the thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from collector.arrivals import Arrival, Birth, Death, Receipt
from collector.foreign import ForeignNodes
from collector.writer import Writer
from orewatch.storage.dead_letters import DeadLetter, Verdict
from orewatch.storage.journal import Journal
from tests.unit.collector.collector_harness import KEY, NOW_MS, SCHEMA, SPOOL, UNIT, Kept, block, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from orewatch.storage.journal import JournalEntry, Outcome


class Running:
    """A writer over a journal, its clock held still."""

    def __init__(self, path: Path, max_bytes: int = 1 << 20) -> None:
        self.path = path
        self.kept = Kept(path)
        self.receipts: list[Receipt] = []
        self.upkept = 0
        self.now_ms = NOW_MS
        self.writer = Writer(
            registry=self.kept.registry,
            counters=self.kept.counters,
            intake=self.kept.intake,
            foreign=ForeignNodes(journal=self.kept.journal, counters=self.kept.counters, seconds=1),
            on_receipt=self.receipts.append,
            upkeep=self.upkeep,
            now_ms=lambda: self.now_ms,
            max_bytes=max_bytes,
        )

    def upkeep(self, _: int) -> None:
        self.upkept += 1

    def acknowledged(self) -> list[int]:
        return sorted(n for r in self.receipts for n in r.durable.get(KEY, {}).get(SPOOL, ()))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "journal.db")
    running.kept.learn(SCHEMA)
    yield running
    if running.writer._thread.is_alive():
        running.writer.close()
    running.kept.journal.close()


def wait(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_waits_is_one_transaction(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    commit = Journal.commit

    def counted(journal: Journal, entries: Sequence[JournalEntry], letters: Sequence[DeadLetter] = ()) -> list[Outcome]:
        sizes.append(len(entries))
        return commit(journal, entries, letters)

    monkeypatch.setattr(Journal, "commit", counted)
    for n in range(1, 101):
        assert running.writer.submit(Arrival(KEY, block(n), NOW_MS))
    running.writer.start()
    wait(lambda: running.acknowledged() == list(range(1, 101)))
    assert sizes == [100]


def test_a_journal_that_fails_is_never_acknowledged_and_the_thread_goes_on(running: Running) -> None:
    other = Journal.open(running.path, busy_s=0.05)
    running.writer.start()
    with other.database.write():
        running.writer.submit(Arrival(KEY, block(1), NOW_MS))
        wait(lambda: running.kept.count("journal_failures", "busy", unit=""))
        assert running.acknowledged() == []
    other.close()
    running.writer.submit(Arrival(KEY, block(1), NOW_MS))
    wait(lambda: running.acknowledged() == [1])
    assert running.kept.stored() == [1]


def test_births_and_blocks_of_our_own_making_survive_a_failed_commit(running: Running) -> None:
    other = Journal.open(running.path, busy_s=0.05)
    running.writer.start()
    with other.database.write():
        running.writer.submit(Birth(KEY, record(), [SCHEMA.text]))
        wait(lambda: running.kept.count("journal_failures", "busy", unit=""))
    other.close()
    wait(lambda: [n.node for n in running.kept.registry.nodes()] == [UNIT])


def test_a_block_on_which_the_collector_fails_takes_no_other_with_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = running.kept.intake._judge
    poison = block(2)

    def failing(arrival: Arrival, *rest: object, **more: object) -> None:
        if arrival.data == poison:
            raise ZeroDivisionError("a fault of ours")
        judge(arrival, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(running.kept.intake, "_judge", failing)
    for data in (block(1), poison, block(3)):
        running.writer.submit(Arrival(KEY, data, NOW_MS))
    running.writer.start()
    wait(lambda: running.acknowledged() == [1, 2, 3])
    assert running.kept.stored() == [1, 3]
    (letter,) = running.kept.journal.dead_letters()
    assert (letter.reason, letter.data) == ("collector_fault", poison)
    assert running.kept.count("faults", "intake", unit="") == 1


def test_the_queue_is_bounded_and_says_so(tmp_path: Path) -> None:
    data = block(1)
    running = Running(tmp_path / "journal.db", max_bytes=3 * (len(data) + 256))
    assert [running.writer.submit(Arrival(KEY, data, NOW_MS)) for _ in range(5)] == [True, True, True, False, False]
    assert running.kept.count("queue_full", "arrival", unit="") == 2
    running.kept.journal.close()


def test_closing_writes_what_is_queued(running: Running) -> None:
    running.writer.start()
    letter = DeadLetter(
        unit=UNIT, verdict=Verdict.REJECTED, reason="malformed", detail="", received_ms=NOW_MS, data=b"x"
    )
    for item in (Birth(KEY, record(), []), Arrival(KEY, block(1), NOW_MS), letter, Death(KEY, NOW_MS + 7)):
        running.writer.submit(item)
    running.writer.close()
    assert running.kept.stored() == [1]
    assert running.kept.registry.nodes()[0].died_ms == NOW_MS + 7
    assert running.kept.journal.dead_letters()[0].reason == "malformed"
    assert running.upkept
    assert "journal-writer" not in {t.name for t in threading.enumerate()}


@pytest.mark.parametrize(("last", "died_ms"), [("birth", None), ("death", NOW_MS + 7)])
def test_what_came_last_counts_when_a_death_and_a_birth_wait_together(
    running: Running, last: str, died_ms: int | None
) -> None:
    birth, death = Birth(KEY, record(), []), Death(KEY, NOW_MS + 7)
    for item in (birth, death, birth) if last == "birth" else (birth, death):
        running.writer.submit(item)
    assert running.writer.flush()
    assert running.kept.registry.nodes()[0].died_ms == died_ms
