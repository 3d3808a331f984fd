"""A plant on paper for the tests of the pages: four units in the shapes of the HTTP contract, no rules behind them."""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.units.views import streams
from orewatch.plant.catalogue import SignalKind, SignalRef, catalogue
from orewatch.plant.unit import Unit, unit_from_circuit

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_MS = 3_600_000
LIMITS = ("normal_low", "normal_high", "warn", "trip", "warn_low", "trip_low")


@dataclass
class Told:
    """How a unit stands, as a frame tells it."""

    state: str
    reason: str
    for_ms: int
    rate: float
    tonnes: float
    connection: str = "live"
    silent_ms: int = 1_000
    alerts: int = 0
    pending: dict[str, Any] | None = None
    provisional: bool = True
    code: str | None = None
    ore: str | None = "N-2"
    moisture: float | None = 4.2
    month: float | None = 812.0
    unknown_h: float | None = 0.0
    # number, hours since it began, hours to its end, tonnes, plan
    shift: tuple[int, float, float, float | None, float | None] | None = (2, 5.2, 2.8, 26.4, 44.0)
    # signal -> (value, quality) instead of what the plant would say
    forced: dict[str, tuple[float | None, int]] = field(default_factory=dict)


UNITS: dict[str, Unit] = {
    unit_id: unit_from_circuit(
        unit_id=unit_id, circuit=circuit, site=site, province=province, model=model, target_tph=target
    )
    for unit_id, circuit, site, province, model, target in (
        ("pb-01", "lead", "Nakhlak", "Isfahan", "MPU-6", 5.6),
        ("zn-01", "zinc", "Angouran", "Zanjan", "MPU-8", 7.5),
        ("mn-01", "manganese", "Venarch", "Qom", "MPU-15", 13.5),
        ("bx-01", "bauxite", "Jajarm", "North Khorasan", "MPU-30", 28.0),
    )
}


def standings() -> dict[str, Told]:
    return {
        "pb-01": Told("RUNNING", "producing", 5 * HOUR_MS, 5.42, 31.9),
        "zn-01": Told("UNDERPERFORMING", "below_target", 2 * HOUR_MS + 660_000, 5.21, 34.6, alerts=1),
        "mn-01": Told("IDLE", "upstream_stopped", 2_460_000, 0.0, 58.3, alerts=1),
        "bx-01": Told("RUNNING", "producing", 9 * HOUR_MS, 27.6, 171.4),
    }


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def title_of(cls: str) -> dict[str, str]:
    known = catalogue().classes.get(cls)
    return dict(known.title) if known else {"en": cls.replace("_", " ").capitalize()}


def detail(unit: Unit, told: Told, now_ms: int) -> dict[str, Any]:
    roles = unit.roles
    return {
        **summary(unit, told, now_ms),
        "machines": [
            {
                "id": machine.id,
                "class": machine.cls,
                "title": title_of(machine.cls),
                "signals": [
                    {
                        "name": s.name,
                        "kind": s.kind.value,
                        "unit": s.unit,
                        "low": s.low,
                        "high": s.high,
                        "resolution": s.resolution,
                        "priority": s.priority,
                        **{name: getattr(s, name) for name in LIMITS},
                    }
                    for s in machine.signals.values()
                ],
            }
            for machine in unit.machines.values()
        ],
        "streams": streams(unit),
        "roles": {
            "flow": str(roles.flow),
            "total": str(roles.total),
            "main": str(roles.main),
            "no_load": roles.no_load,
            "full_load": roles.full_load,
            "hopper": str(roles.hopper),
            **{
                name: [str(ref) for ref in getattr(roles, name)]
                for name in ("upstream", "drives", "plugged", "tripped", "energised")
            },
        },
    }


def summary(unit: Unit, told: Told, now_ms: int) -> dict[str, Any]:
    seen = now_ms - told.silent_ms
    return {
        **{name: getattr(unit, name) for name in ("id", "site", "province", "mineral", "circuit", "model")},
        "latitude": unit.latitude,
        "longitude": unit.longitude,
        "nameplate_tph": unit.nameplate_tph,
        "target_tph": unit.target_tph,
        "state": told.state,
        "state_since": iso(now_ms - told.for_ms),
        "reason": told.reason,
        "provisional": told.provisional,
        "connection": told.connection,
        "throughput_tph": told.rate,
        "tonnes_today": told.tonnes,
        "last_tonne_at": iso(seen - (told.for_ms if told.rate == 0 else 0)),
        "last_seen": iso(seen),
        "alerts_active": told.alerts,
        "pending": told.pending,
        **from_people(told, now_ms, iso),
    }


