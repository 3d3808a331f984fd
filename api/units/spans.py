"""Spans of time as callers give them."""

from __future__ import annotations

from api.instants import InstantError, parse_instant
from api.problems import wrong_value


def span(start: str | None, end: str | None, *, now_ms: int, default_ms: int) -> tuple[int, int]:
    """Return (start, end) in ms; without ``end``: now, without ``start``: ``default_ms`` before the end."""
    end_ms = now_ms if end is None else instant("end", end)
    start_ms = end_ms - default_ms if start is None else instant("start", start)
    if start_ms >= end_ms:
        raise wrong_value("end", end, "not after start; allowed: a later time")
    return start_ms, end_ms


def instant(field: str, text: str) -> int:
    """Read one time; a problem naming ``field`` where it cannot be."""
    try:
        return parse_instant(text)
    except InstantError as error:
        raise wrong_value(field, text, str(error)) from error
