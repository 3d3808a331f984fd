"""The minute that has just passed, as the watch saw it: one point for each unit, and what it dates back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from api.alerting.models import AlertKind
from api.live.frames import dry, throughput
from api.mirror.owed_alerts import standing_at
from api.mirror.state_points import minute_point, shown_at
from api.units.state_history import TAIL_MS, explained, live_tail, paced
from orewatch.storage.query import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.live.tally import Tally
    from api.mirror.owed_alerts import OwedAlerts, Stood
    from api.mirror.places import Places
    from api.mirror.state_points import Shown
    from api.service import Service
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.unit import Unit
    from orewatch.storage.points import Point

# So many units, then the event loop's turn: the tick must not wait for a whole fleet.
AT_ONCE: Final = 25
# What is read so long after a minute began does not tell of its beginning any more.
FRESH_MS: Final = 15_000


class Sample(NamedTuple):
    """What could only be read as the minute began."""

    flow_tph: float | None
    silent_s: float | None


class LiveMinutes:
    """Only the event loop calls it. What is dated back is written again where it had been shown otherwise."""

    def __init__(self, *, service: Service, places: Places, alerts: OwedAlerts) -> None:
        self._service = service
        self._places = places
        self._alerts = alerts
        self._shown: dict[str, dict[int, Shown]] = {}
        self._sampled_ms = 0
        self._samples: dict[str, Sample] = {}

    def forget(self) -> None:
        """What was computed last did not get into the store, or the clock leapt."""
        self._shown.clear()

    async def points(self, at_ms: int) -> list[Point]:
        """Return the points of the minute that began at ``at_ms`` and is over."""
        from_ms, end_ms = at_ms - TAIL_MS, at_ms + MINUTE_MS
        stood = await asyncio.to_thread(self._alerts.stood, from_ms, end_ms)
        slow = await asyncio.to_thread(self._alerts.stood, from_ms, end_ms, kind=AlertKind.UNDERPERFORMING)
        samples = self._samples if self._sampled_ms == at_ms else {}
        self._samples, self._sampled_ms = {}, end_ms
        points = []
        for number, unit in enumerate(list(self._service.roster)):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if unit.id in self._places:
                sample = samples.get(unit.id, Sample(None, None))
                points += self._unit(unit, at_ms, sample, stood.get(unit.id, []), slow.get(unit.id, []))
                self._sample(unit, end_ms)
        return points

    def _unit(
        self, unit: Unit, at_ms: int, sample: Sample, stood: Sequence[Stood], slow: Sequence[Stood]
    ) -> list[Point]:
        judge = self._service.judge
        number = judge.number(unit.id)
        if number is None:
            return []
        end_ms = at_ms + MINUTE_MS
        said = self._service.inputs.in_force.of(unit.id)
        tail = explained(live_tail(judge.classifier, number, at_ms - TAIL_MS, end_ms), said)
        intervals = paced(tail, [(began_ms, cleared_ms or end_ms) for began_ms, cleared_ms in slow])
        now = shown_at(intervals, said, at_ms)
        before = self._shown.get(unit.id, {})
        points = []
        kept: dict[int, Shown] = {}
        for past_ms, was in before.items():
            shown = shown_at(intervals, said, past_ms) or was
            if past_ms >= at_ms - TAIL_MS and past_ms != at_ms:
                kept[past_ms] = shown
                if shown != was:
                    points.append(minute_point(self._places.at(unit.id, past_ms).tags(unit.id), past_ms, shown))
        if now is not None:
            kept[at_ms] = now
            figures = {
                "flow_tph": sample.flow_tph,
                "target_tph": said.target_tph(at_ms, unit.target_tph),
                "tonnes": _tonnes(judge.tallies[number], at_ms, end_ms),
                "alerts": float(standing_at(stood, at_ms)),
                "silent_s": sample.silent_s,
            }
            points.append(minute_point(self._places.at(unit.id, at_ms).tags(unit.id), at_ms, now, figures))
        self._shown[unit.id] = kept
        return points

    def _sample(self, unit: Unit, minute_ms: int) -> None:
        now_ms = self._service.now_ms()
        if not 0 <= now_ms - minute_ms < FRESH_MS:
            return
        readings = self._service.readings.of(unit.id)
        said: UnitInputs = self._service.inputs.in_force.of(unit.id)
        seen_ms = readings.last_seen_ms
        self._samples[unit.id] = Sample(
            dry(throughput(unit, readings, now_ms), said.ore_at(minute_ms)),
            None if seen_ms is None else max(0, minute_ms - seen_ms) / 1000,
        )


def _tonnes(tally: Tally, start_ms: int, end_ms: int) -> float | None:
    """Return what was weighed in a minute; None where nothing was read in it."""
    if tally.counted_to_ms is None or tally.counted_to_ms <= start_ms:
        return None
    return round(max(0.0, tally.at(end_ms) - tally.at(start_ms)), 4)
