"""A collector's folder of some hundred blocks, to be backed up and put back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from collector.counters import Counters
from collector.project import Projector
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import Aggregate, Query, Table
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import CURRENT, NOW_MS, SCHEMA, UNIT, block

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_MS = 60_000
KEPT = 600


def commit(journal: Journal, numbers: range) -> None:
    entries = []
    for number in numbers:
        data = block(number, start_ms=NOW_MS + number * MINUTE_MS, seconds=60)
        entries.append(JournalEntry(read_header(data), data, NOW_MS))
    journal.put_schemas([SCHEMA])
    journal.commit(entries)


def fill(data: Path) -> None:
    """Make a journal of :data:`KEPT` blocks, all projected."""
    data.mkdir()
    with (
        closing(Journal.open(data / "journal.db")) as journal,
        closing(RollupTables.open(data / "rollups.db")) as tables,
    ):
        commit(journal, range(1, KEPT + 1))
        projector = Projector(
            journal=journal, projection=EmbeddedProjection(tables=tables), counters=Counters(), batch=1000
        )
        assert projector.drain(NOW_MS)


def means(data: Path) -> list[float]:
    with closing(EmbeddedStore.open(data / "journal.db")) as store:
        query = Query(
            unit=UNIT,
            ref=CURRENT,
            start_ms=NOW_MS,
            end_ms=NOW_MS + 2 * KEPT * MINUTE_MS,
            step_ms=MINUTE_MS,
            aggregate=Aggregate.MEAN,
        )
        series = store.series(query)
        assert series.table is Table.MINUTE
        return list(series.values)
