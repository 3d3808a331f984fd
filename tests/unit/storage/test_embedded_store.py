"""The embedded store answers exactly at every moment: before, while and after its rollups are written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.counters import Counters
from collector.project import Projector
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import Aggregate, Query
from orewatch.storage.retention import prune_blocks
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.contracts.history_harness import CURRENT, HOUR_MS, LEVEL, START_MS, Expected, block

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contracts.history_harness import Block

# The same signal in another group, at another resolution, beside another neighbour.
MOVED = Schema(
    (
        ScanGroup("feeder", "feeder", 5.0, (Column("level", "%", 0.5),)),
        ScanGroup("jaw", "jaw_crusher", 2.0, (Column("motor_current", "%", 0.01),)),
    )
)


OF_WINDOW: dict[Aggregate, Callable[[list[float]], float]] = {
    Aggregate.MEAN: lambda values: sum(values) / len(values),
    Aggregate.MAX: max,
    Aggregate.COUNT: len,
    Aggregate.LAST: lambda values: values[-1],
}


@dataclass
class Site:
    journal: Journal
    tables: RollupTables
    store: EmbeddedStore
    projector: Projector
    expected: Expected

    @classmethod
    def at(cls, folder: Path, batch: int = 3) -> Site:
        journal = Journal.open(folder / "journal.db")
        tables = RollupTables.open(folder / "rollups.db")
        projection = EmbeddedProjection(tables=tables)
        projector = Projector(journal=journal, projection=projection, counters=Counters(), batch=batch)
        return cls(journal, tables, EmbeddedStore(journal=journal, tables=tables), projector, Expected())

    def keep(self, made: Block) -> None:
        self.journal.put_schemas([made.decoded.schema])
        self.journal.commit([JournalEntry(made.decoded.header, made.data, START_MS)])
        self.expected.add(made)

    def check(self) -> None:
        end = START_MS + 4 * HOUR_MS
        for ref in (CURRENT, LEVEL):
            for step, aggregate in (
                (60_000, Aggregate.MEAN),
                (60_000, Aggregate.LAST),
                (120_000, Aggregate.MAX),
                (HOUR_MS, Aggregate.COUNT),
                (HOUR_MS, Aggregate.MEAN),
                (HOUR_MS, Aggregate.MAX),
                (2 * HOUR_MS, Aggregate.LAST),
            ):
                query = Query(unit="pb-01", ref=ref, start_ms=START_MS, end_ms=end, step_ms=step, aggregate=aggregate)
                series = self.store.series(query)
                windows = self.expected.windows("pb-01", ref, START_MS, end, step)
                assert series.time_ms.tolist() == list(windows)
                assert series.values.tolist() == pytest.approx(
                    [OF_WINDOW[aggregate](v) for v in windows.values()], rel=1e-9
                )
            raw = self.store.series(Query(unit="pb-01", ref=ref, start_ms=START_MS, end_ms=end))
            assert list(zip(raw.time_ms, raw.values, strict=True)) == self.expected.raw("pb-01", ref, START_MS, end)
        newest = self.store.latest("pb-01")
        for ref in (CURRENT, LEVEL):
            known = self.expected.values.get(("pb-01", ref))
            if known:
                assert (newest[ref].time_ms, newest[ref].value) == (max(known), known[max(known)])

    def close(self) -> None:
        self.tables.close()
        self.journal.close()


def scans_of(draw: st.DataObject, schema_moved: bool) -> list[Scans]:
    count = draw.draw(st.integers(1, 40))
    first = START_MS + 1000 * draw.draw(st.integers(0, 3 * 3600))
    stride = draw.draw(st.sampled_from([1000, 20_000, 90_000]))
    times = first + stride * np.arange(count)
    if draw.draw(st.booleans()):
        times = times[::-1].copy()
    steps = draw.draw(st.integers(-1000, 1000)) + np.arange(count)
    if schema_moved:
        return [Scans(1, times, steps[:, None]), Scans(0, times, steps[:, None])]
    quality = None
    if draw.draw(st.booleans()):
        quality = np.full((count, 2), np.uint8(Quality.GOOD))
        quality[:: draw.draw(st.integers(2, 5)), 0] = Quality.ABSENT
    return [
        Scans(0, times, np.stack([steps, -steps], axis=1), quality),
        Scans(2, times, np.stack([steps, steps.astype(float).view(np.int64)], axis=1)),
    ]


@settings(max_examples=20)
@given(draw=st.data())
def test_late_overlapping_and_changed_blocks_whenever_projected(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    site = Site.at(tmp_path_factory.mktemp("site"))
    for number in range(1, draw.draw(st.integers(2, 7))):
        moved = draw.draw(st.booleans())
        scans = scans_of(draw, moved)
        site.keep(block(number, *scans, **({"schema": MOVED} if moved else {})))  # type: ignore[arg-type]
        deed = draw.draw(st.sampled_from(["nothing", "step", "drain", "check"]))
        if deed == "step":
            site.projector.step(START_MS)
        elif deed == "drain":
            assert site.projector.drain(START_MS)
        elif deed == "check":
            site.check()
    site.check()
    assert site.projector.drain(START_MS)
    site.check()
    site.close()


def test_windows_are_owed_for_a_while_and_answered_all_the_same(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    times = START_MS + 1000 * np.arange(600)
    site.keep(block(1, Scans(0, times, np.arange(1200).reshape(600, 2))))
    site.projector.step(START_MS)
    assert not len(site.tables.windows("pb-01", CURRENT, 60_000, START_MS, START_MS + HOUR_MS).time_ms)
    site.check()
    site.projector.step(START_MS + 240_000)
    assert len(site.tables.windows("pb-01", CURRENT, 60_000, START_MS, START_MS + HOUR_MS).time_ms) == 10
    assert not len(site.tables.windows("pb-01", CURRENT, HOUR_MS, START_MS, START_MS + HOUR_MS).time_ms)
    site.check()
    site.projector.step(START_MS + 600_000)
    assert site.tables.windows("pb-01", CURRENT, HOUR_MS, START_MS, START_MS + HOUR_MS).count.tolist() == [600]
    site.check()
    site.close()


def test_a_projection_killed_between_its_writes_owes_its_windows_still(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.keep(block(1, Scans(0, START_MS + 1000 * np.arange(100), np.zeros((100, 2), np.int64))))
    before = site.projector._progress.position()
    site.projector._write(before, site.journal.blocks(0, 9), START_MS)
    site.check()
    site.close()
    site = Site.at(tmp_path)
    site.expected.add(block(1, Scans(0, START_MS + 1000 * np.arange(100), np.zeros((100, 2), np.int64))))
    site.check()
    assert site.projector.drain(START_MS)
    assert len(site.tables.windows("pb-01", CURRENT, 60_000, START_MS, START_MS + HOUR_MS).time_ms) == 2
    site.check()
    site.close()


def test_what_is_noted_as_rolled_up_outlives_a_loss_of_power(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    # Synced at each commit: later than the note of it in the journal would be too late.
    for database in (site.journal.database, site.tables.database):
        assert database._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    site.close()


def test_a_deleted_rollup_file_is_made_again(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.keep(block(1, Scans(0, START_MS + 1000 * np.arange(100), np.ones((100, 2), np.int64))))
    assert site.projector.drain(START_MS)
    expected = site.expected
    site.close()
    for file in tmp_path.glob("rollups.db*"):
        file.unlink()
    site = Site.at(tmp_path)
    site.expected = expected
    site.check()
    assert site.projector.drain(START_MS)
    assert len(site.tables.windows("pb-01", CURRENT, 60_000, START_MS, START_MS + HOUR_MS).time_ms) == 2
    site.check()
    site.close()


def test_a_file_of_the_earlier_layout_is_made_again_and_keeps_what_the_journal_no_longer_has(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    for number in (1, 2):
        times = START_MS + HOUR_MS * (number - 1) + 1000 * np.arange(100)
        site.keep(block(number, Scans(0, times, np.arange(200).reshape(100, 2) * number)))
    assert site.projector.drain(START_MS)
    before = site.tables.name
    reader = EmbeddedStore.open(tmp_path / "journal.db")
    prune_blocks(
        site.journal,
        projections=[before],
        scanned_before_ms=START_MS + HOUR_MS,
        received_before_ms=START_MS + 1,
    )
    site.close()
    with closing(sqlite3.connect(tmp_path / "rollups.db")) as old, old:
        old.execute("DELETE FROM meta WHERE key = 'layout'")
        # Two columns of mean, low, high, count: what came before the last value.
        old.execute("UPDATE windows SET data = substr(data, 1, 56)")
    site = Site.at(tmp_path)
    assert site.tables.name != before

    def asked(store: EmbeddedStore, aggregate: Aggregate) -> list[float]:
        query = Query(
            unit="pb-01", ref=CURRENT, start_ms=START_MS, end_ms=START_MS + 2 * HOUR_MS, step_ms=60_000,
            aggregate=aggregate,
        )  # fmt: skip
        return list(store.series(query).values)

    for _ in range(2):
        for store in (site.store, reader):
            assert asked(store, Aggregate.COUNT) == [60, 40, 60, 40]
            assert asked(store, Aggregate.LAST) == pytest.approx([2 * 2 * 59 / 10, 2 * 2 * 99 / 10])
        assert site.projector.drain(START_MS)
    assert site.journal.position(site.tables.name) == 2
    reader.close()
    site.close()


def test_another_process_reads_while_the_collector_writes(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    reader = EmbeddedStore.open(tmp_path / "journal.db")
    assert dict(reader.latest("pb-01")) == {}
    for number in range(1, 6):
        site.keep(block(number, Scans(0, START_MS + 60_000 * number + 1000 * np.arange(60), np.full((60, 2), number))))
        site.projector.step(START_MS)
        query = Query(unit="pb-01", ref=CURRENT, start_ms=START_MS, end_ms=START_MS + HOUR_MS)
        assert len(reader.series(query)) == 60 * number
        assert reader.latest("pb-01")[CURRENT].value == pytest.approx(number / 10)
    reader.close()
    site.close()
