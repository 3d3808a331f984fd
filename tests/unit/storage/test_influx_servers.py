"""Against real servers: an InfluxDB 1.6, written by ``/write``, and a VictoriaMetrics, by ``/api/v2/write``."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_setup import ensure
from orewatch.storage.influx_store import InfluxStore
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import FOREVER, Retention
from orewatch.storage.projection import DecodedBlock, RejectedBy
from orewatch.storage.query import HOUR_MS, Aggregate, Query, StoreError, Table
from orewatch.storage.rollups import roll_up, touched
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.servers import free_port, running_influxd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_MS = 1_795_363_200_000
SCHEMA = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("x", "1", 0.1), Column("y", "1", 0.01))),))
X = SignalRef("jaw", "x")
ROWS = 5


def block(number: int, *, start_ms: int = START_MS, unit: str = "pb-01") -> DecodedBlock:
    steps = np.arange(2 * ROWS).reshape(ROWS, 2) + 100 * number
    data = encode_block(
        unit=unit,
        site="Nakhlak, shaft 2",
        province="Isfahan",
        mineral="lead",
        spool=b"s" * 16,
        number=number,
        schema=SCHEMA,
        scans=[Scans(0, start_ms + 60_000 * number + 1000 * np.arange(ROWS), steps)],
    )
    return DecodedBlock(read_header(data), SCHEMA, decode_block(data, SCHEMA))


@contextmanager
def writing(url: str, database: str) -> Iterator[tuple[InfluxServer, InfluxWriter]]:
    server = InfluxServer(target=InfluxTarget(url=url, database=database, timeout_s=10))
    writer = InfluxWriter(server=server, retention=FOREVER)
    try:
        yield server, writer
    finally:
        writer.close()
        server.close()


def test_a_field_of_another_type_costs_only_the_blocks_it_is_in(influxd: str) -> None:
    with writing(influxd, "conflict") as (server, writer):
        assert writer.write([block(1)]).written == 1
        # Somebody else wrote an integer first, in another week: there the type of x is fixed.
        week = 7 * 86_400_000
        foreign = f"jaw_crusher,unit=other x=1i {START_MS - week}"
        params = {"db": "conflict", "precision": "ms"}
        assert server.http.post("/write", params=params, content=foreign).status_code == 204
        outcome = writer.write([block(2), block(3, start_ms=START_MS - week), block(4)])
        assert (outcome.written, outcome.retry) == (3, False)
        assert [(r.header.number, r.reason) for r in outcome.rejected] == [(3, RejectedBy.FIELD_TYPE)]
        found = InfluxStore(server=server).many("pb-01", [X], START_MS, START_MS + 600_000)[X]
        assert len(found) == 3 * ROWS


def test_blocks_beyond_retention_are_named_and_the_others_stored_in_one_request(influxd: str) -> None:
    with writing(influxd, "short") as (server, writer):
        now_ms = time.time_ns() // 1_000_000
        ensure(server, Retention(raw_days=2), now_ms=now_ms)
        days = (0.1, 5, 0.2, 40, 0.3)
        blocks = [block(n, start_ms=now_ms - round(d * 86_400_000) - n * 60_000) for n, d in enumerate(days, 1)]
        outcome = writer.write(blocks)
        assert (outcome.written, outcome.retry) == (5, False)
        assert [(r.header.number, r.reason) for r in outcome.rejected] == [
            (2, RejectedBy.RETENTION), (4, RejectedBy.RETENTION),
        ]  # fmt: skip
        assert len(InfluxStore(server=server).many("pb-01", [X], 0, 2 * now_ms)[X]) == 3 * ROWS


def test_a_server_that_dies_and_comes_back_gets_everything(tmp_path: Path) -> None:
    port = free_port()
    with writing(f"http://127.0.0.1:{port}", "lives") as (server, writer):
        assert writer.write([block(1)]).retry
        with running_influxd(tmp_path, port):
            assert writer.write([block(1)]).written == 1
        outcome = writer.write([block(2)])
        assert (outcome.written, outcome.retry) == (0, True)
        with pytest.raises(StoreError, match=f"InfluxDB at http://127.0.0.1:{port}"):
            InfluxStore(server=server).latest("pb-01")
        with running_influxd(tmp_path, port):
            assert writer.write([block(2)]).written == 1
            query = Query(unit="pb-01", ref=X, start_ms=START_MS, end_ms=START_MS + 600_000)
            assert len(InfluxStore(server=server).series(query)) == 2 * ROWS


def test_what_retention_removed_is_answered_from_rollups(influxd: str) -> None:
    kept = block(1)
    with writing(influxd, "removed") as (server, writer):
        writer.write([kept])
        writer.write_rollups(roll_up([kept], touched(kept, HOUR_MS), HOUR_MS))
        query = Query(
            unit="pb-01", ref=X, start_ms=START_MS, end_ms=START_MS + HOUR_MS, step_ms=HOUR_MS, aggregate=Aggregate.MAX
        )
        store = InfluxStore(server=server)
        from_raw = store.series(query)
        server.query(f"DELETE FROM jaw_crusher WHERE time < {START_MS + HOUR_MS}ms")
        from_rollups = store.series(query)
    assert (from_raw.table, from_rollups.table) == (Table.RAW, Table.HOUR)
    assert from_raw.values.tolist() == from_rollups.values.tolist() == [10.8]
    assert from_raw.time_ms.tolist() == from_rollups.time_ms.tolist() == [START_MS]


def test_a_refused_query_is_a_store_error(influxd: str) -> None:
    with writing(influxd, "none") as (server, _), pytest.raises(StoreError, match="database not found: none"):
        InfluxStore(server=server).latest("pb-01")


def test_influxdb_clients_bytes_arrive_in_a_victoria_metrics(victoria_metrics: str) -> None:
    with writing(victoria_metrics, "orewatch") as (server, writer):
        assert server.version() is None or server.version() >= (1, 8)  # type: ignore[operator]
        now_ms = time.time_ns() // 1_000_000 // 1000 * 1000 - 600_000
        blocks = [block(n, start_ms=now_ms, unit="vm-01") for n in (1, 2)]
        assert writer.write(blocks).written == 2
        # Again: the same points, nothing more.
        assert writer.write(blocks).written == 2
        httpx.get(f"{victoria_metrics}/internal/force_flush", trust_env=False)
        params = {"match[]": '{__name__="jaw_crusher_x"}', "start": str(now_ms // 1000)}
        answer = httpx.get(f"{victoria_metrics}/api/v1/export", params=params, trust_env=False)
        (series,) = [json.loads(line) for line in answer.text.splitlines()]
    assert {k: v for k, v in series["metric"].items() if k not in {"__name__", "db"}} == {
        "machine": "jaw", "mineral": "lead", "province": "Isfahan", "site": "Nakhlak, shaft 2", "unit": "vm-01",
    }  # fmt: skip
    found = dict(zip(series["timestamps"], series["values"], strict=True))
    expected = {
        int(t): steps / 10
        for b in blocks
        for t, steps in zip(b.scans[0].time_ms, b.scans[0].steps[:, 0].tolist(), strict=True)
    }
    assert found == expected
