"""The judge: evidence and totaliser readings in; states, production and alerts out. Live and replay alike.

One writer owns all of it. Live, a step is one second of every unit; over history, many seconds of every unit.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from api.alerting.engine import NEVER, Rules, UnitEpisodes
from api.alerting.facts import Facts
from api.alerting.rules import Cleared, Raised
from api.live.onset import Onsets
from api.live.paces import Paces
from api.live.tally import Tally
from orewatch.plant.classifier import Classifier
from orewatch.plant.evidence import silence
from orewatch.plant.inputs import nothing_said
from orewatch.plant.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from api.alerting.engine import AlertEngine, Mode
    from api.alerting.models import AlertKind
    from orewatch.plant.baseline import OreClass
    from orewatch.plant.evidence import Evidence
    from orewatch.plant.inputs import UnitInputs
    from orewatch.plant.states import Change, Pending
    from orewatch.plant.unit import Unit

SECOND_MS = 1000


class Judge:
    """Everything decided about units, by their number in the roster.

    ``day_start_ms``: the start of the production day that an event time lies in; ``shifts_ms``: changes of
    shift in a span; ``on_below``: whether a unit counts as underperforming from now on; ``inputs``: what people
    said of a unit.
    """

    def __init__(
        self,
        *,
        units: Sequence[Unit],
        start_ms: int,
        engine: AlertEngine,
        idle_after_s: float,
        not_producing_after_h: float,
        day_start_ms: Callable[[int], int],
        shifts_ms: Callable[[int, int], Sequence[int]],
        on_below: Callable[[str, bool], None],
        inputs: Callable[[str], UnitInputs] = nothing_said,
    ) -> None:
        self._engine = engine
        self._idle_after_s = idle_after_s
        self._not_producing_after_h = not_producing_after_h
        self._day_start_ms = day_start_ms
        self._on_below = on_below
        self._inputs = inputs
        self.units: list[Unit] = []
        self._numbers: dict[str, int] = {}
        self.tallies: list[Tally] = []
        self.facts: list[Facts] = []
        self.paces = Paces(shifts_ms=shifts_ms)
        self._episodes: list[UnitEpisodes] = []
        self._due = np.empty(0, np.int64)
        self._day_ms = day_start_ms(start_ms)
        self._onsets = Onsets()
        self.classifier = Classifier(units=units, start_ms=start_ms)
        for unit in units:
            self._append(unit)

    @property
    def now_ms(self) -> int:
        """The end of the last second that was judged."""
        return self.classifier.now_ms

    def number(self, unit_id: str) -> int | None:
        """Return a unit's number, or None where it is not known."""
        return self._numbers.get(unit_id)

    def add(self, units: Sequence[Unit]) -> None:
        """Take in units that were not known before now."""
        self.classifier.add(units)
        for unit in units:
            self._append(unit)

    def describe(self, number: int, unit: Unit) -> None:
        """Follow a unit's new description."""
        self.units[number] = unit
        self.tallies[number].describe(unit)
        self._episodes[number].unit = unit
        self._episodes[number].rules = self._rules(unit)

    def advance(
        self,
        evidence: Evidence,
        totals: Mapping[int, tuple[NDArray[np.int64], NDArray[np.float64]]],
        *,
        recorded_ms: int,
        mode: Mode,
    ) -> list[Change]:
        """Judge the next seconds. ``totals``: totaliser readings by unit number; ``recorded_ms``: the wall clock."""
        for number, (time_ms, values) in totals.items():
            self.tallies[number].count(time_ms, values)
            self.facts[number].last_tonne_ms = self.tallies[number].last_tonne_ms
        for number in np.flatnonzero(evidence.heard.any(axis=0)).tolist():
            self.facts[number].meet()
        changes = self.classifier.step(evidence)
        day_start_ms = self._day_start_ms(self.now_ms - 1)
        if day_start_ms != self._day_ms:
            self._day_ms = day_start_ms
            for tally in self.tallies:
                tally.begin_day(day_start_ms)
        for change in changes:
            self._change(change, recorded_ms, mode)
        end_ms = self.now_ms
        for number in np.flatnonzero(self._due <= end_ms).tolist():
            self._ask(number, end_ms, recorded_ms, mode)
        for number in self.paces.judge(
            end_ms, classifier=self.classifier, tallies=self.tallies, target_tph=self.target_tph, ore=self._ore
        ):
            self._tell_below(number)
            self._ask(number, end_ms, recorded_ms, mode)
        return changes

    def write_waiting(self) -> None:
        """Write alerts that the disk did not take before."""
        self._engine.write_waiting()

    def shown_since(self, number: int) -> int:
        """Return since when the shown state lasts, also where that was found out afterwards."""
        inputs = self._inputs(self.units[number].id)
        return self._onsets.shown_since(number, self.facts[number], self.paces[number], inputs, self.classifier)

    def pending(self, number: int) -> tuple[Pending, str | None] | None:
        """Return the state being counted towards, and the alert that follows it."""
        pending = self.classifier.status(number).pending
        if pending is None:
            return None
        return pending, "idle" if pending.state is State.IDLE else None

    def target_tph(self, number: int, at_ms: int) -> float:
        """Return the target of a unit in force at an instant, dry t/h."""
        unit = self.units[number]
        return self._inputs(unit.id).target_tph(at_ms, unit.target_tph)

    def coded(self, number: int, coded: bool) -> None:
        """Note whether an operator's delay code explains why the unit stands."""
        if self.facts[number].coded != coded:
            self.facts[number].coded = coded
            self._due[number] = min(int(self._due[number]), self.now_ms)

    def lost_t(self, unit_id: str, onset_ms: int, until_ms: int) -> float | None:
        """Return target minus produced over a span, never below 0; None for a unit nothing was counted of."""
        number = self.number(unit_id)
        if number is None or self.tallies[number].today_t is None:
            return None
        tally = self.tallies[number]
        expected = self._inputs(unit_id).expected_t(onset_ms, until_ms, self.units[number].target_tph)
        return round(max(0.0, expected - (tally.at(until_ms) - tally.at(onset_ms))), 3)

    def adopt(self, unit_id: str, kind: AlertKind, onset_ms: int, raised_ms: int) -> None:
        """Let a standing alert of the book be this memory's own, where the memory was lost."""
        number = self.number(unit_id)
        if number is None:
            return
        episode = self._episodes[number].episodes[kind]
        if not episode.active:
            episode.onset_ms, episode.raised_ms, episode.at_ms = onset_ms, raised_ms, self.now_ms
            self.tallies[number].pin(onset_ms)
            self._due[number] = self.now_ms
            self.facts[number].met = True

    def meet(self, number: int, last_ms: int) -> None:
        """Know of a unit that its last word was at ``last_ms``, before all that is remembered."""
        if not self.facts[number].met:
            self.facts[number].meet(last_ms)
            self._due[number] = self.now_ms

    def forget_cleared(self, standing: set[tuple[str, AlertKind]]) -> None:
        """Let go of episodes that the book knows as over."""
        for episodes in self._episodes:
            for kind, episode in episodes.episodes.items():
                if episode.active and (episodes.unit.id, kind) not in standing:
                    episode.end()

    def look_away(self, until_ms: int) -> None:
        """Pass over time in which nobody looked: nothing is known, so timers freeze; no silence begins or ends."""
        seconds = (until_ms - self.now_ms) // SECOND_MS
        unseen = silence(self.now_ms, seconds, len(self.units))
        # Who was silent before stays so: only what is heard says otherwise.
        self.classifier.step(replace(unseen, heard=np.broadcast_to(~self.classifier.lost, unseen.heard.shape)))
        for number, episodes in enumerate(self._episodes):
            for episode in episodes.episodes.values():
                episode.at_ms = until_ms
            self._facts_from_status(number)
        self._due[:] = until_ms

    def restart(self, start_ms: int) -> None:
        """Begin anew at ``start_ms`` after a leap of the clock: nothing is known of the time between."""
        self.classifier = Classifier(units=self.units, start_ms=start_ms)
        for tally in self.tallies:
            tally.not_after(start_ms)
        for number, episodes in enumerate(self._episodes):
            for episode in episodes.episodes.values():
                episode.at_ms = start_ms
            self._facts_from_status(number)
        self._due[:] = start_ms

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able."""
        return {
            "classifier": self.classifier.to_dict(),
            "units": {
                unit.id: {
                    "tally": self.tallies[n].to_dict(),
                    "pace": self.paces.to_dict(n),
                    "episodes": self._episodes[n].to_dict(),
                    "met": [self.facts[n].met, self.facts[n].unheard_since_ms],
                }
                for n, unit in enumerate(self.units)
            },
        }

    def restore(self, table: Mapping[str, Any]) -> None:
        """Read :meth:`to_dict`; ValueError where it is malformed, and then nothing was changed but memories."""
        self.classifier = Classifier.from_dict(self.units, table["classifier"])
        for number, unit in enumerate(self.units):
            own = table["units"].get(unit.id)
            if own is not None:
                self.tallies[number] = Tally.from_dict(unit, own["tally"], inputs=self._inputs_of(unit))
                self.paces.restore(number, own["pace"])
                self._episodes[number].restore(own["episodes"])
                self.facts[number].met, self.facts[number].unheard_since_ms = own["met"]
            self._facts_from_status(number)
        self._due[:] = self.now_ms

    def _append(self, unit: Unit) -> None:
        number = self._numbers[unit.id] = len(self.units)
        self.units.append(unit)
        day_start_ms = self._day_start_ms(self.now_ms)
        self.tallies.append(Tally(unit=unit, day_start_ms=day_start_ms, inputs=self._inputs_of(unit)))
        self.paces.append()
        self._episodes.append(UnitEpisodes(unit=unit, rules=self._rules(unit)))
        self.facts.append(Facts.of(self.classifier.status(number), self.now_ms))
        self._due = np.append(self._due, self.now_ms)

    def _inputs_of(self, unit: Unit) -> Callable[[], UnitInputs]:
        return partial(self._inputs, unit.id)

    def _rules(self, unit: Unit) -> Rules:
        return Rules.of(unit, idle_after_s=self._idle_after_s, not_producing_after_h=self._not_producing_after_h)

    def _facts_from_status(self, number: int) -> None:
        facts = self.facts[number]
        facts.follow(self.classifier.status(number), self.now_ms)
        facts.last_tonne_ms = self.tallies[number].last_tonne_ms
        self._onsets.changed(number)
        self._tell_below(number)

    def _change(self, change: Change, recorded_ms: int, mode: Mode) -> None:
        # Time up to the decision passed under what was shown until then.
        self._ask(change.unit, change.decided_ms, recorded_ms, mode)
        self._onsets.changed(change.unit)
        facts = self.facts[change.unit]
        facts.state, facts.reason, facts.since_ms = change.state, change.reason.value, change.since_ms
        facts.told_ms, facts.idle_since_ms = change.decided_ms + SECOND_MS, change.idle_since_ms
        self._ask(change.unit, change.decided_ms + SECOND_MS, recorded_ms, mode)

    def _ask(self, number: int, now_ms: int, recorded_ms: int, mode: Mode) -> None:
        transitions, due_ms = self._episodes[number].advance(self.facts[number], now_ms)
        self._due[number] = min(due_ms, NEVER)
        for transition in transitions:
            if isinstance(transition, Raised):
                self.tallies[number].pin(transition.onset_ms)
            self._engine.write(self.units[number], transition, self.facts[number], recorded_ms=recorded_ms, mode=mode)
            if isinstance(transition, Cleared):
                self.tallies[number].unpin(transition.onset_ms)

    def _ore(self, number: int, at_ms: int) -> OreClass | None:
        ore = self._inputs(self.units[number].id).ore_at(at_ms)
        return None if ore is None else ore.kind

    def _tell_below(self, number: int) -> None:
        facts, pace = self.facts[number], self.paces[number]
        verdict = pace.verdict
        facts.below_since_ms, facts.below_over_ms = verdict.since_ms if verdict else None, pace.over_ms
        facts.below_decided_ms = verdict.decided_ms if verdict else 0
        facts.below_reason, facts.below_figures = pace.reason, pace.figures
        self._on_below(self.units[number].id, verdict is not None)
