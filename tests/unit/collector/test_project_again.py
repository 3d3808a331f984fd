"""Everything projected again gives the same store, whatever came late, twice or crosswise, and whatever was killed."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from collector.counters import Counters
from collector.project import Projector
from collector.project_span import SpanProjector, Written
from orewatch.plant.catalogue import SignalRef
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.retention import prune_blocks
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.telemetry.block import encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from tests.unit.collector.collector_harness import NOW_MS, OTHER_SCHEMA, SCHEMA
from tests.unit.collector.influx_harness import Influx, assert_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.projection import DecodedBlock, Projection, RollupRows, WriteOutcome

UNITS = ("pb-01", "zn-02")
BEGIN_MS = NOW_MS - 6 * HOUR_MS
_names = itertools.count()


def made(unit: str, spool: bytes, number: int, start_ms: int, seconds: int, seed: int) -> bytes:
    """Return a block of noise with BAD and absent readings; every fourth spool is of a later schema."""
    rng = np.random.default_rng(seed)
    schema = OTHER_SCHEMA if spool[0] % 4 == 3 else SCHEMA
    width = len(schema.groups[0].columns)
    quality = rng.choice([int(Quality.GOOD)] * 6 + [int(Quality.BAD), int(Quality.ABSENT)], (seconds, width))
    scans = Scans(
        0, start_ms + 1000 * np.arange(seconds), rng.integers(-900, 900, (seconds, width)), quality.astype(np.uint8)
    )
    return encode_block(
        unit=unit, site="Nakhlak", province="Isfahan", mineral="lead", spool=spool, number=number, schema=schema,
        scans=[scans],
    )  # fmt: skip


def arrivals(seed: int = 7) -> list[list[bytes]]:
    """Return batches as they reach the journal: late ones, overlapping ones of another spool, some sent again."""
    rng = np.random.default_rng(seed)
    blocks: list[bytes] = []
    for unit, spool in itertools.product(UNITS, (b"\x00" * 16, b"\x01" * 16, b"\x03" * 16)):
        for number in range(1, 25):
            start_ms = BEGIN_MS + number * 9 * MINUTE_MS + int(rng.integers(0, 400)) * 1000
            blocks.append(made(unit, spool, number, start_ms, int(rng.integers(20, 400)), int(rng.integers(0, 2**31))))
    order = rng.permutation(len(blocks))
    again = rng.choice(len(blocks), 30)
    shuffled = [blocks[i] for i in [*order, *again]]
    return [shuffled[at : at + 12] for at in range(0, len(shuffled), 12)]


def commit(journal: Journal, batch: list[bytes]) -> None:
    journal.commit([JournalEntry(read_header(d), d, NOW_MS) for d in batch])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.db")
    journal.put_schemas([SCHEMA, OTHER_SCHEMA])
    yield journal
    journal.close()


class Embedded:
    """The embedded store's file."""

    def __init__(self, folder: Path) -> None:
        self.tables = RollupTables.open(folder / f"rollups{next(_names)}.db")
        self.projection: Projection = EmbeddedProjection(tables=self.tables)

    def dump(self) -> object:
        # By signal: how signals are put together into rows may differ.
        refs = [SignalRef("jaw", "motor_current"), SignalRef("jaw", "load")]
        found = {}
        for unit, ref, step_ms in itertools.product(UNITS, refs, (MINUTE_MS, HOUR_MS)):
            w = self.tables.windows(unit, ref, step_ms, 0, 2 * NOW_MS)
            columns = (w.time_ms, w.mean, w.low, w.high, w.count, w.last)
            # An hour made of its minutes may differ from one made of its blocks in the last digit of the mean.
            found[unit, ref, step_ms] = [np.round(column, 9).tolist() for column in columns]
        return found, {u: self.tables.latest(u) for u in UNITS}

    def close(self) -> None:
        self.tables.close()


class InInflux:
    """A database of its own in the real InfluxDB."""

    def __init__(self, url: str) -> None:
        name = f"again{next(_names)}"
        self.influx = Influx(url, name, name=name)
        self.projection: Projection = self.influx.writer

    def dump(self) -> object:
        return self.influx.dump()

    def close(self) -> None:
        self.influx.close()


@pytest.fixture(params=["embedded", "influxdb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Embedded] | list[InInflux]]:
    """Two empty stores of a kind."""
    if request.param == "embedded":
        both: list[Any] = [Embedded(tmp_path), Embedded(tmp_path)]
    else:
        url = request.getfixturevalue("influxd")
        both = [InInflux(url), InInflux(url)]
    yield both
    for store in both:
        store.close()


def projector(journal: Journal, projection: Projection) -> Projector:
    return Projector(journal=journal, projection=projection, counters=Counters(), batch=16)


class DyingError(Exception):
    """The process was killed."""


class Dying:
    """A projection whose process is killed after some writes: what was written is written, nobody knows of it."""

    def __init__(self, behind: Projection, lives: list[int]) -> None:
        self.name = behind.name
        self._behind = behind
        self._lives = lives

    def write(self, blocks: list[DecodedBlock]) -> WriteOutcome:
        return self._then_die(self._behind.write(blocks))

    def write_rollups(self, rows: list[RollupRows]) -> WriteOutcome:
        return self._then_die(self._behind.write_rollups(rows))

    def _then_die(self, outcome: WriteOutcome) -> WriteOutcome:
        self._lives[0] -= 1
        if self._lives[0] == 0:
            raise DyingError
        return outcome


def test_everything_projected_again_is_the_same_store(journal: Journal, stores: list[Any]) -> None:
    first, second = stores
    lives = [3]
    for batch in arrivals():
        commit(journal, batch)
        # Killed again and again between a write and the note of it; each life begins with what was noted.
        try:
            projector(journal, Dying(first.projection, lives)).step(NOW_MS)  # type: ignore[arg-type]
        except DyingError:
            lives[0] = 4
    assert projector(journal, first.projection).drain(NOW_MS)
    assert projector(journal, second.projection).drain(NOW_MS)
    assert len(str(first.dump())) > 30_000
    assert first.dump() == second.dump()
    # And into a store that has it all already.
    again = projector(journal, first.projection)
    again.restart(0)
    assert again.drain(NOW_MS)
    assert first.dump() == second.dump()


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
