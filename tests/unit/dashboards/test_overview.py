"""The overview is a dashboard Grafana can read, and every one of its queries runs on a real InfluxDB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dashboards.build import GENERATED, OVERVIEW_UID, as_json, dashboards, read_back, write
from orewatch.plant.catalogue import SignalKind, catalogue
from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.projection import DecodedBlock
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.influx import Rows

SPAN_S = 600
PUT_IN_PLACE = {"$__interval": "60s", "/^$unit$/": "/^.+$/"}


@pytest.fixture(scope="module")
def overview() -> dict[str, Any]:
    built: dict[str, Any] = json.loads(as_json(dashboards()["overview"]))
    return built


@pytest.fixture(scope="module")
def store(influxd: str) -> Iterator[InfluxServer]:
    """An InfluxDB with ten minutes of four units, each signal beyond its limits, one of them bad at the end."""
    server = InfluxServer(target=InfluxTarget(url=influxd, database="dashboards"))
    writer = InfluxWriter(server=server)
    outcome = writer.write([_ten_minutes(name) for name in catalogue().circuits])
    assert (outcome.retry, outcome.rejected) == (False, ())
    yield server
    writer.close()
    server.close()


def _ten_minutes(circuit: str) -> DecodedBlock:
    unit = unit_from_circuit(unit_id=f"{circuit}-01", circuit=circuit, site="a 'site'", province="p", model="m")
    schema = schema_of(unit)
    scans = []
    # The queries ask for "now", which is the server's clock.
    now_ms = int(np.datetime64("now", "ms").astype(np.int64))
    for number, group in enumerate(schema.groups):
        times = now_ms - 1000 * SPAN_S + np.arange(0, 1000 * SPAN_S, int(1000 * group.period_s))
        steps = np.empty((len(times), len(group.columns)), np.int64)
        for i, column in enumerate(group.columns):
            signal = unit.machines[group.machine].signals[column.name]
            top = 1 if signal.kind is SignalKind.DIGITAL else round(signal.high / (signal.resolution or 1))
            steps[:, i] = np.arange(len(times)) if signal.kind is SignalKind.TOTALISER else top
        quality = np.zeros(steps.shape, np.uint8)
        quality[-1, 0] = Quality.BAD
        scans.append(Scans(number, times, steps, quality))
    data = encode_block(
        unit=unit.id, site=unit.site, province="p", mineral=unit.mineral, spool=bytes(16), number=1,
        schema=schema, scans=scans,
    )  # fmt: skip
    return DecodedBlock(read_header(data), schema, decode_block(data, schema))


def queries(built: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in built["panels"]:
        for target in panel.get("targets", []):
            query = target["query"]
            for name, value in PUT_IN_PLACE.items():
                query = query.replace(name, value)
            yield panel["title"], query.replace("$timeFilter", "time >= now() - 1h")


def test_grafana_reads_back_what_was_built(overview: dict[str, Any]) -> None:
    assert json.loads(as_json(read_back(json.dumps(overview)))) == overview


def test_the_generated_file_is_what_the_code_builds(tmp_path: Path) -> None:
    fresh = {f.name: f.read_text(encoding="utf-8") for f in write(tmp_path)}
    kept = {f.name: f.read_text(encoding="utf-8") for f in GENERATED.glob("*.json")}
    assert kept == fresh, "run: orewatch dashboards build"


def test_uids_and_panel_numbers_are_unique(overview: dict[str, Any]) -> None:
    assert overview["uid"] == OVERVIEW_UID
    uids = [json.loads(as_json(d))["uid"] for d in dashboards().values()]
    assert len(set(uids)) == len(uids)
    numbers = [p["id"] for p in overview["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert all(n > 0 for n in numbers)
    for panel in overview["panels"]:
        refs = [t["refId"] for t in panel.get("targets", [])]
        assert len(set(refs)) == len(refs)


def test_panels_do_not_overlap(overview: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in overview["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_query_runs_and_finds_something(overview: dict[str, Any], store: InfluxServer) -> None:
    found: dict[str, list[list[Rows]]] = {}
    for title, query in queries(overview):
        assert "$" not in query.replace("+$/", "")
        (answer,) = store.query(query)
        found.setdefault(title, []).append(answer)
    empty = [(title, i) for title, answers in found.items() for i, answer in enumerate(answers) if not answer]
    assert empty == []
    assert {rows.tags["unit"] for rows in found["Throughput"][0]} == {f"{c}-01" for c in catalogue().circuits}
    assert {rows.tags["unit"] for rows in found["Machines running"][0]} == {f"{c}-01" for c in catalogue().circuits}
    bad = {(rows.tags["machine"], rows.tags["signal"]) for rows in found["Signals of bad quality"][0]}
    assert ("jaw", "bearing_temperature") in bad or len(bad) > 10


def test_the_unit_can_be_chosen(overview: dict[str, Any], store: InfluxServer) -> None:
    (variable,) = overview["templating"]["list"]
    ((rows,),) = store.query(variable["query"])
    assert sorted(value for _, value in rows.values) == sorted(f"{c}-01" for c in catalogue().circuits)
    only = "lead-01"
    for panel in overview["panels"]:
        for target in panel.get("targets", []):
            if "$unit" not in target["query"]:
                continue
            query = target["query"].replace("$unit", only).replace("$timeFilter", "time > now() - 1h")
            (answer,) = store.query(query.replace("$__interval", "60s"))
            assert {rows.tags["unit"] for rows in answer} <= {only}


def test_tonnes_are_what_the_totaliser_gained(overview: dict[str, Any], store: InfluxServer) -> None:
    (query,) = [q for title, q in queries(overview) if title.startswith("Tonnes")]
    (answer,) = store.query(query)
    # One step of 0.001 t each ten seconds; the first minute has no earlier one to be compared with.
    for rows in answer:
        assert rows.values[0][1] == pytest.approx(0.001 * SPAN_S / 10, rel=0.25)


def test_no_datasource_but_ours(overview: dict[str, Any]) -> None:
    text = json.dumps(overview)
    assert "http://" not in text
    assert "https://" not in text
    uids = {t["datasource"]["uid"] for p in overview["panels"] for t in p.get("targets", [])}
    assert uids == {"orewatch-influxdb"}
