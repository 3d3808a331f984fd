"""The watch: takes readings in, judges every second that is over, and shows the result to viewers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from api.alerting.engine import Mode
from api.live.clock import SECOND_MS, Leap, due_seconds
from api.live.edge_clock import CLOCK_OFF_MS
from api.live.readings import LiveReadings, Reading
from orewatch.plant.evidence_live import HeldReadings
from orewatch.storage.durations import Durations
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.live.follower import Told
    from api.live.frames import Frames
    from api.live.judge import Judge
    from api.live.roster import Roster
    from api.live.said import Said
    from api.live.stream import Stream
    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import Latest

log = logging.getLogger(__name__)

# Readings of a second arrive shortly after it; a frame then shows them fresh.
PHASE_MS = 300
# A longer time of not looking is not bridged: what stands begins anew.
BRIDGE_MS = 900_000
MAX_NEW_UNITS = 2000


class Watch:
    """Owns what is held of units between seconds. Only the event loop calls it."""

    def __init__(
        self,
        *,
        roster: Roster,
        readings: LiveReadings,
        judge: Judge,
        stream: Stream,
        frames: Frames,
        now_ms: Callable[[], int],
        said: Said | None = None,
    ) -> None:
        self._roster = roster
        self._readings = readings
        self._judge = judge
        self._stream = stream
        self._frames = frames
        self._now_ms = now_ms
        self._said = said
        if said is not None:
            said.forget()
        self._held = HeldReadings(units=judge.units)
        self._totals: dict[int, list[tuple[int, float]]] = {}
        self._total_refs = {unit.id: unit.roles.total for unit in judge.units}
        self._described: dict[str, Unit] = {}
        self._below: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.tick_ms = 0.0
        self.ticks = Durations()
        self.judged_ms = 0

    def take_unit(self, unit: Unit) -> None:
        """A unit is new or described differently; it is taken in with the next tick."""
        self._described[unit.id] = unit

    def take_heard(self, unit_id: str, at_ms: int, clock_bad: bool) -> None:
        """A message came from a unit."""
        if unit_id in self._total_refs:
            self._held.hear(unit_id, at_ms, clock_bad=clock_bad)

    def take_reading(self, told: Told) -> None:
        """A reading came."""
        total = self._total_refs.get(told.unit)
        if total is None:
            return
        self._held.put(told.unit, told.ref, told.time_ms, told.value)
        if told.ref == total and told.value == told.value:
            number = self._roster.number(told.unit)
            if number is not None:
                self._totals.setdefault(number, []).append((told.time_ms, told.value))

    def prime(self, unit: Unit, latest: Mapping[SignalRef, Latest]) -> None:
        """Fill in what the store knows of a unit."""
        for ref, newest in latest.items():
            known = newest.quality is Quality.GOOD and newest.value is not None and unit.id in self._total_refs
            if known and newest.value is not None and newest.time_ms <= self._now_ms() + CLOCK_OFF_MS:
                self._held.put(unit.id, ref, newest.time_ms, newest.value)
        self._readings.prime(
            unit.id,
            ((str(r), Reading(x.value, x.time_ms, SPARKPLUG_QUALITY[x.quality])) for r, x in latest.items()),
            self._now_ms(),
        )

    def set_below(self, unit_id: str, below: bool) -> None:
        """Whether a unit counts as underperforming from now on."""
        if unit_id in self._total_refs:
            (self._below.add if below else self._below.discard)(unit_id)
            self._held.set_from_people(unit_id, underperforming=below)

    def tick(self) -> None:
        """Judge the seconds that are over, and show."""
        now_ms = self._now_ms()
        self._take_in_units()
        self._judge.write_waiting()
        due = due_seconds(self._judge.now_ms, now_ms)
        if due.leap is not Leap.NONE:
            self._leap(due.leap, now_ms)
        for second in due.seconds:
            if self._said is not None:
                self._said.lay(self._held, self._judge, second)
            self._judge.advance(self._held.evidence(second), self._drained(), recorded_ms=now_ms, mode=Mode.LIVE)
        self.judged_ms = self._judge.now_ms
        self.show(now_ms)

    def show(self, now_ms: int) -> None:
        """Send a frame to everyone who looks."""
        for unit_id in self._stream.filters():
            self._stream.publish(unit_id, now_ms, self._frames.of(unit_id, now_ms))

    async def run(self) -> None:
        """Tick once a second, a little after each."""
        while True:
            now_ms = self._now_ms()
            wait_ms = (PHASE_MS - now_ms) % SECOND_MS or SECOND_MS
            await asyncio.sleep(wait_ms / 1000)
            started = asyncio.get_running_loop().time()
            self.tick()
            self.tick_ms = (asyncio.get_running_loop().time() - started) * 1000
            self.ticks.took(self.tick_ms / 1000)
            self.counts["ticks"] += 1

    def _take_in_units(self) -> None:
        described = [self._described.pop(unit_id) for unit_id in list(self._described)[:MAX_NEW_UNITS]]
        if not described:
            return
        # By number, which is the order in which judge and evidence keep their units.
        described.sort(key=lambda unit: self._roster.number(unit.id) or 0)
        known = len(self._judge.units)
        numbers = [self._roster.number(unit.id) for unit in described]
        self._held.add(described)
        self._judge.add([u for u, n in zip(described, numbers, strict=True) if n is None or n >= known])
        for unit, number in zip(described, numbers, strict=True):
            self._total_refs[unit.id] = unit.roles.total
            if number is not None and number < known:
                self._judge.describe(number, unit)

    def _leap(self, leap: Leap, now_ms: int) -> None:
        until_ms = now_ms // SECOND_MS * SECOND_MS
        self.counts[f"clock_leap_{leap.name.lower()}"] += 1
        bridged = leap is Leap.FORWARD and until_ms - self._judge.now_ms <= BRIDGE_MS
        log.warning("the clock leapt %s to %d from %d; bridged: %s", leap.name, until_ms, self._judge.now_ms, bridged)
        if bridged:
            self._judge.look_away(until_ms)
            return
        self._readings.not_after(until_ms)
        self._held = HeldReadings(units=self._judge.units)
        self._totals.clear()
        self._judge.restart(until_ms)
        if self._said is not None:
            self._said.forget()
        for unit_id in self._below:
            self._held.set_from_people(unit_id, underperforming=True)

    def _drained(
        self,
    ) -> dict[int, tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]]:
        drained = {
            number: (np.array([t for t, _ in rows], np.int64), np.array([v for _, v in rows], np.float64))
            for number, rows in self._totals.items()
        }
        self._totals.clear()
        return drained
