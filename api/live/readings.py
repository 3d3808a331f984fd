"""The newest value of every signal of every unit, from both lanes, as the pages show it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from api.live.edge_clock import CLOCK_OFF_MS, EdgeClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GOOD, BAD, STALE = 192, 0, 500
# What a foreign birth may declare before it costs memory that others need.
MAX_SIGNALS = 4096
LIVE_MS = 35_000
LOST_MS = 60_000


class Reading(NamedTuple):
    """A value (None unless good), its time at the edge, its Sparkplug quality."""

    value: float | None
    time_ms: int
    quality: int


class UnitReadings:
    """One unit's newest readings, by ``machine.signal``, and when it was heard."""

    def __init__(self) -> None:
        self.signals: dict[str, Reading] = {}
        self.last_seen_ms: int | None = None
        self.died_ms: int | None = None
        self.clock = EdgeClock()

    def put(self, name: str, value: float | None, time_ms: int, quality: int) -> bool:
        """Keep a reading unless a newer one stands; False where it was not kept."""
        standing = self.signals.get(name)
        if standing is not None:
            if time_ms < standing.time_ms:
                return False
        elif len(self.signals) >= MAX_SIGNALS:
            return False
        if value is None or quality != GOOD or not math.isfinite(value):
            value, quality = None, BAD if quality == GOOD else quality
        self.signals[name] = Reading(value, time_ms, quality)
        return True

    def not_after(self, now_ms: int) -> None:
        """The clock was set back: what came before it would refuse everything new until its time."""
        if self.last_seen_ms is not None:
            self.last_seen_ms = min(self.last_seen_ms, now_ms)
        for name, reading in self.signals.items():
            if reading.time_ms > now_ms:
                self.signals[name] = reading._replace(time_ms=now_ms)

    def stale(self, machine: str | None = None) -> None:
        """Mark all values, or those of one machine, as stale; times stay."""
        prefix = "" if machine is None else f"{machine}."
        for name, reading in self.signals.items():
            if name.startswith(prefix):
                self.signals[name] = Reading(reading.value, reading.time_ms, STALE)

    def unread(self, name: str) -> None:
        """The edge has not read this signal since its start: what stands is stale, and gives way to any value."""
        standing = self.signals.get(name)
        if standing is not None:
            self.signals[name] = standing._replace(quality=STALE)

    def connection(self, now_ms: int) -> str:
        """Say ``live``, ``stale`` or ``lost``: by the age of the last message, not by the TCP link."""
        if self.last_seen_ms is None:
            return "lost"
        age = now_ms - self.last_seen_ms
        if age > LOST_MS or (self.died_ms is not None and self.died_ms >= self.last_seen_ms):
            return "lost"
        return "live" if age <= LIVE_MS else "stale"


class LiveReadings:
    """All units' readings."""

    def __init__(self) -> None:
        self._units: dict[str, UnitReadings] = {}

    def of(self, unit_id: str) -> UnitReadings:
        """Return a unit's readings, empty where it was never heard."""
        found = self._units.get(unit_id)
        if found is None:
            found = self._units[unit_id] = UnitReadings()
        return found

    def prime(self, unit_id: str, readings: Iterable[tuple[str, Reading]], now_ms: int) -> None:
        """Fill in what the store knows, where nothing newer stands; not what a wrong clock put into times to come."""
        unit = self.of(unit_id)
        for name, reading in readings:
            if reading.time_ms > now_ms + CLOCK_OFF_MS:
                continue
            unit.put(name, reading.value, reading.time_ms, reading.quality)
            if unit.last_seen_ms is None or reading.time_ms > unit.last_seen_ms:
                unit.last_seen_ms = reading.time_ms

    def not_after(self, now_ms: int) -> None:
        """The clock was set back to ``now_ms``."""
        for unit in self._units.values():
            unit.not_after(now_ms)

    def as_mapping(self) -> Mapping[str, UnitReadings]:
        """Return the readings by unit."""
        return self._units
