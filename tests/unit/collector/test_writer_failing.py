"""A journal that takes nothing for a while, and faults of our own: nothing is lost without a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collector.arrivals import Arrival, Birth, Death
from collector.foreign import ForeignNodes
from collector.writer import LETTERS_HELD, Writer
from orewatch.sparkplug.actions import Data
from orewatch.sparkplug.datatypes import DataType
from orewatch.storage.dead_letters import DeadLetter, Verdict
from orewatch.storage.journal import Journal
from tests.unit.collector.collector_harness import KEY, NOW_MS, UNIT, Kept, block, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from collector.arrivals import Receipt


class Desk:
    """A writer without its thread, and somebody who can hold the journal's file."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 20) -> None:
        self.kept = Kept(folder / "journal.db")
        self.other = Journal.open(folder / "journal.db", busy_s=0.01)
        self.foreign = ForeignNodes(journal=self.kept.journal, counters=self.kept.counters, seconds=1)
        self.receipts: list[Receipt] = []
        self.writer = Writer(
            registry=self.kept.registry,
            counters=self.kept.counters,
            intake=self.kept.intake,
            foreign=self.foreign,
            on_receipt=self.receipts.append,
            upkeep=lambda _: None,
            now_ms=lambda: NOW_MS,
            max_bytes=max_bytes,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.other.close()
    desk.kept.journal.close()


def reading(node: str, value: float, metrics: int = 1) -> Data:
    return Data(
        group="g",
        node=node,
        device=None,
        received_ms=NOW_MS,
        names=tuple(f"m{i}" for i in range(metrics)),
        datatypes=(DataType.DOUBLE,) * metrics,
        values=[value] * metrics,
        timestamps_ms=[NOW_MS] * metrics,
    )


def letter(detail: str) -> DeadLetter:
    return DeadLetter(
        unit=UNIT, verdict=Verdict.REJECTED, reason="malformed", detail=detail, received_ms=NOW_MS, data=detail.encode()
    )


def test_letters_deaths_and_plain_readings_wait_for_the_journal(desk: Desk) -> None:
    desk.kept.registry.put(record())
    with desk.other.database.write():
        for item in (letter("x"), Death(KEY, NOW_MS + 5), reading("kiln", 7.0)):
            desk.writer.submit(item)
        assert not desk.writer.flush(everything=True)
        assert not desk.writer.flush(everything=True)
    assert desk.writer.flush(everything=True)
    assert [one.detail for one in desk.kept.journal.dead_letters()] == ["x"]
    assert desk.kept.registry.nodes()[0].died_ms == NOW_MS + 5
    assert desk.kept.count("values_stored", unit="kiln") == 1


def test_a_journal_that_fails_for_long_is_told_once_and_so_is_its_return(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.other.database.write():
        for n in range(4):
            desk.writer.submit(letter(str(n)))
            assert not desk.writer.flush()
    assert desk.writer.flush()
    assert desk.writer.flush()
    told = [r.getMessage() for r in caplog.records]
    assert [("not acknowledged" in line, "takes blocks again" in line) for line in told] == [
        (True, False),
        (False, True),
    ]
    assert desk.kept.count("journal_failures", "busy", unit="") == 4


def test_letters_held_are_bounded_and_the_loss_is_counted(desk: Desk) -> None:
    with desk.other.database.write():
        for n in range(LETTERS_HELD + 5):
            desk.writer.submit(letter(str(n)))
        assert not desk.writer.flush()
    assert desk.writer.flush()
    assert desk.kept.count("letters_dropped", "journal_unavailable", unit="") == 5
    assert len(desk.kept.journal.dead_letters(limit=5000)) == LETTERS_HELD


def test_one_birth_on_which_we_fail_keeps_no_other_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    born = desk.kept.intake.born

    def failing(births: Sequence[Birth]) -> Receipt:
        if any(b.record.node == "strange" for b in births):
            raise ZeroDivisionError("a fault of ours")
        return born(births)

    monkeypatch.setattr(desk.kept.intake, "born", failing)
    for node in (UNIT, "strange", "other"):
        desk.writer.submit(Birth(KEY._replace(node=node), record(node), []))
    assert desk.writer.flush()
    assert [n.node for n in desk.kept.registry.nodes()] == ["other", UNIT]
    assert desk.kept.count("births_rejected", "collector_fault", unit="strange") == 1


def test_a_fault_over_one_nodes_readings_leaves_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.foreign._made

    def failing(key: object, *rest: object) -> object:
        if key.node == "strange":  # type: ignore[attr-defined]
            raise ZeroDivisionError("a fault of ours")
        return made(key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.foreign, "_made", failing)
    for node in ("strange", "kiln"):
        desk.writer.submit(reading(node, 1.0))
    desk.writer.submit(Arrival(KEY, b"no block", NOW_MS))
    assert desk.writer.flush(everything=True)
    assert desk.kept.count("plain_values_dropped", "collector_fault", unit="strange") == 1
    assert desk.kept.count("values_stored", unit="kiln") == 1
    assert desk.kept.count("dead_letters", "not_a_block") == 1


def test_letters_beside_a_fault_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = desk.kept.intake._judge
    poison = block(2)

    def failing(arrival: Arrival, *rest: object, **more: object) -> None:
        if arrival.data == poison:
            raise ZeroDivisionError("a fault of ours")
        judge(arrival, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.kept.intake, "_judge", failing)
    desk.writer.submit(letter("x"))
    desk.writer.submit(Arrival(KEY, poison, NOW_MS))
    assert desk.writer.flush()
    assert {one.reason for one in desk.kept.journal.dead_letters()} == {"malformed", "collector_fault"}


def test_a_message_of_many_readings_takes_its_room_in_the_queue(tmp_path: Path) -> None:
    desk = Desk(tmp_path, max_bytes=100_000)
    taken = [desk.writer.submit(reading("kiln", float(n), metrics=500)) for n in range(5)]
    assert taken == [True, True, True, False, False]
    desk.other.close()
    desk.kept.journal.close()


def test_our_own_clock_before_2020_accuses_no_unit(desk: Desk) -> None:
    boot_ms = 86_400_000
    assert desk.kept.take(block(1), now_ms=boot_ms) == {}
    assert desk.kept.count("blocks_refused", "own_clock_before_2020") == 1
    assert desk.kept.journal.dead_letters() == []
