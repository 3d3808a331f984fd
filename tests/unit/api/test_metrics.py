"""``/metrics``: text that Prometheus's own parser takes, with names as it wants them, and figures to the last digit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.exposition import Family, Sample, exposition, gauge, histogram
from api.service import Service
from api.settings import ApiSettings
from orewatch.storage.durations import Durations
from orewatch.storage.registry import CounterKey, Registry
from tests.unit.api.made_plant import T0, made_unit
from tests.unit.api.made_signs import BEHIND, INFLUX, vitals
from tests.unit.collector.collector_harness import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WANTED = (
    "collector_values_stored",
    "collector_stored_bytes",
    "collector_rejected",
    "collector_queue_bytes",
    "collector_commit_seconds",
    "collector_letters",
    "collector_record_age_seconds",
    "collector_broker_connected",
    "projection_lag_blocks",
    "projection_lag_seconds",
    "projection_up",
    "projection_dirty_windows",
    "broker_connected",
    "tick_duration_seconds",
    "memory_save_seconds",
    "units",
    "alerts_raised",
    "outbox_letters",
    "outbox_oldest_seconds",
    "outbox_failures",
    "viewers",
    "stream_frames",
    "check_ok",
    "ready",
    "store_up",
    "disk_free_bytes",
    "unit_spool_blocks",
    "unit_spool_dropped_scans",
    "unit_last_seen_timestamp_seconds",
)
HOSTILE = 'pb"01\\\n'


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    registry = Registry.open(tmp_path / "journal.db")
    registry.put(
        record("mn-01", description=made_unit().to_json(), depth=12, dropped=3, last_seen_ms=T0 + 500), record(HOSTILE)
    )
    registry.put_counters(
        [
            (CounterKey("mn-01", "values_stored"), 123_456_789_012),
            (CounterKey("mn-01", "bytes_stored"), 17),
            (CounterKey(HOSTILE, "rejected", "malformed"), 2),
            (CounterKey("", "something_new", "x"), 1),
        ]
    )
    waiting = BEHIND.model_copy(update={"name": "embedded-1", "waiting_since_ms": T0, "last_success_ms": T0})
    commits = Durations()
    commits.took(0.003)
    commits.took(99.0)
    registry.put_vitals(
        "collector", vitals(projections=(INFLUX, waiting), commits=commits.histogram(), letters={"rejected": 4})
    )
    made = Service(settings=ApiSettings(data_dir=tmp_path), store=None, registry=registry, now_ms=lambda: T0)
    yield made
    made.database.close()
    made.inputs.close()
    registry.close()


async def text_of(service: Service) -> str:
    transport = httpx.ASGITransport(app=create_app(service=service))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def families(text: str) -> dict[str, Any]:
    found = list(text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found), "a family stands in one piece"
    return {family.name: family for family in found}


async def test_prometheus_takes_it_and_its_names_are_as_it_wants_them(service: Service) -> None:
    found = families(await text_of(service))
    for name, family in found.items():
        assert re.fullmatch(r"orewatch_[a-z0-9_]+", name)
        assert family.documentation
        assert family.type in {"gauge", "counter", "histogram"}
        # The parser cuts a counter's _total off: without it the type is unknown to later versions.
        assert all(s.name.endswith("_total") for s in family.samples) == (family.type == "counter"), name
        assert len({(s.name, tuple(sorted(s.labels.items()))) for s in family.samples}) == len(family.samples)
        assert not re.search(r"_(ms|milliseconds|kb|mb|minutes|hours)$", name), "base units alone"


async def test_every_stage_is_there(service: Service) -> None:
    found = families(await text_of(service))
    assert [w for w in WANTED if f"orewatch_{w}" not in found] == []


async def test_figures_are_whole_and_told_apart(service: Service) -> None:
    text = await text_of(service)
    found = families(text)

    def value(name: str, **labels: str) -> float:
        family = found[name.removesuffix("_total")]
        return float(next(s.value for s in family.samples if s.name == name and labels.items() <= s.labels.items()))

    assert value("orewatch_collector_values_stored_total", unit="mn-01") == 123_456_789_012
    assert " 123456789012\n" in text, "not 1.23457e+11"
    assert value("orewatch_collector_rejected_total", unit=HOSTILE, reason="malformed") == 2
    assert value("orewatch_collector_something_new_total", reason="x") == 1
    assert value("orewatch_projection_up", store="influxdb") == 1
    assert value("orewatch_projection_up", store="embedded-1") == 0
    assert value("orewatch_projection_lag_blocks", store="embedded-1") == 7
    assert value("orewatch_unit_spool_blocks", unit="mn-01") == 12
    assert value("orewatch_unit_spool_dropped_scans_total", unit="mn-01") == 3
    samples = {(s.name, s.labels.get("le")): s.value for s in found["orewatch_collector_commit_seconds"].samples}
    assert samples["orewatch_collector_commit_seconds_bucket", "0.0025"] == 0
    assert samples["orewatch_collector_commit_seconds_bucket", "0.005"] == 1
    assert samples["orewatch_collector_commit_seconds_bucket", "10"] == 1
    assert samples["orewatch_collector_commit_seconds_bucket", "+Inf"] == 2
    assert samples["orewatch_collector_commit_seconds_sum", None] == pytest.approx(99.003)


async def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    made = Service(settings=ApiSettings(data_dir=tmp_path), store=None, registry=None, now_ms=lambda: T0)
    found = families(await text_of(made))
    assert not any(name.startswith(("orewatch_collector_", "orewatch_projection_")) for name in found)
    assert [s.labels["of"] for s in found["orewatch_disk_free_bytes"].samples] == ["service"]
    made.database.close()
    made.inputs.close()


def test_the_text_of_one_family() -> None:
    told = exposition([gauge("a", "help", None), Family("b", "gauge", "more", [Sample({"x": 'q"\\\n'}, 0.1 + 0.2)])])
    assert told == '# HELP b more\n# TYPE b gauge\nb{x="q\\"\\\\\\n"} 0.30000000000000004\n'
    empty = exposition([histogram("c", "help", Durations([1]).histogram())])
    assert 'c_bucket{le="1"} 0\nc_bucket{le="+Inf"} 0\nc_sum 0\nc_count 0\n' in empty
