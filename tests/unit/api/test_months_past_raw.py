"""A month has 31 days, and raw scans are kept for 30: tonnes are counted from what is kept for longer."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.fleet.months import produced
from collector.counters import Counters
from collector.project import Projector
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import Query
from orewatch.storage.retention import prune_blocks
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.unit.api.made_plant import made_unit

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
START_MS = 1_795_363_200_000 // DAY_MS * DAY_MS
UNIT = made_unit(target_tph=10.0)
TOTAL = UNIT.roles.total
SCHEMA = Schema((ScanGroup(TOTAL.machine, "belt_scale", 60.0, (Column(TOTAL.signal, "t", 0.01),)),))


def fill(journal: Journal, hours: int) -> None:
    """Let the scale weigh 6 t in each hour, and begin again from 0 in the middle of the tenth day."""
    journal.put_schemas([SCHEMA])
    entries = []
    for hour in range(hours):
        times = START_MS + hour * HOUR_MS + MINUTE_MS * np.arange(60)
        minutes = hour * 60 + np.arange(60)
        since = np.where(minutes >= 13_990, minutes - 13_990, minutes + 500_000)
        data = encode_block(
            unit=UNIT.id,
            site=UNIT.site,
            province=UNIT.province,
            mineral="lead",
            spool=b"s" * 16,
            number=hour + 1,
            schema=SCHEMA,
            scans=[Scans(0, times, 10 * since[:, None])],
        )
        entries.append(JournalEntry(read_header(data), data, int(times[-1])))
    journal.commit(entries)


@pytest.mark.parametrize("start_ms", [START_MS, START_MS + 30 * MINUTE_MS])
def test_the_first_day_of_a_long_month_counts_though_its_scans_are_gone(tmp_path: Path, start_ms: int) -> None:
    end_ms = START_MS + 31 * DAY_MS
    with (
        closing(Journal.open(tmp_path / "journal.db")) as journal,
        closing(RollupTables.open(tmp_path / "rollups.db")) as tables,
    ):
        fill(journal, 31 * 24)
        store = EmbeddedStore(journal=journal, tables=tables)
        projector = Projector(journal=journal, projection=EmbeddedProjection(tables=tables), counters=Counters())
        assert projector.drain(end_ms)
        before = produced(store, UNIT, start_ms, end_ms)
        whole = Query(unit=UNIT.id, ref=TOTAL, start_ms=START_MS, end_ms=START_MS + DAY_MS)
        assert len(store.series(whole)) == 1440
        pruned = prune_blocks(
            journal, projections=[tables.name], scanned_before_ms=START_MS + DAY_MS, received_before_ms=end_ms
        )
        assert pruned == 24
        assert len(store.series(whole)) == 0
        after = produced(store, UNIT, start_ms, end_ms)
    assert after == before
    assert after is not None
    weighed = sum(tonnes for _, tonnes in after)
    assert weighed == pytest.approx(0.1 * (end_ms - start_ms) / MINUTE_MS, abs=0.3)
