"""Both history stores, filled the way the collector fills them: by its projector, out of a journal."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from collector.counters import Counters
from collector.project import Projector
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.levels import FOREVER
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.projection import Projection
    from orewatch.storage.query import HistoryStore
    from tests.contracts.history_harness import Block, Filled

_databases = itertools.count()


class Projected:
    """A store behind a journal. What is written has been projected and rolled up when ``write`` returns."""

    def __init__(self, *, journal: Journal, projection: Projection, store: HistoryStore) -> None:
        self.journal = journal
        self.store = store
        self._projector = Projector(journal=journal, projection=projection, counters=Counters())

    def write(self, *blocks: Block) -> None:
        self.journal.put_schemas([b.decoded.schema for b in blocks])
        self.journal.commit([JournalEntry(b.decoded.header, b.data, b.decoded.header.last_ms) for b in blocks])
        assert self._projector.drain(max(b.decoded.header.last_ms for b in blocks))


class Unprojected:
    """The embedded store while its projection stands still: it must answer out of the journal alone."""

    def __init__(self, *, journal: Journal, store: HistoryStore) -> None:
        self.journal = journal
        self.store = store

    def write(self, *blocks: Block) -> None:
        self.journal.put_schemas([b.decoded.schema for b in blocks])
        self.journal.commit([JournalEntry(b.decoded.header, b.data, b.decoded.header.last_ms) for b in blocks])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.db")
    yield journal
    journal.close()


@pytest.fixture(params=["embedded", "embedded-unprojected", "influxdb"])
def filled(request: pytest.FixtureRequest, journal: Journal, tmp_path: Path) -> Iterator[Filled]:
    if request.param == "influxdb":
        url = request.getfixturevalue("influxd")
        server = InfluxServer(target=InfluxTarget(url=url, database=f"contract{next(_databases)}"))
        writer = InfluxWriter(server=server, retention=FOREVER)
        yield Projected(journal=journal, projection=writer, store=InfluxStore(server=server))
        writer.close()
        server.close()
        return
    tables = RollupTables.open(tmp_path / "rollups.db")
    store = EmbeddedStore(journal=journal, tables=tables)
    if request.param == "embedded":
        yield Projected(journal=journal, projection=EmbeddedProjection(tables=tables), store=store)
    else:
        yield Unprojected(journal=journal, store=store)
    tables.close()
