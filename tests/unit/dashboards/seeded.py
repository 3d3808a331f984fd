"""An InfluxDB with what the boards read, by the real set-up and the real writers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from orewatch.plant.catalogue import SignalKind, catalogue
from orewatch.plant.states import STATE_CODES, STATES, State
from orewatch.plant.unit import Unit, unit_from_circuit
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_setup import ensure
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import Level, Retention
from orewatch.storage.point_writer import PointWriter
from orewatch.storage.points import Point
from orewatch.storage.projection import DecodedBlock, RollupRows
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DATABASE = "dashboards"
SPAN_S = 600
HOUR_MS = 3_600_000
DAYS = 3
# Characters that mean something to InfluxQL, to regular expressions, or to both.
SITE = "a 'site' (old)/x+"
NOW_IN: Mapping[str, State] = {
    "lead": State.RUNNING,
    "zinc": State.COMMS_LOSS,
    "manganese": State.BREAKDOWN,
    "bauxite": State.IDLE,
}
GROWTH = {"total": 6.0, "energy": 180.0, "fuel": 40.0}


def units() -> list[Unit]:
    return [
        unit_from_circuit(
            unit_id=f"{name}-01", circuit=name, site=SITE if name == "lead" else "Jajarm", province="" if name == "zinc"
            else "Qom", model="m", latitude=34.4, longitude=50.7,
        )
        for name in catalogue().circuits
    ]  # fmt: skip


def seed(url: str) -> tuple[InfluxServer, int]:
    """Fill the database; return the way to it and the time that is now, ms."""
    server = InfluxServer(target=InfluxTarget(url=url, database=DATABASE))
    now_ms = int(np.datetime64("now", "ms").astype(np.int64))
    ensure(server, Retention(), now_ms=now_ms)
    writer = InfluxWriter(server=server)
    rolled = [rows for unit in units() for rows in _rolled_up(unit, now_ms)]
    for outcome in (writer.write([_ten_minutes(unit, now_ms) for unit in units()]), writer.write_rollups(rolled)):
        assert (outcome.retry, outcome.rejected) == (False, ())
    writer.close()
    for level, points in (
        (Level.RAW, [*_minutes_of_states(now_ms), *_health(now_ms)]),
        (Level.HOURS, [*_hours_of_states(now_ms), *_infos(now_ms), *_alerts(now_ms)]),
    ):
        with closing(PointWriter(server=server, name="seed", level=level)) as pen:
            pen.write(points)
            assert (pen.written, pen.refused) == (len(points), {})
    return server, now_ms


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


def _rolled_up(unit: Unit, now_ms: int) -> Iterator[RollupRows]:
    """Return three days of hours: each signal at half, running half the time, counters growing by ``GROWTH``."""
    count = 24 * DAYS - 1
    times = now_ms // HOUR_MS * HOUR_MS + HOUR_MS * np.arange(-count, 0)
    for machine in unit.machines.values():
        names = tuple(machine.signals)
        half = np.full((count, len(names)), 0.5)
        last = np.stack([GROWTH.get(name, 0.0) * np.arange(1, count + 1) for name in names], axis=1)
        yield RollupRows(
            unit=unit.id, site=unit.site, province=unit.province, mineral=unit.mineral, machine=machine.id,
            cls=machine.cls, step_ms=HOUR_MS, names=names, time_ms=times, mean=half, low=half, high=half,
            count=np.full(half.shape, 3600), last=last,
        )  # fmt: skip


def _of(unit: Unit) -> dict[str, str]:
    return {"unit": unit.id, "site": unit.site, "province": unit.province, "mineral": unit.mineral}


def _minutes_of_states(now_ms: int) -> Iterator[Point]:
    minute = now_ms // 60_000 * 60_000
    for unit in units():
        now_in = NOW_IN[unit.circuit]
        for back in range(60):
            state = now_in if back < 20 else STATES[back % len(STATES)]
            fields: dict[str, float | str] = {
                "state": str(state), "code": STATE_CODES[state], "reason": "drives_off", "stop_code": "no_ore",
                "flow_tph": 5.0, "target_tph": unit.target_tph, "tonnes": 5 / 60, "alerts": 1.0, "silent_s": 2.0,
            }  # fmt: skip
            yield Point(measurement="unit_state", tags=_of(unit), fields=fields, time_ms=minute - back * 60_000)


def _health(now_ms: int) -> Iterator[Point]:
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
            yield Point(measurement="health", tags={"process": process}, fields=fields, time_ms=now_ms - back * 30_000)


def _hours_of_states(now_ms: int) -> Iterator[Point]:
    hour = now_ms // HOUR_MS * HOUR_MS
    account = {f"h_{state}": 0.0 for state in STATES} | {"h_RUNNING": 0.75, "h_IDLE": 0.25}
    fields = account | {"tonnes": 6.0, "target_t": 8.0}
    for unit in units():
        for back in range(1, 24 * DAYS):
            yield Point(measurement="unit_state_1h", tags=_of(unit), fields=fields, time_ms=hour - back * HOUR_MS)


def _infos(now_ms: int) -> Iterator[Point]:
    for unit in units():
        fields = {"latitude": unit.latitude, "longitude": unit.longitude, "nameplate_tph": unit.nameplate_tph}
        yield Point(measurement="unit_info", tags=_of(unit), fields=fields, time_ms=now_ms)


def _alerts(now_ms: int) -> Iterator[Point]:
    about = {"kind": "limit", "priority": "high", "machine": "jaw", "signal": "motor_current"}
    for unit in units():
        for number, state in enumerate(("UNACK", "ACKED", "NORM")):
            fields: dict[str, float | str] = {
                "id": f"{unit.id}-{number}", "state": state, "reason": "high_load", "text_en": "jaw: high",
                "text_fa": "\u0641\u06a9", "duration_s": 60.0, "tonnes_lost": 1.5, "acknowledged_by": "Sara",
            }  # fmt: skip
            at_ms = now_ms - (number + 1) * 600_000
            yield Point(measurement="alert", tags=_of(unit) | about, fields=fields, time_ms=at_ms)
