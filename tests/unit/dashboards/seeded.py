"""An InfluxDB with what the boards read, by the real set-up and the real writers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from api.alerting.book import AlertRecord
from api.alerting.models import AlertKind, AlertState
from api.mirror.alert_points import alert_point, info_point
from api.mirror.places import Place
from api.mirror.state_points import Shown, hour_point, minute_point
from orewatch.plant.catalogue import SignalKind, catalogue
from orewatch.plant.states import STATE_CODES, STATES, Interval, State, StateReason
from orewatch.plant.unit import Unit, unit_from_circuit
from orewatch.storage.durations import Histogram
from orewatch.storage.health_points import collector_fields
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_setup import ensure
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import Level, Retention
from orewatch.storage.point_writer import PointWriter
from orewatch.storage.points import Point
from orewatch.storage.projection import DecodedBlock, RollupRows
from orewatch.storage.vitals import CertificateSigns, ProjectionSigns, Vitals
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


def _place(unit: Unit) -> Place:
    return Place(site=unit.site, province=unit.province, mineral=unit.mineral)


def _of(unit: Unit) -> Mapping[str, str]:
    return _place(unit).tags(unit.id)


def _minutes_of_states(now_ms: int) -> Iterator[Point]:
    minute = now_ms // 60_000 * 60_000
    for unit in units():
        now_in = NOW_IN[unit.circuit]
        for back in range(60):
            state = now_in if back < 20 else STATES[back % len(STATES)]
            shown = Shown(state.value, StateReason.DRIVES_OFF.value, float(STATE_CODES[state]), "no_ore")
            figures = {"flow_tph": 5.0, "target_tph": unit.target_tph, "tonnes": 5 / 60, "alerts": 1.0, "silent_s": 2.0}
            yield minute_point(_of(unit), minute - back * 60_000, shown, figures)


def _health(now_ms: int) -> Iterator[Point]:
    stores = [ProjectionSigns(name=name, position=9, lag_blocks=1, lag_s=2.0) for name in ("embedded-1a2b", "influxdb")]
    vitals = Vitals(
        at_ms=now_ms, started_ms=0, broker_connected=True, broker_since_ms=0, queue_bytes=4096, queue_bound_bytes=8192,
        blocks_s=3.0, values_s=900.0, commits=Histogram(bounds_s=(), counts=(), seconds=0.0), journal_bytes=1,
        journal_position=9, disk_free_bytes=10**11, disk_hours_left=900.0, projections=tuple(stores),
        certificates=(CertificateSigns(name="broker.ca", not_after_ms=now_ms + 10**9),),
    )  # fmt: skip
    api = {
        "units": 4.0, "units_silent": 1.0, "alerts_active": 2.0, "outbox_waiting": 0.0, "outbox_oldest_s": 0.0,
        "tick_ms": 12.0, "viewers": 1.0, "disk_free_bytes": 1e11, "broker_connected": 1.0, "store_up": 1.0,
    }  # fmt: skip
    for back in range(20):
        for process, fields in (("collector", collector_fields(vitals)), ("api", api)):
            yield Point(measurement="health", tags={"process": process}, fields=fields, time_ms=now_ms - back * 30_000)


def _hours_of_states(now_ms: int) -> Iterator[Point]:
    """Return hours of which three quarters run and one is idle."""
    for unit in units():
        for back in range(1, 24 * DAYS):
            start = now_ms // HOUR_MS * HOUR_MS - back * HOUR_MS
            turn, end = start + HOUR_MS * 3 // 4, start + HOUR_MS
            states = (
                Interval(State.RUNNING, StateReason.PRODUCING, start, turn, provisional=False),
                Interval(State.IDLE, StateReason.DRIVES_OFF, turn, end, provisional=False),
            )
            yield hour_point(_of(unit), start, states, tonnes=[2.0, 4.0], target_t=8.0)


def _infos(now_ms: int) -> Iterator[Point]:
    for unit in units():
        yield info_point(unit, _place(unit), unit.target_tph, now_ms)


def _alerts(now_ms: int) -> Iterator[Point]:
    for unit in units():
        for number, state in enumerate((AlertState.UNACK, AlertState.ACKED, AlertState.NORM)):
            raised_ms = now_ms - (number + 1) * 600_000
            record = AlertRecord(
                id=number, unit=unit.id, kind=AlertKind.IDLE, priority="high", reason="drives_off",
                onset_ms=raised_ms - 300_000, raised_ms=raised_ms, recorded_ms=raised_ms, changed_ms=now_ms,
                state=state, machine="jaw", signal="motor_current", cleared_ms=now_ms, acknowledged_by="Sara",
            )  # fmt: skip
            yield alert_point(record, _place(unit), 1.5)
