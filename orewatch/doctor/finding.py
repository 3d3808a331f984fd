"""What was looked at, how it is, and what to mend."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How it is. NOTE: could not be seen, or is only worth knowing; nothing to mend."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"


class Finding(NamedTuple):
    """One thing that was looked at. ``remedy``: what to do, where there is something to mend."""

    area: str
    name: str
    level: Level
    detail: str = ""
    remedy: str = ""


def ok(area: str, name: str, detail: str = "") -> Finding:
    """Return that all is well."""
    return Finding(area, name, Level.OK, detail)


def note(area: str, name: str, detail: str, remedy: str = "") -> Finding:
    """Return what is worth knowing."""
    return Finding(area, name, Level.NOTE, detail, remedy)


def warning(area: str, name: str, detail: str, remedy: str) -> Finding:
    """Return what works, but not for long, or not well."""
    return Finding(area, name, Level.WARNING, detail, remedy)


def failed(area: str, name: str, detail: str, remedy: str) -> Finding:
    """Return what does not work."""
    return Finding(area, name, Level.FAILED, detail, remedy)
