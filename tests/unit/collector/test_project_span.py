"""A span written again, of one unit: beside a collector, past retention, and after a store refused it."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from collector.counters import Counters
from collector.project_span import SpanProjector, Written
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.retention import prune_blocks
from tests.unit.collector.again_harness import (
    BEGIN_MS,
    UNITS,
    Embedded,
    InInflux,
    arrivals,
    commit,
    journal_at,
    made,
    projector,
)
from tests.unit.collector.collector_harness import NOW_MS
from tests.unit.collector.influx_harness import Influx, assert_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.journal import Journal
    from orewatch.storage.projection import DecodedBlock, Projection, RollupRows, WriteOutcome


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(journal_at(tmp_path / "journal.db")) as journal:
        yield journal


def spans(journal: Journal, projection: Projection, *, raw: bool) -> SpanProjector:
    return SpanProjector(
        journal=journal,
        projection=projection,
        counters=Counters(),
        wait=lambda seconds, why: pytest.fail(f"waits {seconds} s: {why}"),
        now_ms=lambda: NOW_MS,
        raw=raw,
    )


def test_a_span_written_again_changes_nothing_and_mends_what_is_broken(journal: Journal, influxd: str) -> None:
    store = InInflux(influxd)
    for batch in arrivals():
        commit(journal, batch)
    assert projector(journal, store.projection).drain(NOW_MS)
    whole = store.dump()
    assert_whole(journal, store.influx)
    for start, end in ((0.0, 6.0), (1.3, 2.1), (2.01, 2.02), (5.5, 400.0)):
        for unit in UNITS:
            spans(journal, store.projection, raw=True).project(
                unit, BEGIN_MS + round(start * HOUR_MS), BEGIN_MS + round(end * HOUR_MS)
            )
        assert store.dump() == whole
    lost = (BEGIN_MS + HOUR_MS, BEGIN_MS + 2 * HOUR_MS)
    for name in ("jaw_crusher", "jaw_crusher_1m", "jaw_crusher_1h", "signal_quality"):
        store.influx.server.query(
            f"DELETE FROM \"{name}\" WHERE unit = 'pb-01' AND time >= {lost[0]}ms AND time < {lost[1]}ms"
        )
    assert store.dump() != whole
    told: list[int] = []
    written = spans(journal, store.projection, raw=True).project("pb-01", *lost, told=lambda at, _: told.append(at))
    assert store.dump() == whole
    assert told == [lost[1]]
    assert written.blocks > 10
    assert written.refused == {}
    store.close()


def test_the_embedded_rollups_of_a_span_are_made_again(journal: Journal, tmp_path: Path) -> None:
    store = Embedded(tmp_path)
    for batch in arrivals():
        commit(journal, batch)
    assert projector(journal, store.projection).drain(NOW_MS)
    whole = store.dump()
    database: Any = store.tables.database
    with database.write() as cursor:
        cursor.execute("DELETE FROM windows WHERE window >= ?", (BEGIN_MS + 2 * HOUR_MS,))
    assert store.dump() != whole
    for unit in UNITS:
        spans(journal, store.projection, raw=False).project(unit, BEGIN_MS + 2 * HOUR_MS, NOW_MS + HOUR_MS)
    assert store.dump() == whole
    store.close()


def test_beside_a_collector_that_takes_late_blocks_all_the_while(journal: Journal, influxd: str) -> None:
    store, fresh = InInflux(influxd), InInflux(influxd)
    batches = arrivals(11)
    for batch in batches[:4]:
        commit(journal, batch)
    beside = Influx(influxd, store.influx.server.target.database, name=store.projection.name)

    def collect() -> None:
        running = projector(journal, store.projection)
        for batch in batches[4:]:
            commit(journal, batch)
            running.step(NOW_MS)
        assert running.drain(NOW_MS)

    collecting = threading.Thread(target=collect)
    collecting.start()
    rounds = 0
    while collecting.is_alive() or not rounds:
        for unit in UNITS:
            spans(journal, beside.writer, raw=True).project(unit, BEGIN_MS, NOW_MS)
        rounds += 1
    collecting.join()
    beside.close()
    assert projector(journal, fresh.projection).drain(NOW_MS)
    assert store.dump() == fresh.dump()
    store.close()
    fresh.close()


def test_blocks_that_come_meanwhile_are_not_written_over(journal: Journal, influxd: str) -> None:
    store, fresh = InInflux(influxd), InInflux(influxd)
    early, late = (made("pb-01", bytes([n]) * 16, 1, BEGIN_MS, 100, n) for n in (0, 1))
    commit(journal, [early])
    assert projector(journal, store.projection).drain(NOW_MS)

    class Overtaken:
        """While ours is written, the collector takes a later block of the same times and projects it."""

        name = store.projection.name

        def write(self, blocks: list[DecodedBlock]) -> WriteOutcome:
            if journal.newest_position() == 1:
                commit(journal, [late])
                assert projector(journal, store.projection).drain(NOW_MS)
            return store.projection.write(blocks)

        def write_rollups(self, rows: list[RollupRows]) -> WriteOutcome:
            return store.projection.write_rollups(rows)

    spans(journal, Overtaken(), raw=True).project("pb-01", BEGIN_MS, NOW_MS)  # type: ignore[arg-type]
    assert projector(journal, fresh.projection).drain(NOW_MS)
    assert store.dump() == fresh.dump()
    store.close()
    fresh.close()


def test_windows_that_retention_has_cut_into_are_left_as_they_are(journal: Journal, influxd: str) -> None:
    store = InInflux(influxd)
    blocks = [made("pb-01", b"\x00" * 16, n + 1, BEGIN_MS + n * 10 * MINUTE_MS, 300, n) for n in range(12)]
    commit(journal, blocks)
    assert projector(journal, store.projection).drain(NOW_MS)
    whole = store.dump()
    with journal.database.write() as cursor:
        cursor.execute("UPDATE blocks SET received_ms = 0 WHERE position <= 3")
    pruned = prune_blocks(journal, projections=[store.projection.name], scanned_before_ms=NOW_MS, received_before_ms=1)
    assert pruned == 3
    written = spans(journal, store.projection, raw=True).project("pb-01", BEGIN_MS, NOW_MS)
    assert isinstance(written, Written)
    assert written.blocks == 9
    # The first hour's window would have come out of half its blocks.
    assert store.dump() == whole
    store.close()


def test_what_a_collector_prunes_meanwhile_is_not_taken_for_the_whole(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Embedded(tmp_path)
    commit(journal, [made("pb-01", b"\x00" * 16, n + 1, BEGIN_MS + n * 10 * MINUTE_MS, 300, n) for n in range(12)])
    assert projector(journal, store.projection).drain(NOW_MS)
    whole = store.dump()
    mine = spans(journal, store.projection, raw=False)
    span = mine._reader.span
    calls: list[int] = []

    def pruned_under_our_hands(unit: str, start_ms: int, end_ms: int) -> list[DecodedBlock]:
        calls.append(start_ms)
        if len(calls) == 3:
            names = [store.projection.name]
            bound_ms = BEGIN_MS + 28 * MINUTE_MS
            assert prune_blocks(journal, projections=names, scanned_before_ms=bound_ms, received_before_ms=NOW_MS + 1)
        return span(unit, start_ms, end_ms)

    monkeypatch.setattr(mine._reader, "span", pruned_under_our_hands)
    mine.project("pb-01", BEGIN_MS, NOW_MS)
    assert len(calls) > 3
    # The first hour would have been made of half its blocks.
    assert store.dump() == whole
    store.close()


def test_letters_of_what_the_store_takes_at_last_are_settled(journal: Journal, influxd: str) -> None:
    store = InInflux(influxd)
    commit(journal, [made("pb-01", b"\x00" * 16, n + 1, BEGIN_MS + n * MINUTE_MS, 60, n) for n in range(3)])
    foreign = [("autogen", "jaw_crusher load=1i"), ("hours", "jaw_crusher_1h max_load=1i")]
    assert projector(journal, store.projection).drain(NOW_MS)
    for policy, line in foreign:
        store.influx.server.query(f'DROP MEASUREMENT "{line.split()[0]}"')
        params = {"db": store.influx.server.target.database, "rp": policy, "precision": "ms"}
        assert store.influx.server.http.post("/write", params=params, content=f"{line} {BEGIN_MS}").is_success
    written = spans(journal, store.projection, raw=True).project("pb-01", BEGIN_MS, NOW_MS)
    assert written.refused == {"field_type": 4}
    assert len(journal.dead_letters()) == 4
    # The operator drops the wrong field with its measurement, and writes the span again.
    for _, line in foreign:
        store.influx.server.query(f'DROP MEASUREMENT "{line.split()[0]}"')
    written = spans(journal, store.projection, raw=True).project("pb-01", BEGIN_MS, NOW_MS)
    assert (written.blocks, written.refused) == (3, {})
    assert journal.dead_letters() == []
    assert_whole(journal, store.influx)
    store.close()


def test_years_without_anything_are_not_searched(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Embedded(tmp_path)
    commit(journal, [made("pb-01", b"\x00" * 16, n + 1, BEGIN_MS + n * 400_000, 300, n) for n in range(4)])
    looked: list[int] = []
    positions = journal.span_positions

    def counted(unit: str, first_ms: int, end_ms: int) -> list[int]:
        looked.append(first_ms)
        return positions(unit, first_ms, end_ms)

    monkeypatch.setattr(journal, "span_positions", counted)
    written = spans(journal, store.projection, raw=False).project("pb-01", 0, 2 * NOW_MS)
    assert written.blocks == 4
    assert len(looked) < 20
    assert spans(journal, store.projection, raw=False).project("zn-02", 0, 2 * NOW_MS).blocks == 0
    store.close()
