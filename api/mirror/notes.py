"""Notes what is owed: every hour once it is over, what late data touched, what people said afterwards.

All of it follows logs that keep (the clock's hours, the journal's positions, the inputs' numbers), each from the mark
up to which it was noted: whatever happened while nobody noted is noted next.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from api.inputs.entry import InputKind
from api.mirror.ledger import OwedHour
from api.units.state_history import SETTLING_MS, WARM_UP_MS
from orewatch.storage.arrivals import Span
from orewatch.storage.database import DatabaseError
from orewatch.storage.query import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from api.inputs.database import InputDatabase
    from api.mirror.ledger import Ledger
    from api.mirror.owed_alerts import OwedAlerts
    from orewatch.storage.arrivals import Arrivals

log = logging.getLogger(__name__)

INPUTS_AT_ONCE: Final = 1000
MAX_HINTS: Final = 10_000
_NO_MATTER: Final = (InputKind.ASSAYS.value,)


class Notes:
    """Owed hours, noted into the ledger. One thread at a time, but for :meth:`hint`.

    ``raw_ms``: how long the store keeps raw scans: older hours cannot be computed anew. ``passed_over`` counts what
    was owed and never will be written, by reason. ``complete_ms``: what was received until then is in the store.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        alerts: OwedAlerts,
        arrivals: Arrivals | None,
        inputs: InputDatabase,
        raw_ms: int,
    ) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._arrivals = arrivals
        self._inputs = inputs
        self._raw_ms = raw_ms
        self._marks = ledger.marks()
        self._hints: dict[str, Span] = {}
        self._following = False
        self.passed_over: Counter[str] = Counter()
        self.complete_ms = 0

    def hint(self, unit_id: str, first_ms: int, last_ms: int) -> None:
        """Late data came over the broker: all there is to go by where there is no journal to follow."""
        known = self._hints.get(unit_id)
        if known is None and len(self._hints) >= MAX_HINTS:
            self.passed_over["too_many_late_units"] += 1
            return
        if known is not None:
            first_ms, last_ms = min(first_ms, known.first_ms), max(last_ms, known.last_ms)
        self._hints[unit_id] = Span(unit_id, first_ms, last_ms)

    def note(self, units: Sequence[str], now_ms: int) -> list[Span]:
        """Note what is owed by now; returns the spans of history that are not what they were. sqlite3 errors."""
        hour_ms = now_ms // HOUR_MS * HOUR_MS
        # The first hours that retention is about to eat into would be computed from a part of their scans.
        oldest_ms = hour_ms - self._raw_ms // HOUR_MS * HOUR_MS + 2 * HOUR_MS
        first = "hours" not in self._marks
        with self._ledger.transaction():
            self._hours(units, oldest_ms, hour_ms)
            changed = self._arrived(oldest_ms, hour_ms, now_ms, first=first)
            self._said(oldest_ms, hour_ms)
        return changed

    def touch(self, unit_id: str, first_ms: int, last_ms: int, now_ms: int) -> None:
        """Owe the hours of a span that is not shown as it was, for a reason of its own."""
        hour_ms = now_ms // HOUR_MS * HOUR_MS
        span = Span(unit_id, first_ms, last_ms)
        self._ledger.owe(_hours_of(span, hour_ms - self._raw_ms + 2 * HOUR_MS, hour_ms, 0))

    def _set(self, name: str, value: int) -> None:
        if self._marks.get(name) != value:
            self._ledger.set_mark(name, value)
            self._marks[name] = value

    def _hours(self, units: Sequence[str], oldest_ms: int, hour_ms: int) -> None:
        """Every hour that is over is owed of every unit; a clock that was set back comes by its hours again."""
        noted_ms = self._marks.get("hours")
        if noted_ms == hour_ms:
            return
        if noted_ms is None:
            self._ledger.owe(self._since_ever(units, oldest_ms, hour_ms))
        else:
            if noted_ms > hour_ms:
                self._ledger.forget_from(hour_ms)
            first_ms = max(min(noted_ms, hour_ms), oldest_ms)
            self.passed_over["beyond_raw"] += max(0, first_ms - noted_ms) // HOUR_MS * len(units)
            self._ledger.owe(OwedHour(at_ms, unit) for at_ms in range(first_ms, hour_ms, HOUR_MS) for unit in units)
        self.passed_over["beyond_raw"] += self._ledger.forget_before(oldest_ms)
        self._alerts.owe(standing=noted_ms is not None)
        self._set("hours", hour_ms)

    def _since_ever(self, units: Sequence[str], oldest_ms: int, hour_ms: int) -> Iterator[OwedHour]:
        """Yield what the first start owes: as far back as the journal reaches; without one nothing of the past."""
        known = {} if self._arrivals is None else self._arrivals.oldest()
        for unit in units:
            since_ms = known.get(unit, hour_ms)
            yield from _hours_of(Span(unit, since_ms, hour_ms), oldest_ms, hour_ms, 0)

    def _arrived(self, oldest_ms: int, hour_ms: int, now_ms: int, *, first: bool) -> list[Span]:
        came = None
        if self._arrivals is not None:
            try:
                came = self._follow(self._arrivals, first=first)
            except DatabaseError as error:
                log.warning("the journal cannot be read, hours wait: %s", error)
                return []
        hints, self._hints = self._hints, {}
        if came is None:
            self.complete_ms = now_ms
            came = list(hints.values())
        elif not self._following:
            log.info("states follow what the collector has written into the store")
            self._following = True
        changed = []
        began = {} if self._arrivals is None or not came else self._arrivals.oldest()
        for span in came:
            # Before its first block a unit was not there: that is no silence.
            first_ms = max(oldest_ms, began.get(span.unit, 0) // HOUR_MS * HOUR_MS)
            hours = list(_hours_of(_reach(span), first_ms, hour_ms, now_ms))
            if hours:
                self._ledger.owe(hours)
                changed.append(span)
        return changed

    def _follow(self, arrivals: Arrivals, *, first: bool) -> list[Span] | None:
        projected = arrivals.position()
        if projected is None:
            return None
        # The first start owes all that is there. Hours computed before there was a journal owe what has come since.
        known = self._marks.get("position", projected if first else 0)
        # Projecting that was sent back fills a store that has lost something: whatever comes from there on, and alerts.
        after = min(known, projected)
        if projected < known:
            self._alerts.owe(standing=False)
        came = arrivals.since(after)
        if came is None:
            return None
        self.complete_ms = NEVER_WAITING if came.waiting_ms is None else came.waiting_ms
        self.passed_over["blocks_missed"] += came.missed
        self._set("position", came.position)
        return came.spans

    def _said(self, oldest_ms: int, hour_ms: int) -> None:
        """What people say of the past changes it; a correction changes the time of what it corrects, too."""
        newest = int(self._inputs.rows("SELECT coalesce(max(id), 0) AS n FROM input")[0]["n"])
        noted = self._marks.get("inputs", newest)
        rows = self._inputs.rows(
            "SELECT i.id, i.unit, i.kind, min(i.from_ms, coalesce(b.from_ms, i.from_ms)) AS first_ms,"
            " CASE WHEN i.to_ms IS NULL OR (b.id IS NOT NULL AND b.to_ms IS NULL) THEN NULL"
            " ELSE max(i.to_ms, coalesce(b.to_ms, i.to_ms)) END AS last_ms"
            " FROM input i LEFT JOIN input b ON b.id = i.corrects WHERE i.id > ? ORDER BY i.id LIMIT ?",
            (noted, INPUTS_AT_ONCE),
        )
        for row in rows:
            if row["kind"] not in _NO_MATTER:
                span = Span(row["unit"], row["first_ms"], hour_ms if row["last_ms"] is None else row["last_ms"])
                self._ledger.owe(_hours_of(_reach(span), oldest_ms, hour_ms, 0))
        self._set("inputs", rows[-1]["id"] if rows else noted)


NEVER_WAITING: Final = 1 << 62


def _reach(span: Span) -> Span:
    """Return what the evidence of a span reaches into: onsets date back, and latches last."""
    return Span(span.unit, span.first_ms - SETTLING_MS, span.last_ms + WARM_UP_MS)


def _hours_of(span: Span, oldest_ms: int, hour_ms: int, touched_ms: int) -> Iterable[OwedHour]:
    """Yield the hours of a span from ``oldest_ms`` on that are over when ``hour_ms`` begins."""
    first_ms = max(span.first_ms, oldest_ms) // HOUR_MS * HOUR_MS
    for at_ms in range(first_ms, min(span.last_ms + 1, hour_ms), HOUR_MS):
        yield OwedHour(at_ms, span.unit, touched_ms)