def from_people(told: Told, now_ms: int, at: Callable[[int], Any]) -> dict[str, Any]:
    """What only people know, in a list (``at`` = iso) or a frame (``at`` = int)."""
    shift = None
    if told.shift is not None:
        number, begun, left, tonnes, plan = told.shift
        start, end = (now_ms + round(hours * HOUR_MS) // 60_000 * 60_000 for hours in (-begun, left))
        shift = {"number": number, "start": at(start), "end": at(end), "tonnes": tonnes, "plan_t": plan}
    return {
        "tonnes_month": told.month,
        "unknown_h": told.unknown_h,
        "ore": told.ore,
        "moisture_pct": told.moisture,
        "code": told.code,
        "shift": shift,
    }


def told_frame(unit: Unit, told: Told, now_ms: int, *, signals: bool) -> dict[str, Any]:
    seen = now_ms - told.silent_ms
    frame: dict[str, Any] = {
        "state": told.state,
        "reason": told.reason,
        "since": now_ms - told.for_ms,
        "provisional": told.provisional,
        "connection": told.connection,
        "throughput_tph": told.rate,
        "target_tph": unit.target_tph,
        "tonnes_today": told.tonnes,
        "last_tonne_at": seen - (told.for_ms if told.rate == 0 else 0),
        "last_seen": seen,
        "alerts": told.alerts,
        "pending": told.pending,
        **from_people(told, now_ms, int),
    }
    if signals:
        frame["signals"] = {str(ref): reading(unit, told, ref, now_ms) for ref, _ in unit.signals()}
    return frame


def reading(unit: Unit, told: Told, ref: SignalRef, now_ms: int) -> list[Any]:
    at = now_ms - told.silent_ms
    if str(ref) in told.forced:
        value, quality = told.forced[str(ref)]
        return [value, at, quality]
    return [value_at(unit, told, ref, at), at, 192]


_TYPICAL = {"engine_speed": 1500.0, "ph": 8.8, "air": 310.0, "pulp_level": 640.0, "belt_speed": 1.25, "level": 58.0}
_TYPICAL |= {"vibration": 3.1, "stroke": 8.4, "acceleration": 31.0, "belt_load": 1.2, "cycle_time": 14.2, "slip": 0.8}


def value_at(unit: Unit, told: Told, ref: SignalRef, at_ms: int) -> float:
    """Smooth in time, different per signal, within normal while the unit works."""
    signal = unit.signal(ref)
    share = told.rate / unit.target_tph
    if signal.kind is SignalKind.DIGITAL:
        idle_off = ref.machine in {"feeder", "conveyor"} and share == 0
        return 0.0 if ref.signal != "running" or idle_off else 1.0
    if signal.kind is SignalKind.TOTALISER:
        return round(48_210.4 + told.tonnes + at_ms % 1000 / 1000, 1)
    seed = zlib.crc32(str(ref).encode())
    wave = math.sin(at_ms / 47_000 + seed % 97) + 0.4 * math.sin(at_ms / 5_100 + seed % 53)
    noise = random.Random(at_ms // 1000 ^ seed).gauss(0, 0.15)  # noqa: S311 - noise on a gauge is no secret
    if ref == unit.roles.flow:
        middle, swing = told.rate, told.rate * 0.03
    elif signal.normal_low is not None and signal.normal_high is not None:
        middle = signal.normal_low + (signal.normal_high - signal.normal_low) * (0.55 if share else 0.0)
        swing = (signal.normal_high - signal.normal_low) * 0.05
    else:
        middle = _TYPICAL.get(ref.signal, signal.low + 0.3 * (signal.high - signal.low))
        swing = abs(middle) * 0.01
    step = signal.resolution or 0.01
    return round(round((middle + swing * (wave + noise)) / step) * step, 4)


def alert(now_ms: int, number: int, unit: str, kind: str, priority: str, for_ms: int) -> dict[str, Any]:
    onset = now_ms - for_ms
    return {
        "id": number,
        "unit": unit,
        "machine": None,
        "signal": None,
        "kind": kind,
        "priority": priority,
        "state": "UNACK",
        "active": True,
        "reason": "upstream_stopped" if kind == "idle" else "below_target",
        "text": {
            "en": f"{unit} stands idle: the feeder stopped; 9.2 t lost."
            if kind == "idle"
            else f"{unit} does 5.2 t/h, 69 % of the target.",
            "fa": f"{unit} بی‌کار است: خوراک‌دهنده ایستاده است؛ مقداری از دست رفته."
            if kind == "idle"
            else f"{unit} کمتر از هدف کار می‌کند.",
        },
        "figures": {},
        "onset_at": iso(onset),
        "raised_at": iso(onset + 300_000),
        "recorded_at": iso(onset + 300_000),
        "cleared_at": None,
        "tonnes_lost": 9.2,
        "historical": False,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "shelved_until": None,
        "notes": [],
    }
