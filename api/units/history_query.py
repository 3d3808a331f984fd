"""From what callers write to one query of the store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from api.problems import wrong_value
from orewatch.storage.query import Aggregate, Query

if TYPE_CHECKING:
    from orewatch.plant.catalogue import SignalRef

AggregateName = Literal["mean", "min", "max", "first", "last", "count", "raw"]

POINTS = 600
MAX_WINDOWS = 20_000
MAX_RAW_MS = 26 * 3_600_000
_STEP = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|d)?")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Steps people can read, each a whole number of the one that rollups are made of.
_ROUND_MS = [
    n * 1000 for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
]


def history_query(
    unit: str, ref: SignalRef, start_ms: int, end_ms: int, *, step: str | None, aggregate: AggregateName | None
) -> Query:
    """Return the query; a problem naming the field where it cannot be. Without step: about 600 points of means."""
    kind = Aggregate(aggregate) if aggregate is not None else Aggregate.MEAN
    if kind is Aggregate.RAW:
        if step is not None:
            raise wrong_value("step", step, "raw values have no step; leave it out, or ask for another aggregate")
        if end_ms - start_ms > MAX_RAW_MS:
            raise wrong_value("start", start_ms, "too far before end for raw values; allowed: 26 hours")
        return Query(unit=unit, ref=ref, start_ms=start_ms, end_ms=end_ms)
    step_ms = _round_step(end_ms - start_ms) if step is None else _read_step(step)
    if (end_ms - start_ms) / step_ms > MAX_WINDOWS:
        raise wrong_value("step", step, f"too fine for the span; allowed: at most {MAX_WINDOWS} windows")
    return Query(unit=unit, ref=ref, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, aggregate=kind)


def _read_step(text: str) -> int:
    found = _STEP.fullmatch(text.strip())
    step_ms = round(float(found[1]) * _UNIT_MS[found[2] or "s"]) if found else 0
    if step_ms <= 0:
        raise wrong_value("step", text, "not a step; allowed: seconds above 0, or 10s, 5m, 1h, 1d")
    return step_ms


def _round_step(span_ms: int) -> int:
    return next(
        (step for step in _ROUND_MS if span_ms / step <= POINTS), -(-span_ms // POINTS // 86_400_000) * 86_400_000
    )
