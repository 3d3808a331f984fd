"""Instants at the edge of the service: milliseconds inside, ISO 8601 UTC outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a query may ask for: the project's own data cannot be older, and clocks beyond are wrong.
EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
_MILLISECONDS = re.compile(r"-?[0-9]{1,18}")


class InstantError(ValueError):
    """A time that cannot be read or lies out of range; the message says what is allowed."""


def iso(at_ms: int) -> str:
    """Return ``2026-11-23T10:00:00.000Z`` for milliseconds since 1970."""
    return (_EPOCH + timedelta(milliseconds=int(at_ms))).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at_ms) % 1000:03d}Z"


def iso_or_none(at_ms: int | None) -> str | None:
    """Return :func:`iso`, or None for None."""
    return None if at_ms is None else iso(at_ms)


def parse_instant(text: str) -> int:
    """Read an ISO 8601 time with an offset (``Z``), or milliseconds since 1970; :class:`InstantError` otherwise."""
    if _MILLISECONDS.fullmatch(text):
        at_ms = int(text)
    else:
        try:
            # A plus sign that came unescaped through a query string is a space by now.
            read = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            msg = f"{text!r} is not a time; allowed: ISO 8601 with an offset, as 2026-11-23T10:00:00Z"
            raise InstantError(msg) from None
        if read.tzinfo is None:
            msg = f"{text!r} has no offset; allowed: ISO 8601 with an offset, as 2026-11-23T10:00:00Z"
            raise InstantError(msg)
        at_ms = round((read - _EPOCH) / timedelta(milliseconds=1))
    if not EARLIEST_MS <= at_ms <= LATEST_MS:
        msg = f"{text!r} is out of range; allowed: 2000-01-01 to 2100-01-01"
        raise InstantError(msg)
    return at_ms
