"""Late data: what it shows of the past is written down and told in one digest. It never pages anyone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from api.alerting.book import AlertRecord
from api.alerting.engine import PRIORITIES, UNKNOWN
from api.alerting.models import AlertKind, AlertState
from api.notify.texts import digest
from orewatch.plant.inputs import nothing_said
from orewatch.plant.states import STANDING_IDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.alerting.book import AlertBook
    from api.notify.outbox import Outbox
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

# A resend comes in many blocks: it is looked at once, when no more have come for a while.
QUIET_MS = 90_000
LONGEST_MS = 31 * 86_400_000
MAX_UNITS = 10_000


class Span(NamedTuple):
    """What late blocks of a unit cover, and when the last of them came."""

    first_ms: int
    last_ms: int
    came_ms: int


class LateReview:
    """Collects late spans, and writes up what they show."""

    def __init__(
        self,
        *,
        book: AlertBook,
        outbox: Outbox,
        idle_after_s: float,
        language: str,
        base_url: str | None,
        now_ms: Callable[[], int],
        inputs: Callable[[str, int], UnitInputs] = nothing_said,
    ) -> None:
        self._book = book
        self._outbox = outbox
        self._idle_ms = round(idle_after_s * 1000)
        self._language = language
        self._base_url = base_url
        self._now_ms = now_ms
        self._inputs = inputs
        self._spans: dict[str, Span] = {}
        self.overlooked = 0

    def late(self, unit_id: str, first_ms: int, last_ms: int) -> None:
        """Late data came of a unit."""
        now_ms = self._now_ms()
        known = self._spans.get(unit_id)
        if known is None and len(self._spans) >= MAX_UNITS:
            self.overlooked += 1
            return
        first_ms = max(first_ms if known is None else min(first_ms, known.first_ms), now_ms - LONGEST_MS)
        last_ms = last_ms if known is None else max(last_ms, known.last_ms)
        self._spans[unit_id] = Span(first_ms, last_ms, now_ms)

    def due(self) -> list[tuple[str, Span]]:
        """Take the spans that have become quiet."""
        now_ms = self._now_ms()
        quiet = [(unit, span) for unit, span in self._spans.items() if now_ms - span.came_ms >= QUIET_MS]
        for unit, _ in quiet:
            del self._spans[unit]
        return quiet

    def review(self, unit: Unit, intervals: Sequence[Interval]) -> list[AlertRecord]:
        """Write down the idle episodes that nobody knew of, and put one digest into the outbox."""
        now_ms = self._now_ms()
        found = []
        with self._book.database.transaction():
            for onset_ms, end_ms, reason in idle_stretches(intervals, self._idle_ms):
                record = AlertRecord(
                    unit=unit.id,
                    kind=AlertKind.IDLE,
                    priority=PRIORITIES[AlertKind.IDLE],
                    reason=reason,
                    onset_ms=onset_ms,
                    raised_ms=onset_ms + self._idle_ms,
                    recorded_ms=now_ms,
                    changed_ms=now_ms,
                    state=AlertState.NORM,
                    cleared_ms=end_ms,
                    tonnes_lost=round(self._inputs(unit.id, onset_ms).expected_t(onset_ms, end_ms, unit.target_tph), 3),
                    historical=True,
                )
                if self._book.raise_alert(record) is not None:
                    found.append(record)
            if found:
                letter = digest(unit.id, found, self._language, self._base_url)
                event = f"late {unit.id} {found[0].onset_ms}"
                self._outbox.put(letter, alert=None, event=event, now_ms=now_ms)
                log.info("%s: late data shows %d past idle episode(s)", unit.id, len(found))
        return found


def idle_stretches(intervals: Sequence[Interval], idle_ms: int) -> list[tuple[int, int, str]]:
    """Return (onset, end, reason) of stretches of idleness that counted ``idle_ms`` and were over in ``intervals``.

    A silence in between neither counts nor ends one.
    """
    found: list[tuple[int, int, str]] = []
    onset_ms, counted_ms, end_ms, reason = None, 0, 0, ""
    for interval in intervals:
        if interval.end_ms is None:
            break
        if interval.state in STANDING_IDLE:
            if onset_ms is None:
                onset_ms, counted_ms, reason = interval.start_ms, 0, interval.reason.value
            counted_ms += interval.end_ms - interval.start_ms
            end_ms = interval.end_ms
        elif interval.state not in UNKNOWN:
            if onset_ms is not None and counted_ms >= idle_ms:
                found.append((onset_ms, end_ms, reason))
            onset_ms = None
    return found
