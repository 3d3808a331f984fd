"""The inputs as the service holds them: the book, what is in force, and who has to know of a change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from api.inputs import rules
from api.inputs.book import InputBook, InputConflictError, UnknownInputError
from api.inputs.database import InputDatabase
from api.inputs.entry import Entry, InputKind
from api.inputs.in_force import InputsInForce
from orewatch.plant.states import PRODUCING, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

SELF: Final = "orewatch"
"""Who ends an open stop."""
MISTAKEN_MS: Final = 600_000
"""A unit that goes on producing for so long after it was said to stand does not stand."""


class Changed(NamedTuple):
    """The time that an input changed anything of; ``last_ms`` None: from then on."""

    unit: str
    kind: InputKind
    first_ms: int
    last_ms: int | None


class Inputs:
    """Writes what people say, and tells ``on_change`` of it once it is kept."""

    def __init__(self, *, path: Path, now_ms: Callable[[], int], on_change: Callable[[Changed], None]) -> None:
        self.database = InputDatabase.open(path)
        self.book = InputBook(database=self.database)
        self.in_force = InputsInForce(book=self.book, now_ms=now_ms)
        self._now_ms = now_ms
        self._on_change = on_change
        self._open = self.book.open_stops()
        self.not_ended = 0

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def add(self, entry: Entry, unit: Unit) -> tuple[Entry, bool]:
        """Write an entry; returns it, and whether it is new. ProblemError, InputConflictError, UnknownInputError."""
        now_ms = self._now_ms()
        return self._write(entry, lambda others: rules.check(entry, unit, others, now_ms))

    def end_open_stops(
        self, unit_of: Callable[[str], Unit | None], intervals: Callable[[Unit, int], Sequence[Interval]]
    ) -> int:
        """End each open stop where the unit produced again after it stood; returns how many.

        ``intervals``: the states of a unit since an instant, as they are known by now.
        """
        ended = 0
        for stop in self._open:
            unit = unit_of(stop.unit)
            at_ms = None if unit is None else self._over_ms(stop, intervals(unit, stop.from_ms))
            if at_ms is None:
                continue
            try:
                self._end(stop, at_ms)
            except (InputConflictError, UnknownInputError) as error:
                self.not_ended += 1
                log.warning("%s: stop %d cannot be ended: %s", stop.unit, stop.id, error)
                continue
            ended += 1
        if ended:
            self._open = self.book.open_stops()
        return ended

    def _over_ms(self, stop: Entry, intervals: Sequence[Interval]) -> int | None:
        """Return since when the unit produces again; of one that never stood, where it was said to stand by mistake."""
        stood = False
        for one in intervals:
            if one.state in UNKNOWN:
                continue
            if one.state not in PRODUCING:
                stood = True
            elif stood and one.start_ms > stop.from_ms:
                return one.start_ms
            elif not stood and (one.end_ms or self._now_ms()) > max(stop.from_ms, stop.recorded_ms) + MISTAKEN_MS:
                return max(stop.from_ms, stop.recorded_ms)
        return None

    def _end(self, stop: Entry, at_ms: int) -> None:
        others = [one for one in self.book.current(stop.unit, stop.kind) if one.from_ms > stop.from_ms]
        at_ms = min([at_ms, *(one.from_ms for one in others)])
        entry = Entry(
            unit=stop.unit,
            kind=stop.kind,
            # A sender's key cannot hold a colon.
            key=f"ended:{stop.id}",
            from_ms=stop.from_ms,
            to_ms=max(at_ms, stop.from_ms + 1),
            own=stop.own,
            by=SELF,
            note=stop.note,
            recorded_ms=self._now_ms(),
            corrects=stop.id,
        )
        # Not checked by the rules for people: it only says when something ended that stands in the book.
        self._write(entry, lambda _others: None)
        log.info("%s: stop %d (%s) is over since %d", stop.unit, stop.id, stop.own["code"], at_ms)

    def _write(self, entry: Entry, check: Callable[[Sequence[Entry]], None]) -> tuple[Entry, bool]:
        kept, before, new = self.book.add(entry, check)
        if not new:
            return kept, False
        spans = [kept] if before is None else [kept, before]
        ends = [one.to_ms for one in spans]
        self.in_force.changed(kept.unit)
        if kept.kind is InputKind.STOPS:
            self._open = self.book.open_stops()
        last_ms = None if None in ends else max(end for end in ends if end is not None)
        self._on_change(Changed(kept.unit, kept.kind, min(one.from_ms for one in spans), last_ms))
        return kept, True
