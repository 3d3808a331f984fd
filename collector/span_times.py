"""Spans as people write them: ISO times, dates, and Jalali dates; days are Tehran's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

TEHRAN: Final = ZoneInfo("Asia/Tehran")
# Between the years of the two calendars lie six centuries; nobody has telemetry of 1700.
_FIRST_GREGORIAN: Final = 1700
_DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
ALLOWED: Final = "2026-11-20T06:00Z, 2026-11-20 (a day of Tehran) or 1405-08-29"


def span_time(text: str, *, end: bool = False) -> int:
    """Return a time as ms UTC. A date is its beginning, or with ``end`` its end; a time without a zone is Tehran's.

    ValueError with the text and what is allowed.
    """
    found = _DATE.fullmatch(text.strip())
    try:
        if found:
            day = _day(*map(int, found.groups())) + timedelta(days=1 if end else 0)
            return _ms(datetime.combine(day, time(0), tzinfo=TEHRAN))
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r}: {error}; allowed: {ALLOWED}") from error
    return _ms(moment if moment.tzinfo else moment.replace(tzinfo=TEHRAN))


def spoken_time(at_ms: int) -> str:
    """Return a time as ISO 8601 UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(year: int, month: int, day: int) -> date:
    if year >= _FIRST_GREGORIAN:
        return date(year, month, day)
    try:
        import jdatetime  # noqa: PLC0415 - part of the service's install, not of a bare collector's
    except ModuleNotFoundError as error:
        raise ValueError("Jalali dates need: pip install 'orewatch[api]'") from error
    found: date = jdatetime.date(year, month, day).togregorian()
    return found


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
