"""The fleet's table and frames of changes, spoken by the tests' small service; and fleets of any size."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from tests.system.pages.plant import HOUR_MS, UNITS, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request

    from orewatch.plant.unit import Unit
    from tests.system.pages.server import FakeService

COLUMNS: tuple[str, ...] = (
    *("state", "reason", "code", "since_s", "connection", "throughput_tph", "target_tph"),
    *("tonnes_today", "tonnes_month", "last_tonne_s", "last_seen_s", "unknown_h", "alerts"),
)
WORDED = ("state", "reason", "code")
FIXED = ("site", "province", "mineral", "model")
PLACES = {
    "Zanjan": (36.62, 47.41),
    "Markazi": (33.85, 49.6),
    "Isfahan": (32.46, 51.57),
    "Yazd": (31.75, 55.76),
    "Hamadan": (34.09, 49.24),
    "Fars": (28.08, 52.09),
    "Qom": (34.4, 50.7),
    "North Khorasan": (37.0, 56.4),
    "Kerman": (30.3, 56.9),
    "Razavi Khorasan": (35.2, 59.4),
    "Sistan and Baluchestan": (28.3, 60.4),
    "West Azerbaijan": (37.5, 45.3),
    "Hormozgan": (27.4, 56.2),
    "Semnan": (35.4, 54.6),
}
STANDINGS = (
    *(("RUNNING", "producing", 0.96),) * 14,
    ("UNDERPERFORMING", "below_target", 0.68),
    ("IDLE", "upstream_stopped", 0.0),
    ("STARVED", "hopper_empty", 0.0),
    ("COMMS_LOSS", "silent", 0.0),
    ("PLANNED_STOP", "planned", 0.0),
    ("BREAKDOWN", "tripped", 0.0),
)


def spread(fake: FakeService, count: int) -> None:
    """Give the service ``count`` units all over the country, in every state."""
    chance = random.Random(5)  # noqa: S311 - made units
    base, names = list(UNITS.values()), list(PLACES)
    fake.units, fake.told = {}, {}
    for number in range(count):
        province = chance.choice(names)
        latitude, longitude = PLACES[province]
        site = chance.randrange(4)
        unit = replace(
            base[number % len(base)],
            id=f"{base[number % len(base)].id[:2]}-{number:04}",
            site=f"{province} {site + 1}",
            province=province,
            latitude=round(latitude + (site - 1.5) * 0.25 + chance.gauss(0, 0.1), 4),
            longitude=round(longitude + (site % 2 - 0.5) * 0.6 + chance.gauss(0, 0.1), 4),
        )
        state, reason, share = chance.choice(STANDINGS)
        lost = state == "COMMS_LOSS"
        fake.units[unit.id] = unit
        fake.told[unit.id] = Told(
            state,
            reason,
            chance.randrange(60_000, 40 * HOUR_MS),
            round(unit.target_tph * share * chance.uniform(0.9, 1.05), 2),
            round(chance.uniform(5, 200), 1),
            connection="lost" if lost else "live",
            silent_ms=chance.randrange(700_000, 30 * HOUR_MS) if lost else 1000,
            alerts=int(share < 0.7 and chance.random() < 0.5),
        )


def row(fake: FakeService, unit: Unit, now_ms: int) -> list[Any]:
    told = fake.told[unit.id]
    seen = now_ms - told.silent_ms
    extra = fake.fleet_extra.get(unit.id, {})
    values = {
        "state": told.state,
        "reason": told.reason,
        "code": None,
        "since_s": (now_ms - told.for_ms) // 1000,
        "connection": ("live", "stale", "lost").index(told.connection),
        "throughput_tph": None if told.connection == "lost" else told.rate,
        "target_tph": unit.target_tph,
        "tonnes_today": told.tonnes,
        "tonnes_month": round(told.tonnes * 21.4, 1),
        "last_tonne_s": (seen - (told.for_ms if told.rate == 0 else 0)) // 1000,
        "last_seen_s": seen // 1000,
        "unknown_h": round(min(8.0, told.silent_ms / HOUR_MS), 1) if told.connection == "lost" else 0.0,
        "alerts": told.alerts,
    }
    return [extra.get(name, values[name]) for name in COLUMNS]


def table(fake: FakeService) -> dict[str, Any]:
    now = fake.now_ms()
    units = [unit for unit in fake.units.values() if unit.id in fake.told]
    rows = [row(fake, unit, now) for unit in units]
    live: dict[str, list[Any]] = {name: [one[place] for one in rows] for place, name in enumerate(COLUMNS)}
    words: dict[str, list[str]] = {}
    for name in WORDED:
        words[name] = sorted({value for value in live[name] if value is not None})
        live[name] = [None if value is None else words[name].index(value) for value in live[name]]
    fixed: dict[str, list[Any]] = {"id": [unit.id for unit in units]}
    for name in FIXED:
        words[name] = sorted({getattr(unit, name) for unit in units})
        fixed[name] = [words[name].index(getattr(unit, name)) for unit in units]
    for name in ("latitude", "longitude", "nameplate_tph"):
        fixed[name] = [getattr(unit, name) for unit in units]
    return {"t": now, "month": [1405, 9], "words": words, "fixed": fixed, "live_columns": COLUMNS, "live": live}


class Changes:
    """The frames of one connection."""

    def __init__(self, fake: FakeService, since: str | None) -> None:
        self._fake = fake
        self._from = fake.now_ms() if since is None else int(since)

    def frame(self) -> dict[str, Any]:
        """Return everything as changed since the frame before; ``fleet_gap`` makes one that nobody can follow."""
        fake, now = self._fake, self._fake.now_ms()
        since, self._from = self._from, now
        if fake.fleet_gap:
            since, fake.fleet_gap = now, False
        units = {unit.id: row(fake, unit, now) for unit in fake.units.values()}
        return {"t": now, "from": since, "units": units, "alerts": fake.alerts_told()}


def routes(fake: FakeService) -> dict[str, Callable[[Request], Coroutine[Any, Any, Response]]]:
    async def whole(_: Request) -> Response:
        fake.tables += 1
        return JSONResponse(table(fake))

    return {"/fleet": whole}
