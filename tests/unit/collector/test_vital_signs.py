"""What the collector writes down of itself."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from collector.project import Projector
from collector.settings import BrokerSettings
from collector.vital_signs import EACH_S, VitalSigns
from orewatch.storage.registry import Registry
from tests.unit.collector.collector_harness import NOW_MS, SCHEMA, UNIT, Kept, block
from tests.unit.collector.test_project import Store
from tests.unit.test_certificates import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.vitals import Vitals


@dataclass
class Queue:
    queued_bytes: int = 0


@dataclass
class Bench:
    kept: Kept
    store: Store
    projector: Projector
    signs: VitalSigns
    connected: bool = True
    queue: Queue = field(default_factory=Queue)

    def keep(self, at_s: float, now_ms: int | None = None) -> Vitals:
        self.signs.keep(self.queue, NOW_MS + round(at_s * 1000) if now_ms is None else now_ms, at_s)  # type: ignore[arg-type]
        vitals = self.kept.registry.vitals("collector")
        assert vitals is not None
        return vitals


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    kept = Kept(tmp_path / "journal.db")
    kept.learn(SCHEMA)
    store = Store()
    projector = Projector(journal=kept.journal, projection=store, counters=kept.counters)
    signs = VitalSigns(
        journal=kept.journal,
        registry=kept.registry,
        counters=kept.counters,
        intake=kept.intake,
        projectors=[projector],
        data_dir=tmp_path,
        broker=BrokerSettings(certificate=make(tmp_path, "own", 10), ca=tmp_path / "gone.pem"),
        connected=lambda: made.connected,
        now_ms=NOW_MS,
        queue_bound_bytes=1000,
    )
    made = Bench(kept, store, projector, signs)
    yield made
    kept.journal.close()


def test_a_projection_that_is_behind_says_how_far_and_why(bench: Bench) -> None:
    bench.kept.take(*(block(n, start_ms=NOW_MS - 60_000 + n * 5000) for n in range(1, 4)), now_ms=NOW_MS - 60_000)
    bench.store.down = True
    for at_s in (0, 5):
        bench.projector.step(NOW_MS + at_s * 1000)
    (signs,) = bench.keep(10.0).projections
    assert (signs.name, signs.position, signs.lag_blocks, signs.lag_s) == ("store", 0, 3, 70.0)
    assert (signs.waiting_since_ms, signs.why, signs.last_success_ms) == (NOW_MS, "down", None)
    bench.store.down = False
    bench.projector.drain(NOW_MS + 15_000)
    (signs,) = bench.keep(20.0).projections
    assert (signs.lag_blocks, signs.lag_s, signs.waiting_since_ms, signs.why) == (0, 0.0, None, "")
    assert signs.last_success_ms == NOW_MS + 15_000


def test_a_store_that_takes_a_part_is_not_down_for_long(bench: Bench) -> None:
    bench.kept.take(*(block(n) for n in range(1, 4)))
    bench.store.takes = 1
    for at_s in (0, 5):
        bench.projector.step(NOW_MS + at_s * 1000)
    assert bench.keep(5.0).projections[0].waiting_since_ms == NOW_MS + 5000


def test_signs_are_written_each_few_seconds_by_a_clock_that_nobody_sets(bench: Bench) -> None:
    assert bench.keep(0.0).at_ms == NOW_MS
    assert bench.keep(EACH_S - 0.1).at_ms == NOW_MS, "too early"
    assert bench.keep(EACH_S, now_ms=NOW_MS - 3_600_000).at_ms == NOW_MS - 3_600_000, "the wall clock was set back"


def test_broker_queue_rates_and_letters(bench: Bench) -> None:
    bench.connected = False
    bench.queue.queued_bytes = 123
    first = bench.keep(0.0)
    assert (first.broker_connected, first.blocks_s, first.queue_bytes, first.queue_bound_bytes) == (
        False,
        None,
        123,
        1000,
    )
    bench.connected = True
    bench.kept.take(block(1), b"nonsense")
    bench.kept.counters.add(UNIT, "blocks_received", amount=20)
    later = bench.keep(10.0)
    assert (later.broker_connected, later.broker_since_ms) == (True, NOW_MS + 10_000)
    assert (later.blocks_s, later.values_s) == (2.0, 1.0)
    assert sum(later.commits.counts) == 1
    assert later.journal_bytes > 0
    assert later.disk_free_bytes is not None
    assert later.letters == {"rejected": 0, "quarantined": 0, "waiting": 0}, "counted once a minute"
    assert bench.keep(60.0).letters["rejected"] == 1


def test_rates_are_those_of_the_last_half_minute(bench: Bench) -> None:
    for step in range(20):
        bench.kept.counters.add(UNIT, "blocks_received", amount=100 if step < 10 else 0)
        vitals = bench.keep(step * EACH_S)
    assert vitals.blocks_s == 0.0


def test_certificates_tell_when_they_end_and_those_that_cannot_be_read_do_not(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    (end,) = bench.keep(0.0).certificates
    assert end.name == "certificate"
    bench.keep(60.0)
    bench.keep(120.0)
    assert [r.message for r in caplog.records if "gone.pem" in r.message] != []
    assert len([r for r in caplog.records if "gone.pem" in r.message]) == 1, "told once"


def test_a_certificate_that_is_being_replaced_ends_when_it_did(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own, known = tmp_path / "own.pem", bench.keep(0.0).certificates
    text = own.read_text()
    for at_s in (60.0, 180.0):
        own.write_text(text[: len(text) // 2])
        assert bench.keep(at_s).certificates == known, "what is ageing does not stop for want of a file"
        own.write_text(text)
        assert bench.keep(at_s + 60).certificates == known
    assert len([r for r in caplog.records if "own.pem" in r.message]) == 2, "each time once"
    (tmp_path / "gone.pem").write_text(make(tmp_path, "old", 2).read_text() + make(tmp_path, "new", 900).read_text())
    ends = {sign.name: sign.not_after_ms for sign in bench.keep(300.0).certificates}
    assert ends["ca"] > ends["certificate"] + 800 * 86_400_000, "an old authority stands beside its successor"


def test_a_record_of_another_version_is_no_record(bench: Bench, tmp_path: Path) -> None:
    bench.keep(0.0)
    with sqlite3.connect(tmp_path / "journal.db") as file:
        file.execute("UPDATE vitals SET data = json_set(data, '$.news', 1)")
    assert bench.kept.registry.vitals("collector") is not None, "what is new is passed over"
    with sqlite3.connect(tmp_path / "journal.db") as file:
        file.execute('UPDATE vitals SET data = \'{"at_ms": "yesterday"}\'')
    file.close()
    registry = Registry.open(tmp_path / "journal.db")
    assert registry.vitals("collector") is None
    registry.close()


def test_a_node_s_spool_is_told_without_its_aliases(bench: Bench) -> None:
    bench.kept.born(SCHEMA)
    bench.kept.registry.spool_state({UNIT: (7, 2)})
    assert [tuple(s) for s in bench.kept.registry.spools()] == [(UNIT, NOW_MS, 7, 2)]
