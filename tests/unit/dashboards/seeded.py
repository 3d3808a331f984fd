"""An InfluxDB with what the boards read: scans by the real writer, the rest by the names that its writers keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import numpy as np

from orewatch.plant.catalogue import SignalKind, catalogue
from orewatch.plant.states import STATE_CODES, STATES, State
from orewatch.plant.unit import Unit, unit_from_circuit
from orewatch.storage.influx import InfluxServer, InfluxTarget, quoted
from orewatch.storage.influx_names import series
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.projection import DecodedBlock
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATABASE = "dashboards"
SPAN_S = 600
HOUR_MS = 3_600_000
DAYS = 3
LEVELS = {"minutes": "365d", "hours": "3650d"}
# Characters that mean something to InfluxQL, to regular expressions, or to both.
SITE = "a 'site' (old)/x+"
NOW_IN: Mapping[str, State] = {
    "lead": State.RUNNING,
    "zinc": State.COMMS_LOSS,
    "manganese": State.BREAKDOWN,
    "bauxite": State.IDLE,
}
GROWTH = {"last_total": 6.0, "last_energy": 180.0, "last_fuel": 40.0}


def units() -> list[Unit]:
    return [
        unit_from_circuit(
            unit_id=f"{name}-01", circuit=name, site=SITE if name == "lead" else "Jajarm", province="" if name == "zinc"
            else "Qom", model="m", latitude=34.4, longitude=50.7,
        )
        for name in catalogue().circuits
    ]  # fmt: skip


def seed(url: str) -> tuple[InfluxServer, int]:
    """Fill the database; return the way to it and the time that is now, ms: the hour's start and ten minutes."""
    server = InfluxServer(target=InfluxTarget(url=url, database=DATABASE))
    now_ms = int(np.datetime64("now", "ms").astype(np.int64))
    server.http.post("/query", params={"q": f"CREATE DATABASE {quoted(DATABASE)}"}).raise_for_status()
    for name, duration in LEVELS.items():
        statement = f"CREATE RETENTION POLICY {quoted(name)} ON {quoted(DATABASE)} DURATION {duration} REPLICATION 1"
        server.http.post("/query", params={"q": statement}).raise_for_status()
    writer = InfluxWriter(server=server)
    outcome = writer.write([_ten_minutes(unit, now_ms) for unit in units()])
    assert (outcome.retry, outcome.rejected) == (False, ())
    writer.close()
    _post(server.http, "autogen", _minutes_of_states(now_ms))
    _post(server.http, "autogen", _health(now_ms))
    _post(server.http, "hours", _hours(now_ms))
    return server, now_ms


def _post(http: httpx.Client, policy: str, lines: Iterator[bytes]) -> None:
    params = {"db": DATABASE, "rp": policy, "precision": "ms"}
    answer = http.post("/write", params=params, content=b"\n".join(lines))
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text


def _ten_minutes(unit: Unit, now_ms: int) -> DecodedBlock:
    """Return ten minutes with each signal beyond its limits, and one reading bad at the end."""
    schema = schema_of(unit)
    scans = []
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
        unit=unit.id, site=unit.site, province=unit.province, mineral=unit.mineral, spool=bytes(16), number=1,
        schema=schema, scans=scans,
    )  # fmt: skip
    return DecodedBlock(read_header(data), schema, decode_block(data, schema))


def _tags(unit: Unit) -> list[tuple[str, str]]:
    return [("unit", unit.id), ("site", unit.site), ("province", unit.province), ("mineral", unit.mineral)]


def _line(name: str, tags: list[tuple[str, str]], fields: Mapping[str, float | str], time_ms: int) -> bytes:
    text = ",".join(f'{k}="{v}"' if isinstance(v, str) else f"{k}={float(v)}" for k, v in fields.items())
    return series(name, tags) + f" {text} {time_ms}".encode()


def _minutes_of_states(now_ms: int) -> Iterator[bytes]:
    minute = now_ms // 60_000 * 60_000
    for unit in units():
        now_in = NOW_IN[unit.circuit]
        for back in range(60):
            state = now_in if back < 20 else STATES[back % len(STATES)]
            fields: dict[str, float | str] = {
                "state": str(state), "code": STATE_CODES[state], "reason": "drives_off", "stop_code": "no_ore",
                "flow_tph": 5.0, "target_tph": unit.target_tph, "tonnes": 5 / 60, "alerts": 1.0, "silent_s": 2.0,
            }  # fmt: skip
            yield _line("unit_state", _tags(unit), fields, minute - back * 60_000)


def _health(now_ms: int) -> Iterator[bytes]:
    collector = {
        "blocks_s": 3, "values_s": 900, "queue_bytes": 4096, "rejected": 0, "dead_letters": 0, "disk_free_bytes": 1e11,
        "disk_free_h": 900, "broker_connected": 1, "certificate_days": 300,
    }  # fmt: skip
    for store in ("embedded", "influxdb"):
        collector |= {f"{name}_{store}": 1 for name in ("lag_blocks", "lag_s", "store_up")}
    api = {
        "units": 4, "units_silent": 1, "alerts_active": 2, "outbox_waiting": 0, "outbox_oldest_s": 0, "tick_ms": 12,
        "viewers": 1, "disk_free_bytes": 1e11, "broker_connected": 1, "store_up": 1,
    }  # fmt: skip
    for back in range(20):
        for process, fields in (("collector", collector), ("api", api)):
            yield _line("health", [("process", process)], fields, now_ms - back * 30_000)


def _hours(now_ms: int) -> Iterator[bytes]:
    hour = now_ms // HOUR_MS * HOUR_MS
    for unit in units():
        yield _line(
            "unit_info",
            _tags(unit),
            {"latitude": 34.4, "longitude": 50.7, "nameplate_tph": unit.nameplate_tph, "model": "m", "name": unit.id},
            hour,
        )
        yield from _alerts(unit, now_ms)
        for back in range(1, 24 * DAYS):
            account = {f"h_{state}": 0.0 for state in STATES} | {"h_RUNNING": 0.75, "h_IDLE": 0.25}
            yield _line("unit_state_1h", _tags(unit), account | {"tonnes": 6.0, "target_t": 8.0}, hour - back * HOUR_MS)
        for machine in unit.machines.values():
            tags = [*_tags(unit), ("machine", machine.id)]
            for back in range(1, 24 * DAYS):
                fields: dict[str, float] = {}
                for name in machine.signals:
                    last = f"last_{name}"
                    grown = GROWTH.get(last, 0.0) * (24 * DAYS - back)
                    fields |= {last: grown or 1.0, f"mean_{name}": 0.5, f"count_{name}": 3600.0}
                yield _line(f"{machine.cls}_1h", tags, fields, hour - back * HOUR_MS)


def _alerts(unit: Unit, now_ms: int) -> Iterator[bytes]:
    for number, state in enumerate(("UNACK", "ACKED", "NORM")):
        tags = [*_tags(unit), ("kind", "limit"), ("priority", "high"), ("machine", "jaw"), ("signal", "motor_current")]
        fields: dict[str, float | str] = {
            "id": f"{unit.id}-{number}", "state": state, "reason": "high_load", "text_en": "jaw: high", "text_fa": "فک",
            "duration_s": 60.0, "tonnes_lost": 1.5, "acknowledged_by": "Sara",
        }  # fmt: skip
        yield _line("alert", tags, fields, now_ms - (number + 1) * 600_000)
