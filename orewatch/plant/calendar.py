"""Days, shifts and months as the mines count them: Tehran time, production days, Jalali months.

Times are ms UTC. Bounds are computed, never assumed: earlier summers were at +04:30.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import jdatetime

TEHRAN = ZoneInfo("Asia/Tehran")
PRODUCTION_DAY_START = time(7)
_UTC = ZoneInfo("UTC")
_MONTHS = 12
_HOURS = 24


class Bounds(NamedTuple):
    """A stretch of time ``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int


def local(at_ms: int, zone: ZoneInfo = TEHRAN) -> datetime:
    """Return the local time of ``at_ms``."""
    return datetime.fromtimestamp(at_ms / 1000, tz=zone)


def day_of(at_ms: int, *, zone: ZoneInfo = TEHRAN, start: time = time(0)) -> date:
    """Return the day that ``at_ms`` belongs to when days begin at ``start``."""
    here = local(at_ms, zone)
    return here.date() if here.time() >= start else here.date() - timedelta(days=1)


def day_bounds(day: date, *, zone: ZoneInfo = TEHRAN, start: time = time(0)) -> Bounds:
    """Return the bounds of a day that begins at ``start``: 23 or 25 h long where clocks change."""
    return Bounds(_ms(day, start, zone), _ms(day + timedelta(days=1), start, zone))


def production_day(at_ms: int, *, zone: ZoneInfo = TEHRAN, start: time = PRODUCTION_DAY_START) -> Bounds:
    """Return the bounds of the production day that holds ``at_ms``; 07:00 unless the site says otherwise."""
    return day_bounds(day_of(at_ms, zone=zone, start=start), zone=zone, start=start)


def shifts(day: date, count: int, *, zone: ZoneInfo = TEHRAN, start: time = PRODUCTION_DAY_START) -> tuple[Bounds, ...]:
    """Return the ``count`` equal shifts of a production day; ValueError unless 1, 2 or 3."""
    if count not in {1, 2, 3}:
        raise ValueError(f"shifts: {count!r}; allowed: 1, 2, 3")
    hours = _HOURS // count
    edges = []
    for number in range(count + 1):
        days, hour = divmod(start.hour + number * hours, _HOURS)
        edges.append(_ms(day + timedelta(days=days), start.replace(hour=hour), zone))
    return tuple(Bounds(a, b) for a, b in pairwise(edges))


def shift_changes(
    start_ms: int, end_ms: int, count: int, *, zone: ZoneInfo = TEHRAN, start: time = PRODUCTION_DAY_START
) -> list[int]:
    """Return every change of shift in ``[start_ms, end_ms)``."""
    day = day_of(start_ms, zone=zone, start=start)
    found: list[int] = []
    while _ms(day, start, zone) < end_ms:
        found += [s.start_ms for s in shifts(day, count, zone=zone, start=start)]
        day += timedelta(days=1)
    return [at for at in found if start_ms <= at < end_ms]


def jalali(at_ms: int, *, zone: ZoneInfo = TEHRAN, start: time = time(0)) -> tuple[int, int, int]:
    """Return the Jalali year, month and day that ``at_ms`` belongs to."""
    day = jdatetime.date.fromgregorian(date=day_of(at_ms, zone=zone, start=start))
    return int(day.year), int(day.month), int(day.day)


def jalali_month(year: int, month: int, *, zone: ZoneInfo = TEHRAN, start: time = time(0)) -> Bounds:
    """Return the bounds of a Jalali month; ValueError where there is none of that number."""
    following = (year, month + 1) if month < _MONTHS else (year + 1, 1)
    first, last = (jdatetime.date(y, m, 1).togregorian() for y, m in ((year, month), following))
    return Bounds(_ms(first, start, zone), _ms(last, start, zone))


def jalali_year_months(year: int, months: int, *, zone: ZoneInfo = TEHRAN, start: time = time(0)) -> Bounds:
    """Return the first ``months`` months of a Jalali year: how the sector counts; ValueError unless 1 to 12."""
    first, last = (jalali_month(year, month, zone=zone, start=start) for month in (1, months))
    return Bounds(first.start_ms, last.end_ms)


def _ms(day: date, at: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, at, tzinfo=zone).astimezone(_UTC).timestamp() * 1000)
