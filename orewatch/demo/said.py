"""What the demo's people said on its first day: ore and moisture, plans, an assay, a calibration."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from api.inputs.book import InputBook
from api.inputs.database import InputDatabase
from api.inputs.entry import Entry, InputKind
from api.live.production_day import ProductionDay
from api.settings import ApiSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from api.inputs.entry import Own
    from orewatch.plant.unit import Unit

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
BY: Final = "demo"
PLANNED_DAYS: Final = 3
PLANNED_SHARE: Final = 0.9
"""Of the target, all shift long: an hour or so goes to changes and small stops."""
MOISTURE_PCT: Final[Mapping[str, float]] = {"lead": 2.0, "zinc": 2.5, "manganese": 4.0, "bauxite": 6.0}
ASSAYS: Final[Mapping[str, tuple[str, float, float, float]]] = {
    "lead": ("Pb", 5.1, 52.0, 0.8),
    "manganese": ("Mn", 18.5, 36.0, 8.2),
}


def say(folder: Path, units: Sequence[Unit], *, now_ms: int) -> int:
    """Write into the folder's ``inputs.db`` what was said up to ``now_ms``; returns how many entries."""
    database = InputDatabase.open(folder / "inputs.db")
    try:
        book = InputBook(database=database)
        settings = ApiSettings(data_dir=folder)
        day = ProductionDay(start_h=settings.production_day_start_h, shifts=settings.shifts)
        said = [entry for unit in units for entry in _of(unit, day, now_ms)]
        for entry in said:
            book.add(entry, lambda _others: None)
        return len(said)
    finally:
        database.close()


def _of(unit: Unit, day: ProductionDay, now_ms: int) -> Iterator[Entry]:
    moisture = MOISTURE_PCT.get(unit.mineral, 3.0)
    ore: dict[str, Own] = {"ore": f"{unit.site[:2].lower()}-01", "moisture_pct": moisture}
    yield _entry(unit, InputKind.ORE, "ore", now_ms - 2 * DAY_MS, None, ore)
    yield _entry(
        unit,
        InputKind.SCALE_EPOCHS,
        "scale",
        now_ms - 20 * DAY_MS,
        None,
        {"zero_drift_pct": 0.2, "span_error_pct": -0.4},
    )
    if unit.mineral in ASSAYS:
        element, feed, concentrate, tailings = ASSAYS[unit.mineral]
        grades: dict[str, Own] = {
            "element": element,
            "feed": feed,
            "concentrate": concentrate,
            "tailings": tailings,
            "laboratory": "demo",
        }
        yield _entry(unit, InputKind.ASSAYS, "assay", now_ms - 20 * HOUR_MS, now_ms - 8 * HOUR_MS, grades)
    for ahead in range(-1, PLANNED_DAYS):
        for shift in day.shifts_of(day.day_of(now_ms) + timedelta(days=ahead)):
            hours = (shift.end_ms - shift.start_ms) / HOUR_MS
            plan: dict[str, Own] = {
                "day": shift.day.isoformat(),
                "shift": shift.number,
                "tonnes": round(PLANNED_SHARE * unit.target_tph * hours),
            }
            key = f"plan-{shift.day}-{shift.number}"
            yield _entry(unit, InputKind.PLANS, key, shift.start_ms, shift.end_ms, plan)


def _entry(unit: Unit, kind: InputKind, key: str, from_ms: int, to_ms: int | None, own: Mapping[str, Own]) -> Entry:
    return Entry(
        unit=unit.id,
        kind=kind,
        key=f"{unit.id}-{key}",
        from_ms=from_ms,
        to_ms=to_ms,
        own=own,
        by=BY,
        recorded_ms=to_ms if to_ms is not None and kind is InputKind.ASSAYS else from_ms,
    )
