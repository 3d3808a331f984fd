"""What a benchmark says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure. ``target`` None: stated only; ``ok`` None likewise."""

    name: str
    value: float
    unit: str
    target: float | None = None
    ok: bool | None = None


def at_most(name: str, value: float, unit: str, target: float) -> Result:
    """Return a result that is good up to ``target``."""
    return Result(name, value, unit, target, value <= target)


def at_least(name: str, value: float, unit: str, target: float) -> Result:
    """Return a result that is good from ``target`` on."""
    return Result(name, value, unit, target, value >= target)


def stated(name: str, value: float, unit: str) -> Result:
    """Return a figure without a target."""
    return Result(name, value, unit)
