"""Points of ``unit_state``, one at the start of each minute, and of ``unit_state_1h``."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from orewatch.plant.states import PRODUCING, STATE_CODES, STATES
from orewatch.storage.points import Point
from orewatch.storage.query import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.states import Interval

MINUTES = "unit_state"
HOURS = "unit_state_1h"


class Shown(NamedTuple):
    """What a unit does at an instant; ``stop_code``: what people say of it, "" where they do not."""

    state: str
    reason: str
    code: float
    stop_code: str


def shown_at(intervals: Sequence[Interval], said: UnitInputs, at_ms: int) -> Shown | None:
    """Return what holds at ``at_ms`` by intervals in order; None where nothing is known of it."""
    place = bisect_right(intervals, at_ms, key=lambda one: one.start_ms) - 1
    if place < 0:
        return None
    one = intervals[place]
    if one.end_ms is not None and one.end_ms <= at_ms:
        return None
    stop = None if one.state in PRODUCING else said.stop_at(at_ms)
    code = "" if stop is None else stop.code
    return Shown(one.state.value, one.reason.value, float(STATE_CODES[one.state]), code)


def minute_point(
    tags: Mapping[str, str], at_ms: int, shown: Shown, figures: Mapping[str, float | None] | None = None
) -> Point:
    """Return the point of a minute; without ``figures`` what stands of them in the store stays."""
    return Point(measurement=MINUTES, tags=tags, fields={**shown._asdict(), **(figures or {})}, time_ms=at_ms)


def hour_point(
    tags: Mapping[str, str],
    hour_ms: int,
    intervals: Sequence[Interval],
    *,
    tonnes: Sequence[float],
    target_t: float,
) -> Point:
    """Return the summary of an hour: hours by state, all of them, so that none of an earlier summary stays behind."""
    hours = dict.fromkeys(STATES, 0.0)
    for one in intervals:
        first_ms, last_ms = max(one.start_ms, hour_ms), min(one.end_ms or hour_ms + HOUR_MS, hour_ms + HOUR_MS)
        hours[one.state] += max(0, last_ms - first_ms) / HOUR_MS
    weighed = [t for t in tonnes if not math.isnan(t)]
    fields: dict[str, float | str | None] = {f"h_{state.value}": value for state, value in hours.items()}
    fields |= {"tonnes": round(sum(weighed), 3) if weighed else None, "target_t": round(target_t, 3)}
    return Point(measurement=HOURS, tags=tags, fields=fields, time_ms=hour_ms)


def minutes_of(start_ms: int, end_ms: int) -> range:
    """Return the starts of the whole minutes within ``[start_ms, end_ms)``."""
    first_ms = -(-start_ms // MINUTE_MS) * MINUTE_MS
    return range(first_ms, end_ms - MINUTE_MS + 1, MINUTE_MS)
