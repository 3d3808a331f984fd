"""The collector's journal, projected into a real InfluxDB and into the embedded store: both hold the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.collector import Collector
from collector.settings import CollectorSettings, InfluxSettings
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.journal import JournalEntry
from orewatch.storage.query import Aggregate, Query
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import CURRENT, NOW_MS, SCHEMA, UNIT, block

if TYPE_CHECKING:
    from pathlib import Path


def test_both_stores_hold_what_the_journal_holds(tmp_path: Path, influxd: str) -> None:
    influx = InfluxSettings(url=influxd, bucket="collector")
    collector = Collector(settings=CollectorSettings(data_dir=tmp_path, influx=influx), now_ms=lambda: NOW_MS)
    collector.journal.put_schemas([SCHEMA])
    blocks = [block(n, start_ms=NOW_MS - 7_200_000 + n * 60_000, seconds=60, noisy=True) for n in range(1, 100)]
    collector.journal.commit([JournalEntry(read_header(data), data, NOW_MS) for data in blocks])
    assert collector.drain(NOW_MS)
    assert set(collector.journal.positions().values()) == {99}
    server = InfluxServer(target=InfluxTarget(url=influxd, database="collector"))
    for step, aggregate in ((None, Aggregate.RAW), (60_000, Aggregate.MEAN), (3_600_000, Aggregate.MAX)):
        query = Query(
            unit=UNIT, ref=CURRENT, start_ms=NOW_MS - 7_200_000, end_ms=NOW_MS, step_ms=step, aggregate=aggregate
        )
        here, there = collector.store.series(query), InfluxStore(server=server).series(query)
        assert here.time_ms.tolist() == there.time_ms.tolist()
        assert len(here) == {None: 99 * 60, 60_000: 99, 3_600_000: 2}[step]
        assert abs(here.values - there.values).max() < 1e-9
    assert collector.store.latest(UNIT)[CURRENT] == InfluxStore(server=server).latest(UNIT)[CURRENT]
    server.close()
    collector.close()


def test_an_influxdb_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    influx = InfluxSettings(url="http://127.0.0.1:9", bucket="collector")
    collector = Collector(settings=CollectorSettings(data_dir=tmp_path, influx=influx), now_ms=lambda: NOW_MS)
    collector.journal.put_schemas([SCHEMA])
    data = block(1)
    collector.journal.commit([JournalEntry(read_header(data), data, NOW_MS)])
    assert not collector.drain(NOW_MS)
    positions = collector.journal.positions()
    assert positions.get("influxdb", 0) == 0
    assert [p for name, p in positions.items() if name.startswith("embedded")] == [1]
    assert collector.store.latest(UNIT)[CURRENT].time_ms == NOW_MS + 4000
    collector.close()
