"""When late data of a unit has become quiet: classify what it covers, and write up what that shows."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from api.units.state_history import TAIL_MS
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.alerting.late_review import LateReview
    from api.live.roster import Roster
    from api.units.state_history import StateHistories

log = logging.getLogger(__name__)

# How much of the time around late data is looked at with it, to see stretches whole.
AROUND_MS = 900_000


async def look_at_late_data(
    review: LateReview,
    roster: Roster,
    states: StateHistories,
    *,
    now_ms: Callable[[], int],
    on_late: Callable[[str], None],
) -> bool:
    """Review every span that is due; True where anything was written. A store that is down is asked again later.

    ``on_late``: the history of this unit is not what it was.
    """
    wrote = False
    for unit_id, span in review.due():
        unit = roster.unit(unit_id)
        if unit is None:
            continue
        present_ms = now_ms()
        end_ms = min(span.last_ms + AROUND_MS, present_ms - TAIL_MS)
        try:
            intervals = await asyncio.to_thread(states.intervals, unit, span.first_ms - AROUND_MS, end_ms, present_ms)
        except StoreError as error:
            log.warning("late data of %s waits for the store: %s", unit_id, error)
            review.late(unit_id, span.first_ms, span.last_ms)
            continue
        on_late(unit_id)
        wrote |= bool(review.review(unit, intervals))
    return wrote
