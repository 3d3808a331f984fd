"""The collector's own points, on a real InfluxDB; and what becomes of them while it is away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from collector.collector import Collector
from collector.health_thread import HealthThread
from collector.influx import server_of
from collector.settings import CollectorSettings, InfluxSettings
from orewatch.storage.health_points import HealthPoints, collector_fields
from orewatch.storage.vitals import CertificateSigns
from tests.servers import free_port, running_influxd
from tests.unit.api.made_signs import INFLUX, WAITING, vitals
from tests.unit.collector.collector_harness import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_fields_are_those_of_the_contract() -> None:
    embedded = INFLUX.model_copy(update={"name": "embedded-1a2b3c4d"})
    ends = (CertificateSigns(name="ca", not_after_ms=NOW_MS + 30 * 86_400_000),)
    told = vitals(
        at_ms=NOW_MS,
        projections=(embedded, WAITING),
        certificates=ends,
        blocks_s=3.0,
        values_s=700.0,
        letters={"rejected": 2, "waiting": 1},
    )
    fields = collector_fields(told)
    assert {name: value for name, value in fields.items() if name.endswith(("_embedded", "_influxdb"))} == {
        "lag_blocks_embedded": 0,
        "lag_s_embedded": 0.0,
        "store_up_embedded": True,
        "lag_blocks_influxdb": 7,
        "lag_s_influxdb": 9e5,
        "store_up_influxdb": False,
    }
    assert (fields["blocks_s"], fields["values_s"], fields["dead_letters"]) == (3.0, 700.0, 3)
    assert fields["certificate_days"] == pytest.approx(30.0)
    assert fields["disk_free_h"] is None, "left out while it is not known"
    assert collector_fields(vitals())["certificate_days"] is None


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[str]:
    with running_influxd(tmp_path) as url:
        # The projection makes it in a deployment, or `orewatch storage init`.
        httpx.post(f"{url}/query", data={"q": "CREATE DATABASE orewatch"}).raise_for_status()
        yield url


def test_points_are_written_and_those_of_an_outage_are_counted(influx: str) -> None:
    server = server_of(InfluxSettings(url=influx))
    points = HealthPoints(server=server, process="collector")
    assert points.write({"queue_bytes": 5, "store_up_influxdb": True, "disk_free_h": None}, NOW_MS)
    ((rows,),) = server.query('SELECT * FROM "health"')
    assert dict(zip(rows.columns, rows.values[0], strict=True)) == {
        "time": NOW_MS,
        "process": "collector",
        "queue_bytes": 5,
        "store_up_influxdb": 1,
    }
    away = HealthPoints(server=server_of(InfluxSettings(url=f"http://127.0.0.1:{free_port()}")), process="collector")
    assert not away.write({"queue_bytes": 5}, NOW_MS)
    assert (points.dropped, away.dropped) == (0, 1)
    away.close()
    points.close()


def test_the_thread_writes_the_newest_signs_and_ends(influx: str, tmp_path: Path) -> None:
    settings = CollectorSettings(data_dir=tmp_path / "data", influx=InfluxSettings(url=influx))
    collector = Collector(settings=settings, now_ms=lambda: NOW_MS)
    server = server_of(InfluxSettings(url=influx))
    thread = HealthThread(server=server, signs=collector.signs, each_s=0.02)
    thread.start()
    collector.signs.keep(collector.writer, NOW_MS, 0.0)
    end = time.monotonic() + 20
    while not (rows := server.query('SELECT count("queue_bytes") FROM "health"')[0]) and time.monotonic() < end:
        time.sleep(0.05)
    assert rows
    thread.end()
    collector.close()
