"""Retention of the embedded store: each level its own time, nothing made of a part, space given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from collector.counters import Counters
from collector.project import Projector
from collector.retention import Retention
from orewatch.storage.journal import Journal, JournalEntry, Outcome
from orewatch.storage.query import Aggregate, Query, Table
from orewatch.storage.registry import CounterKey
from orewatch.storage.retention import Levels, prune_blocks
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import CURRENT, NOW_MS, SCHEMA, UNIT, block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.query import Series

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
LEVELS = Levels(raw_ms=3 * DAY_MS, minutes_ms=5 * DAY_MS, hours_ms=8 * DAY_MS)
BLOCK_S = 900


@dataclass
class Site:
    journal: Journal
    tables: RollupTables
    store: EmbeddedStore
    projector: Projector
    counters: Counters
    retention: Retention
    number: int = 0

    @classmethod
    def at(cls, folder: Path) -> Site:
        journal, tables = Journal.open(folder / "journal.db"), RollupTables.open(folder / "rollups.db")
        counters = Counters()
        projector = Projector(journal=journal, projection=EmbeddedProjection(tables=tables), counters=counters)
        retention = Retention(
            journal=journal,
            windows=tables.database,
            projections=lambda: [tables.name],
            levels=LEVELS,
            counters=counters,
        )
        return cls(journal, tables, EmbeddedStore(journal=journal, tables=tables), projector, counters, retention)

    def keep(self, first_ms: int, hours: float, *, received_ms: int | None = None, value: int | None = None) -> None:
        """Scan every second of some hours."""
        entries = []
        for start_ms in range(first_ms, first_ms + int(hours * HOUR_MS), BLOCK_S * 1000):
            self.number += 1
            data = block(self.number, start_ms=start_ms, seconds=BLOCK_S, value=value)
            entries.append(JournalEntry(read_header(data), data, received_ms or start_ms + BLOCK_S * 1000))
        self.journal.put_schemas([SCHEMA])
        assert set(self.journal.commit(entries)) == {Outcome.STORED}

    def retain(self, now_ms: int) -> None:
        """Let retention do what there is to do at this time."""
        for at in range(2000):
            self.retention.step(now_ms + 2000 * at)
            if self.retention._idle_ms:
                self.retention._idle_ms = 0
                return
        pytest.fail("retention does not come to rest")

    def asked(
        self, first_ms: int, hours: float, step_ms: int | None = None, aggregate: Aggregate = Aggregate.RAW
    ) -> Series:
        end_ms = first_ms + int(hours * HOUR_MS)
        query = Query(
            unit=UNIT, ref=CURRENT, start_ms=first_ms, end_ms=end_ms, step_ms=step_ms, aggregate=aggregate
        )  # fmt: skip
        return self.store.series(query)

    def counted(self, name: str, reason: str = "", unit: str = UNIT) -> int:
        return self.counters.totals().get(CounterKey(unit, name, reason), 0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site.at(tmp_path)
    yield site
    site.tables.close()
    site.journal.close()


def test_each_level_answers_for_as_long_as_it_is_kept(site: Site) -> None:
    old_ms, new_ms = NOW_MS - 4 * DAY_MS, NOW_MS - DAY_MS
    for first_ms in (NOW_MS - 9 * DAY_MS, NOW_MS - 6 * DAY_MS, old_ms, new_ms):
        site.keep(first_ms, 2)
    assert site.projector.drain(NOW_MS)
    before = {kind: site.asked(old_ms, 2, MINUTE_MS, kind) for kind in Aggregate if kind.value not in {"raw", "first"}}
    site.retain(NOW_MS)
    # Raw: gone, and said to be; what is younger is whole.
    gone = site.asked(old_ms, 2)
    assert (len(gone), gone.table, gone.complete_from_ms) == (0, Table.RAW, old_ms + 2 * HOUR_MS)
    kept = site.asked(new_ms, 2)
    assert (len(kept), kept.complete_from_ms) == (7200, None)
    assert site.store.many(UNIT, [CURRENT], old_ms, NOW_MS)[CURRENT].complete_from_ms == old_ms + 2 * HOUR_MS
    # Finer than a minute: of the scans nothing is left, so the minutes answer, and say that it is they.
    coarser = site.asked(old_ms, 2, 45_000, Aggregate.MEAN)
    assert (coarser.table, coarser.complete_from_ms) == (Table.MINUTE, None)
    assert coarser.values.tolist() == before[Aggregate.MEAN].values.tolist()
    # The first value of a window is only in the scans: none is better than one of another window.
    first = site.asked(old_ms, 2, 45_000, Aggregate.FIRST)
    assert (len(first), first.table, first.complete_from_ms) == (0, Table.RAW, old_ms + 2 * HOUR_MS)
    # What windows can answer they answer as before, whole, and from one table.
    for kind, was in before.items():
        now = site.asked(old_ms, 2, MINUTE_MS, kind)
        assert (now.table, now.values.tolist()) == (Table.MINUTE, was.values.tolist())
        assert len(now) == 120
    for age, table, windows, hours in (
        (1, Table.MINUTE, 120, 2), (4, Table.MINUTE, 120, 2), (6, Table.HOUR, 2, 2), (9, Table.MINUTE, 0, 0),
    ):  # fmt: skip
        first_ms = NOW_MS - age * DAY_MS
        by_minute = site.asked(first_ms, 2, MINUTE_MS, Aggregate.LAST)
        assert (by_minute.table, len(by_minute)) == (table, windows)
        assert len(site.asked(first_ms, 2, HOUR_MS, Aggregate.LAST)) == hours
    assert site.counted("blocks_pruned", unit="") == 3 * 8
    assert site.counted("windows_pruned", "1m", unit="") == 2 * 120
    assert site.counted("windows_pruned", "1h", unit="") == 2


def test_nothing_goes_that_is_owed(site: Site) -> None:
    old_ms = NOW_MS - 4 * DAY_MS
    site.keep(old_ms, 1)
    site.keep(NOW_MS - HOUR_MS, 1)
    site.retain(NOW_MS)
    assert len(site.asked(old_ms, 1)) == 3600
    # Projected, but the hour is still to be rolled up.
    site.projector.step(NOW_MS)
    site.retain(NOW_MS)
    assert len(site.asked(old_ms, 1)) == 3600
    # Rolled up, and another block of that hour came that is not projected yet.
    assert site.projector.drain(NOW_MS)
    site.keep(old_ms + HOUR_MS // 2 + 1, 0.25)
    site.retain(NOW_MS)
    assert len(site.asked(old_ms, 1)) == 3600 + 900
    assert site.projector.drain(NOW_MS)
    site.retain(NOW_MS)
    assert len(site.asked(old_ms, 1)) == 0
    assert site.asked(old_ms, 1, HOUR_MS, Aggregate.COUNT).values.tolist() == [4500]


def test_weeks_in_a_spool_are_history_when_they_come(site: Site) -> None:
    # The unit was there before, silent for days, and there again; then its spool comes, hour by hour.
    silent_ms = NOW_MS - 5 * DAY_MS + HOUR_MS
    site.keep(silent_ms - 2 * HOUR_MS, 2)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    site.retain(NOW_MS)
    for half in range(8):
        site.keep(silent_ms + half * HOUR_MS // 2, 0.5, received_ms=NOW_MS + half * MINUTE_MS - 1)
        assert site.projector.drain(NOW_MS + half * MINUTE_MS)
        site.retain(NOW_MS + half * MINUTE_MS)
    assert site.asked(silent_ms, 4, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600] * 4
    assert len(site.asked(silent_ms, 4, MINUTE_MS, Aggregate.LAST)) == 240
    site.keep(NOW_MS + DAY_MS, 1)
    assert site.projector.drain(NOW_MS + DAY_MS + HOUR_MS)
    site.retain(NOW_MS + DAY_MS + HOUR_MS)
    assert len(site.asked(silent_ms, 4)) == 0
    assert site.asked(silent_ms, 4, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600] * 4
    assert site.counted("rollups_past_retention", "kept_as_it_was") == 0


def test_a_time_before_all_that_was_deleted_is_rolled_up_and_counted(site: Site) -> None:
    site.keep(NOW_MS - 4 * DAY_MS, 1)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    site.retain(NOW_MS)
    site.keep(NOW_MS - 4 * DAY_MS - 3 * HOUR_MS, 1, received_ms=NOW_MS)
    assert site.projector.drain(NOW_MS)
    series = site.asked(NOW_MS - 4 * DAY_MS - 3 * HOUR_MS, 3, HOUR_MS, Aggregate.COUNT)
    assert series.values.tolist() == [3600]
    assert site.counted("rollups_past_retention", "made_of_late_data") == 61


def test_an_hour_is_not_made_of_the_minutes_that_their_level_has_left(site: Site) -> None:
    hour_ms = NOW_MS - 5 * DAY_MS
    site.keep(NOW_MS - HOUR_MS, 1)
    site.keep(hour_ms, 1, received_ms=NOW_MS)
    assert site.projector.drain(NOW_MS)
    # As if the minutes had gone in between: the pruning of minutes is not in step with the projection.
    site.retention._pruning.step(MINUTE_MS, hour_ms + HOUR_MS)
    # No minute is left of it: the hour answers in their place.
    assert site.asked(hour_ms, 1, MINUTE_MS, Aggregate.LAST).table is Table.HOUR
    site.keep(hour_ms + 30 * MINUTE_MS + 500, 0.25, received_ms=NOW_MS)
    assert site.projector.drain(NOW_MS)
    assert site.asked(hour_ms, 1, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600 + 900]


@pytest.mark.parametrize("projected", [False, True])
def test_a_part_never_takes_the_place_of_the_whole(site: Site, projected: bool) -> None:
    old_ms = NOW_MS - 4 * DAY_MS
    site.keep(old_ms, 1)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    site.retain(NOW_MS)
    site.keep(old_ms + 500, 0.25, received_ms=NOW_MS, value=30_000)
    if projected:
        assert site.projector.drain(NOW_MS)
        assert site.counted("rollups_past_retention", "kept_as_it_was") == 16
    assert site.asked(old_ms, 1, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600]
    assert site.asked(old_ms, 1, MINUTE_MS, Aggregate.MAX).values.max() < 3000
    # The scans themselves are there, for a while.
    assert len(site.asked(old_ms, 1)) == 900


def test_projecting_again_leaves_what_the_journal_no_longer_has(site: Site) -> None:
    old_ms = NOW_MS - 4 * DAY_MS
    site.keep(old_ms, 1)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    site.retain(NOW_MS)
    site.projector.restart(0)
    assert site.asked(old_ms, 1, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600]
    assert site.projector.drain(NOW_MS)
    for first_ms in (old_ms, NOW_MS - HOUR_MS):
        assert site.asked(first_ms, 1, HOUR_MS, Aggregate.COUNT).values.tolist() == [3600]
        assert len(site.asked(first_ms, 1, MINUTE_MS, Aggregate.LAST)) == 60


def test_a_clock_years_ahead_deletes_nothing_of_the_last_days(site: Site) -> None:
    site.keep(NOW_MS - 2 * HOUR_MS, 2)
    assert site.projector.drain(NOW_MS)
    site.retain(4_291_747_200_000)  # 2106
    assert len(site.asked(NOW_MS - 2 * HOUR_MS, 2)) == 7200
    assert len(site.asked(NOW_MS - 2 * HOUR_MS, 2, MINUTE_MS, Aggregate.MEAN)) == 120


def test_a_step_is_short(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orewatch.storage.retention.WINDOWS_AT_ONCE", 50)
    site.keep(NOW_MS - 6 * DAY_MS, 4)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    left = []
    for at in range(12):
        site.retention.step(NOW_MS + 2000 * at)
        left.append(site.tables.database.rows("SELECT COUNT(*) FROM windows")[0][0])
    assert left[:5] == [255, 205, 155, 105, 65]
    assert left[5:] == [60 + 1 + 4] * 7


def test_blocks_go_a_few_at_a_time(site: Site) -> None:
    site.keep(NOW_MS - 6 * DAY_MS, 4)
    assert site.projector.drain(NOW_MS)
    gone = [
        prune_blocks(
            site.journal,
            projections=[site.tables.name],
            scanned_before_ms=NOW_MS,
            received_before_ms=NOW_MS,
            at_most=6,
        )
        for _ in range(4)
    ]
    assert gone == [6, 6, 4, 0]


def test_many_signals_without_anything_to_delete_do_not_hold_up_the_others(site: Site) -> None:
    with site.tables.database.write() as cursor:
        names = [(f"machine {at}",) for at in range(500)]
        cursor.executemany("INSERT INTO series (unit, machine, names) VALUES ('sold', ?, '[]')", names)
    site.keep(NOW_MS - 6 * DAY_MS, 1)
    site.keep(NOW_MS - HOUR_MS, 1)
    assert site.projector.drain(NOW_MS)
    # As the writer's thread calls it: every two seconds.
    for at in range(30):
        site.retention.step(NOW_MS + 2000 * at)
    assert site.counted("windows_pruned", "1m", unit="") == 60
