"""What viewers see each second: one JSON picture of the fleet, or of one unit with all its signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from api.alerting.standing import alerts_told
from api.live.readings import GOOD
from api.live.stream import CHANGES
from orewatch.plant.evidence import hold_on_change
from orewatch.plant.inputs import nothing_said
from orewatch.plant.states import State, StateReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.alerting.facts import Facts
    from api.fleet.fleet import Fleet
    from api.live.judge import Judge
    from api.live.readings import LiveReadings, UnitReadings
    from api.live.roster import Roster
    from orewatch.plant.inputs import Ore, UnitInputs
    from orewatch.plant.unit import Unit


class Frames:
    """Builds frames; reads everything and changes nothing.

    ``alerts``: how many alerts stand, by unit, and when they last changed; ``inputs``: what people said of a
    unit; ``shift``: its running shift; ``fleet``: tonnes of the month, and hours of which nothing is known.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        readings: LiveReadings,
        judge: Judge,
        alerts: Callable[[], tuple[Mapping[str, int], int]],
        fleet: Fleet,
        inputs: Callable[[str], UnitInputs] = nothing_said,
        shift: Callable[[Unit, int], dict[str, Any]] | None = None,
    ) -> None:
        self._roster = roster
        self._readings = readings
        self._judge = judge
        self._alerts = alerts
        self._inputs = inputs
        self._shift = shift
        self._fleet = fleet

    def entry(self, unit: Unit, now_ms: int, *, pending: bool = True) -> dict[str, Any]:
        """Return one unit as frames and lists show it; times in ms.

        ``pending``: with what is being counted towards, and with the running shift.
        """
        number = self._roster.number(unit.id)
        readings = self._readings.of(unit.id)
        said = self._inputs(unit.id)
        ore, stop = said.ore_at(now_ms), said.stop_at(now_ms)
        entry: dict[str, Any] = {
            "state": "COMMS_LOSS",
            "reason": "learning",
            "since": None,
            "provisional": True,
            "connection": readings.connection(now_ms),
            "throughput_tph": dry(throughput(unit, readings, now_ms), ore),
            "target_tph": said.target_tph(now_ms, unit.target_tph),
            "tonnes_today": None,
            "tonnes_month": self._fleet.months.tonnes(unit.id, now_ms),
            "unknown_h": None,
            "last_tonne_at": None,
            "last_seen": readings.last_seen_ms,
            "alerts": self._alerts()[0].get(unit.id, 0),
            "pending": None,
            "code": None if stop is None else stop.code,
            "ore": None if ore is None else ore.code,
            "moisture_pct": None if ore is None else ore.moisture_pct,
            "shift": self._shift(unit, now_ms) if pending and self._shift is not None else None,
        }
        if number is None or number >= len(self._judge.facts):
            return entry
        facts, tally = self._judge.facts[number], self._judge.tallies[number]
        today = tally.today_t
        entry.update(
            state=facts.state.value,
            reason=shown_reason(facts, said, now_ms),
            since=self._judge.shown_since(number),
            tonnes_today=None if today is None else round(today, 3),
            last_tonne_at=tally.last_tonne_ms,
            unknown_h=self._fleet.unknown.hours(number, now_ms),
        )
        counting = self._judge.pending(number) if pending else None
        if counting is not None:
            shown, rule = counting
            entry["pending"] = {
                "state": shown.state.value,
                "rule": rule,
                "remaining_s": shown.remaining_s,
                "total_s": shown.total_s,
            }
        return entry

    def of(self, looked_at: str | None, now_ms: int) -> bytes:
        """Return the frame for one of the stream's filters."""
        if looked_at is None:
            return self.fleet(now_ms)
        return self._fleet.changes.frame(now_ms) if looked_at == CHANGES else self.unit(looked_at, now_ms)

    def fleet(self, now_ms: int) -> bytes:
        """Return the fleet's frame, encoded."""
        return self._encode(now_ms, {unit.id: self.entry(unit, now_ms) for unit in self._roster})

    def unit(self, unit_id: str, now_ms: int) -> bytes:
        """Return one unit's frame with all its signals, encoded; without units where it was never seen."""
        unit = self._roster.unit(unit_id)
        if unit is None:
            return self._encode(now_ms, {})
        entry = self.entry(unit, now_ms)
        # The encoder takes plain tuples only, not named ones.
        entry["signals"] = {ref: tuple(told) for ref, told in self._readings.of(unit_id).signals.items()}
        return self._encode(now_ms, {unit_id: entry})

    def _encode(self, now_ms: int, units: Mapping[str, Any]) -> bytes:
        return orjson.dumps({"t": now_ms, "units": units, "alerts": alerts_told(*self._alerts())})


def dry(wet: float | None, ore: Ore | None) -> float | None:
    """Return a rate without its water; as it is where nobody said how moist the ore is."""
    return wet if wet is None or ore is None else round(wet * ore.dry_share, 3)


def shown_reason(facts: Facts, said: UnitInputs, now_ms: int) -> str:
    """Return why a unit is in its state; of a stop what people say now, which may not be what they said first."""
    if facts.state is not State.PLANNED_STOP:
        return facts.reason
    flags = said.flags(now_ms)
    told = StateReason.PLANNED if flags.planned else StateReason.CODED if flags.coded else None
    return facts.reason if told is None else told.value


def throughput(unit: Unit, readings: UnitReadings, now_ms: int) -> float | None:
    """Return the flow now, in t/h; None where it is bad or older than it may be held."""
    flow = readings.signals.get(str(unit.roles.flow))
    if flow is None or flow.quality != GOOD or flow.value is None:
        return None
    held_ms = 1000 * hold_on_change(unit.signal(unit.roles.flow))
    return round(flow.value, 3) if now_ms - flow.time_ms <= held_ms else None
