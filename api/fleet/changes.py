"""What the fleet's viewers have been told, and what has to be said so that they know it all.

``told`` is the picture that every viewer has who took every frame. The table *is* that picture, so that table and
frames fit each other; a frame says what changed since the one before. Frames are absolute: taken twice they do no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from api.alerting.standing import alerts_told
from api.fleet.rows import COLUMNS, FIXED, WORDED, Row, differs, fixed_of, row_of
from api.live.stream import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.live.frames import Frames
    from api.live.roster import Roster
    from api.live.stream import Stream
    from orewatch.plant.unit import Unit

# While frames go out, the picture that was told is this fresh; older than that nobody has been making frames.
FRESH_MS: Final = 10_000
_PLACES = 4


class Changes:
    """The picture that was told. Only the event loop calls it.

    ``month_of``: the Jalali year and month of the production day at an instant; ``alerts``: as in frames.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        stream: Stream,
        frames: Callable[[], Frames],
        alerts: Callable[[], tuple[Mapping[str, int], int]],
        month_of: Callable[[int], tuple[int, int]],
    ) -> None:
        self._roster = roster
        self._stream = stream
        self._frames = frames
        self._alerts = alerts
        self._month_of = month_of
        self._told: dict[str, Row] = {}
        self._units: dict[str, Unit] = {}
        self.at_ms = 0
        self._table: tuple[int, bytes] | None = None

    def frame(self, now_ms: int) -> bytes:
        """Return what changed since the last frame, encoded; from now on viewers count as told."""
        from_ms, changed, again = self.at_ms, {}, False
        frames = self._frames()
        for unit in self._roster:
            row = row_of(frames.entry(unit, now_ms, pending=False))
            told = self._told.get(unit.id)
            if told is None or differs(told, row):
                self._told[unit.id] = row
                changed[unit.id] = tuple(row)
            again |= self._described_anew(unit)
        self.at_ms = now_ms
        # What is fixed is in the table only: a frame that nobody can follow makes everybody read it again.
        return self._encode(now_ms if again else from_ms, changed)

    def mark(self, now_ms: int) -> bytes:
        """Return a frame that says nothing but from when on frames can be followed, and what o'clock it is."""
        return self._encode(self.at_ms, {}, now_ms)

    def table(self, now_ms: int) -> bytes:
        """Return the whole picture, encoded, and have frames made that go on from it."""
        fresh = abs(now_ms - self.at_ms) < FRESH_MS
        if not fresh or not self._stream.linger(CHANGES):
            self.frame(now_ms)
            self._stream.begin(CHANGES, self.at_ms, self.mark(now_ms))
        if self._table is None or self._table[0] != self.at_ms:
            self._table = self.at_ms, orjson.dumps(self._picture())
        return self._table[1]

    def _described_anew(self, unit: Unit) -> bool:
        before = self._units.get(unit.id)
        if before is unit:
            return False
        self._units[unit.id] = unit
        return before is not None and fixed_of(before) != fixed_of(unit)

    def _encode(self, from_ms: int, changed: Mapping[str, Any], now_ms: int | None = None) -> bytes:
        frame = {"t": self.at_ms, "from": from_ms, "units": changed, "alerts": alerts_told(*self._alerts())}
        return orjson.dumps(frame if now_ms is None else frame | {"now": now_ms})

    def _picture(self) -> dict[str, Any]:
        units = [unit for unit in self._roster if unit.id in self._told]
        columns: dict[str, list[Any]] = (
            dict(zip(COLUMNS, map(list, zip(*(self._told[unit.id] for unit in units), strict=True)), strict=True))
            if units
            else {name: [] for name in COLUMNS}
        )
        words: dict[str, list[str]] = {}
        for name in WORDED:
            columns[name], words[name] = _indexed(columns[name])
        fixed: dict[str, list[Any]] = {"id": [unit.id for unit in units]}
        for name in FIXED:
            fixed[name], words[name] = _indexed([getattr(unit, name) for unit in units])
        fixed["latitude"] = [_degrees(unit.latitude) for unit in units]
        fixed["longitude"] = [_degrees(unit.longitude) for unit in units]
        fixed["nameplate_tph"] = [unit.nameplate_tph for unit in units]
        return {
            "t": self.at_ms,
            "month": self._month_of(self.at_ms),
            "words": words,
            "fixed": fixed,
            "live_columns": COLUMNS,
            "live": columns,
        }


def _indexed(values: list[str | None]) -> tuple[list[int | None], list[str]]:
    """Return each value as an index into the sorted words; None stays None."""
    words = sorted({value for value in values if value is not None})
    numbers = {word: number for number, word in enumerate(words)}
    return [None if value is None else numbers[value] for value in values], words


def _degrees(angle: float | None) -> float | None:
    return None if angle is None else round(angle, _PLACES)
