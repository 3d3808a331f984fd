"""Both history stores, filled the way the collector fills them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.rollup_tables import RollupTables
from orewatch.storage.rollups import roll_up, touched
from orewatch.storage.sqlite import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.projection import DecodedBlock, RollupRows
    from orewatch.storage.query import HistoryStore
    from tests.contracts.history_harness import Block, Filled

_databases = itertools.count()


class FilledInflux:
    """An InfluxDB database of its own."""

    def __init__(self, server: InfluxServer) -> None:
        self.store: HistoryStore = InfluxStore(server=server)
        self.server = server
        self.writer = InfluxWriter(server=server)
        self._known: dict[str, list[DecodedBlock]] = {}

    def write(self, *blocks: Block) -> None:
        outcome = self.writer.write([b.decoded for b in blocks])
        assert (outcome.written, outcome.retry, outcome.rejected) == (len(blocks), False, ())
        for unit in {b.decoded.header.unit for b in blocks}:
            fresh = [b.decoded for b in blocks if b.decoded.header.unit == unit]
            known = self._known.setdefault(unit, [])
            known += fresh
            for step in (MINUTE_MS, HOUR_MS):
                windows = set().union(*(touched(b, step) for b in fresh))
                self._roll(roll_up(known, windows, step))

    def _roll(self, rows: list[RollupRows]) -> None:
        outcome = self.writer.write_rollups(rows)
        assert (outcome.written, outcome.retry) == (len(rows), False)


class FilledEmbedded:
    """A journal with the embedded store over it."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal.open(path)
        self.tables = RollupTables.open(path.with_name("rollups.db"))
        self.store: HistoryStore = EmbeddedStore(journal=self.journal, tables=self.tables)

    def write(self, *blocks: Block) -> None:
        self.journal.put_schemas([b.decoded.schema for b in blocks])
        self.journal.commit([JournalEntry(b.decoded.header, b.data, b.decoded.header.last_ms) for b in blocks])


@pytest.fixture(params=["embedded", "influxdb"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    if request.param == "embedded":
        embedded = FilledEmbedded(tmp_path / "journal.db")
        yield embedded
        embedded.journal.close()
        embedded.tables.close()
        return
    url = request.getfixturevalue("influxd")
    server = InfluxServer(target=InfluxTarget(url=url, database=f"contract{next(_databases)}"))
    influx = FilledInflux(server)
    yield influx
    influx.writer.close()
    server.close()
