"""The inputs as the service holds them: the book, what is in force, and who has to know of a change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from api.inputs import rules
from api.inputs.book import InputBook
from api.inputs.database import InputDatabase
from api.inputs.entry import Entry, InputKind
from api.inputs.in_force import InputsInForce
from orewatch.plant.states import PRODUCING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

SELF: Final = "orewatch"
"""Who ends an open stop."""


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

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def add(self, entry: Entry, unit: Unit) -> tuple[Entry, bool]:
        """Write an entry; returns it, and whether it is new. ProblemError, InputConflictError, UnknownInputError."""
        now_ms = self._now_ms()
        kept, new = self.book.add(entry, lambda others: rules.check(entry, unit, others, now_ms))
        if new:
            spans = [kept]
            if kept.corrects is not None:
                spans.append(self.book.get(kept.unit, kept.kind, kept.corrects))
            ends = [one.to_ms for one in spans]
            self.in_force.changed(unit.id)
            self._on_change(
                Changed(
                    unit.id,
                    kept.kind,
                    min(one.from_ms for one in spans),
                    None if None in ends else max(end for end in ends if end is not None),
                )
            )
        return kept, new

    def end_open_stops(
        self, unit_of: Callable[[str], Unit | None], intervals: Callable[[Unit, int], Sequence[Interval]]
    ) -> int:
        """End each open stop where the unit produced again after it began; returns how many.

        ``intervals``: the states of a unit since an instant, as they are known by now.
        """
        ended = 0
        for stop in self.book.open_stops():
            unit = unit_of(stop.unit)
            if unit is None:
                continue
            again = next(
                (
                    one
                    for one in intervals(unit, stop.from_ms)
                    if one.state in PRODUCING and one.start_ms > stop.from_ms
                ),
                None,
            )
            if again is None:
                continue
            self._end(stop, unit, again.start_ms)
            ended += 1
        return ended

    def _end(self, stop: Entry, unit: Unit, at_ms: int) -> None:
        entry = Entry(
            unit=stop.unit,
            kind=stop.kind,
            key=f"ended-{stop.id}",
            from_ms=stop.from_ms,
            to_ms=at_ms,
            own=stop.own,
            by=SELF,
            recorded_ms=self._now_ms(),
            corrects=stop.id,
        )
        self.add(entry, unit)
        log.info("%s: stop %d (%s) is over since %d", unit.id, stop.id, stop.own["code"], at_ms)
