"""One unit of the fleet as one row: what the table and the frames of changes are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.plant.unit import Unit

FIXED: Final = ("site", "province", "mineral", "model")
CONNECTIONS: Final = ("live", "stale", "lost")
# What moves by itself while nothing happens: a new time alone is told this seldom.
LAZY_S: Final = 30


class Row(NamedTuple):
    """How a unit stands. Times in whole seconds since 1970, rates t/h and masses t to 0.1, null where not known."""

    state: str
    reason: str
    code: str | None
    since_s: int | None
    connection: int
    throughput_tph: float | None
    target_tph: float | None
    tonnes_today: float | None
    tonnes_month: float | None
    last_tonne_s: int | None
    last_seen_s: int | None
    unknown_h: float | None
    alerts: int


COLUMNS: Final = Row._fields
WORDED: Final = ("state", "reason", "code")


def row_of(entry: Mapping[str, Any]) -> Row:
    """Return the row of a live entry (times in ms)."""
    return Row(
        entry["state"],
        entry["reason"],
        entry.get("code"),
        _seconds(entry["since"]),
        CONNECTIONS.index(entry["connection"]),
        _tenths(entry["throughput_tph"]),
        _tenths(entry["target_tph"]),
        _tenths(entry["tonnes_today"]),
        _tenths(entry["tonnes_month"]),
        _seconds(entry["last_tonne_at"]),
        _seconds(entry["last_seen"]),
        _tenths(entry["unknown_h"]),
        entry["alerts"],
    )


def differs(told: Row, now: Row) -> bool:
    """Say whether a viewer who was told ``told`` has to hear of ``now``."""
    if told == now:
        return False
    seen, tonne = told.last_seen_s, told.last_tonne_s
    if told._replace(last_seen_s=now.last_seen_s, last_tonne_s=now.last_tonne_s) != now:
        return True
    return _moved(seen, now.last_seen_s) or _moved(tonne, now.last_tonne_s)


def fixed_of(unit: Unit) -> tuple[object, ...]:
    """Return what the table's fixed part says of a unit."""
    return (*(getattr(unit, name) for name in FIXED), unit.latitude, unit.longitude, unit.nameplate_tph)


def _moved(told_s: int | None, now_s: int | None) -> bool:
    if told_s is None or now_s is None:
        return told_s is not now_s
    return abs(now_s - told_s) >= LAZY_S


def _seconds(at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms // 1000


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
