"""A recording played back: any CSV whose columns are signals, at any speed."""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge_agent.sources.source import Sample
from orewatch.plant.catalogue import SignalRef
from orewatch.settings import SettingsError
from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.settings import ReplaySettings


@dataclass(frozen=True, slots=True)
class Recording:
    """Rows of a CSV: ``at_ms`` since the first row, and ``values`` per row (None: empty or not a number)."""

    refs: tuple[SignalRef, ...]
    at_ms: list[int]
    values: list[tuple[float | None, ...]]
    length_ms: int


class ReplaySource:
    """Plays a recording from the moment it is first read; row times become the edge's own, divided by the speed.

    :class:`orewatch.settings.SettingsError` where the file cannot be read, has no such column, or no row.
    """

    def __init__(self, *, settings: ReplaySettings) -> None:
        self.name = settings.name
        self.down = False
        self.counters: Counter[str] = Counter()
        self.machines = frozenset(c.machine for c in settings.column)
        self._settings = settings
        self._recording = read_recording(settings, self.counters)
        self._start_ms: int | None = None
        self._row = 0
        self._last_ms = 0

    async def read(self, now_ms: int) -> Sequence[Sample]:
        """Return the rows that have become due since the last call."""
        if self._start_ms is None or now_ms < self._last_ms:
            # A clock set back must not silence the recording: it goes on from where it is.
            done = self._at_ms(self._row) if self._start_ms is not None else 0.0
            self._start_ms = now_ms - int(done)
        self._last_ms = now_ms
        samples: list[Sample] = []
        while (at := self._at_ms(self._row)) <= now_ms - self._start_ms:
            time_ms = self._start_ms + int(at)
            row = self._recording.values[self._row % len(self._recording.values)]
            for ref, value in zip(self._recording.refs, row, strict=True):
                quality = Quality.BAD if value is None else Quality.GOOD
                samples.append(Sample(ref, value, quality, time_ms))
            self._row += 1
        return samples

    async def close(self) -> None:
        """Nothing is held open."""

    def _at_ms(self, row: int) -> float:
        rounds, row = divmod(row, len(self._recording.values))
        if rounds and not self._settings.loop:
            return math.inf
        return (rounds * self._recording.length_ms + self._recording.at_ms[row]) / self._settings.speed


def read_recording(settings: ReplaySettings, counters: Counter[str]) -> Recording:
    """Read the CSV; cells that are no numbers are counted and become None. :class:`SettingsError`."""
    where = f"source {settings.name}"
    at_ms: list[int] = []
    values: list[tuple[float | None, ...]] = []
    try:
        with settings.file.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=settings.delimiter, strict=True)
            names = reader.fieldnames or []
            paced_by = [c for c in (settings.time_column, settings.row_column) if c is not None]
            wanted = [c.column for c in settings.column] + paced_by
            missing = [w for w in wanted if w not in names]
            if missing:
                have = ", ".join(names)
                raise SettingsError([f"{settings.file}: {where}: no column {missing[0]!r}; allowed: {have}"])
            for number, row in enumerate(reader):
                at_ms.append(_row_time(settings, row, number))
                values.append(
                    tuple(_cell(row[c.column], settings, c.scale, c.offset, counters) for c in settings.column)
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError([f"{where}: file = {str(settings.file)!r}: {error}; allowed: a readable CSV"]) from error
    if not values:
        raise SettingsError([f"{settings.file}: {where}: no rows; allowed: at least one"])
    late = next((i for i in range(1, len(at_ms)) if at_ms[i] < at_ms[i - 1]), None)
    if late is not None:
        raise SettingsError([f"{settings.file}: {where}: time of row {late + 2} goes back; allowed: rows in order"])
    start = at_ms[0]
    at_ms = [t - start for t in at_ms]
    step = at_ms[-1] // (len(at_ms) - 1) if len(at_ms) > 1 else 1000
    refs = tuple(SignalRef(c.machine, c.signal) for c in settings.column)
    return Recording(refs, at_ms, values, at_ms[-1] + max(1, step))


def _row_time(settings: ReplaySettings, row: dict[str, str], number: int) -> int:
    if settings.time_column is None:
        return round(number * (settings.row_s or 0.0) * 1000)
    start_s = _seconds(settings, row, settings.time_column, number)
    if settings.row_column is None:
        return round(start_s * 1000)
    return round((start_s + _seconds(settings, row, settings.row_column, number) * (settings.row_s or 0.0)) * 1000)


def _seconds(settings: ReplaySettings, row: dict[str, str], column: str, number: int) -> float:
    text = row[column] or ""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        line = f"{settings.file}: column {column!r}, row {number + 2}: {text!r}"
        raise SettingsError([f"{line}; allowed: ISO 8601 or a number"]) from error
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _cell(
    text: str | None, settings: ReplaySettings, scale: float, offset: float, counters: Counter[str]
) -> float | None:
    try:
        value = float((text or "").replace(",", ".") if settings.decimal == "," else text or "")
    except ValueError:
        counters["not_a_number"] += 1
        return None
    return value * scale + offset if math.isfinite(value) else None
