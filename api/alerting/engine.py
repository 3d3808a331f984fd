"""The alert engine: facts about a unit in, episodes in the book and letters in the outbox out.

Rules are asked when something changed or when one of them falls due, never once a second for nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from sqlite3 import OperationalError
from typing import TYPE_CHECKING, Any, Self

from api.alerting.book import AlertRecord
from api.alerting.models import UNIT_KINDS, AlertKind, AlertState
from api.alerting.rules import Cleared, Condition, Episode, HoldingRule, NotProducingRule, Raised, Transition
from api.alerting.standing import Standing
from api.notify.texts import message
from orewatch.plant.states import STANDING_IDLE, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from api.alerting.book import AlertBook
    from api.alerting.facts import Facts
    from api.notify.outbox import Outbox
    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
NEVER = 1 << 62
# Time in these says nothing of the plant; and a planned stop is no scheduled hour.
UNKNOWN = frozenset({State.COMMS_LOSS, State.CLOCK_BAD})
UNSCHEDULED = UNKNOWN | {State.PLANNED_STOP}
PRIORITIES = {
    AlertKind.IDLE: "medium",
    AlertKind.COMMS_LOSS: "medium",
    # More than 30 minutes to respond: by ISA-18.2 a work item rather than an alarm.
    AlertKind.UNDERPERFORMING: "low",
    AlertKind.NOT_PRODUCING: "low",
}
_RANK = {"low": 0, "medium": 1, "high": 2}


class Mode(Enum):
    """Where the facts come from: LIVE is told to people; in HISTORY and CATCH_UP the outbox is muted."""

    LIVE = auto()
    HISTORY = auto()
    CATCH_UP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one unit, in the order in which they are asked."""

    idle: HoldingRule
    comms_loss: HoldingRule
    underperforming: HoldingRule
    not_producing: NotProducingRule

    @classmethod
    def of(cls, unit: Unit, *, idle_after_s: float, not_producing_after_h: float) -> Self:
        """Return the rules with the site's own delays."""
        return cls(
            idle=HoldingRule(kind=AlertKind.IDLE, on_ms=round(idle_after_s * 1000), off_ms=60_000),
            comms_loss=HoldingRule(kind=AlertKind.COMMS_LOSS, on_ms=round(unit.comms_grace_s * 1000), off_ms=120_000),
            underperforming=HoldingRule(kind=AlertKind.UNDERPERFORMING, on_ms=0, off_ms=0),
            not_producing=NotProducingRule(on_ms=round(not_producing_after_h * HOUR_MS)),
        )


class UnitEpisodes:
    """All rules' memories of one unit."""

    def __init__(self, *, unit: Unit, rules: Rules) -> None:
        self.unit = unit
        self.rules = rules
        self.episodes = {kind: Episode() for kind in UNIT_KINDS}

    def advance(self, facts: Facts, now_ms: int) -> tuple[list[Transition], int]:
        """Bring every rule to ``now_ms``; returns what came of it, and when to ask again at the latest."""
        transitions: list[Transition] = []
        due_ms = NEVER
        decided_ms = {AlertKind.IDLE: facts.told_ms, AlertKind.UNDERPERFORMING: facts.below_decided_ms}
        for rule, condition in self._conditions(facts):
            episode = self.episodes[rule.kind]
            for transition in rule.advance(episode, condition, now_ms):
                if isinstance(transition, Raised) and rule.kind in decided_ms:
                    # Where evidence was missing in between, deciding took longer than the bare delay.
                    raised_ms = episode.raised_ms = max(transition.raised_ms, decided_ms[rule.kind])
                    transitions.append(transition._replace(raised_ms=raised_ms))
                else:
                    transitions.append(transition)
            due = rule.due_ms(episode, condition)
            due_ms = due_ms if due is None else min(due_ms, due)
        return transitions, due_ms

    def _conditions(self, facts: Facts) -> Iterable[tuple[HoldingRule | NotProducingRule, Condition]]:
        unknown = facts.state in UNKNOWN
        # The rule may end before the state that it stood on does: then all that is known is when it was decided.
        idle_over_ms = facts.told_ms if facts.state in STANDING_IDLE else facts.since_ms
        yield self.rules.idle, Condition(facts.idle_since_ms, facts.reason, idle_over_ms, unknown)
        yield self.rules.comms_loss, Condition(facts.silent_ms, facts.reason, facts.since_ms)
        below_ms = None if unknown else facts.below_since_ms
        frozen = unknown and facts.below_since_ms is not None
        yield self.rules.underperforming, Condition(below_ms, facts.below_reason, facts.below_over_ms, frozen)
        cause = facts.state.value.lower()
        # What an operator explained by a delay stays a scheduled hour without a tonne.
        unscheduled = facts.state in UNSCHEDULED and not (facts.state is State.PLANNED_STOP and facts.coded)
        yield self.rules.not_producing, Condition(facts.last_tonne_ms, cause, 0, unscheduled)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`restore` reads."""
        return {kind.value: episode.to_dict() for kind, episode in self.episodes.items()}

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Read :meth:`to_dict`."""
        for kind in UNIT_KINDS:
            if kind.value in raw:
                self.episodes[kind] = Episode.from_dict(raw[kind.value])


class AlertEngine:
    """Writes what the rules decide: the alert and its letters in one transaction."""

    def __init__(
        self,
        *,
        book: AlertBook,
        outbox: Outbox,
        language: str,
        min_priority: str,
        base_url: str | None,
        lost_t: Callable[[str, int, int], float | None],
    ) -> None:
        self.book = book
        self._outbox = outbox
        self._language = language
        self._least = _RANK[min_priority]
        self._base_url = base_url
        self._lost_t = lost_t
        self.raised: dict[str, int] = {kind.value: 0 for kind in AlertKind}
        self.standing = Standing(book=book)
        self._unwritten: deque[tuple[Unit, Transition, Facts, int, Mode]] = deque()

    @property
    def unwritten(self) -> int:
        """How many transitions wait for a disk that takes them."""
        return len(self._unwritten)

    def write(self, unit: Unit, transition: Transition, facts: Facts, *, recorded_ms: int, mode: Mode) -> None:
        """Write one transition; where the disk does not take it, it waits for :meth:`write_waiting`, in order."""
        self._unwritten.append((unit, transition, replace(facts), recorded_ms, mode))
        self.write_waiting()

    def write_waiting(self) -> None:
        """Write what waits. An alert that cannot be written now must not be lost, nor stop the watch."""
        while self._unwritten:
            unit, transition, facts, recorded_ms, mode = self._unwritten[0]
            try:
                with self.book.database.transaction():
                    if isinstance(transition, Raised):
                        self._raise(unit, transition, facts, recorded_ms, mode)
                    else:
                        self._clear(unit, transition, recorded_ms, mode)
            except OperationalError as error:
                log.error("%d alert transition(s) cannot be written: %s", len(self._unwritten), error)  # noqa: TRY400
                return
            self._unwritten.popleft()
            self.standing.touch(recorded_ms)

    def lost_t(self, record: AlertRecord, now_ms: int) -> float | None:
        """Return the tonnes lost so far, or in all where the alert is over; None where that is unknown."""
        if not record.active or record.kind is AlertKind.COMMS_LOSS:
            return record.tonnes_lost
        return self._lost_t(record.unit, record.onset_ms, now_ms)

    def tell(self, record: AlertRecord, event: str, now_ms: int) -> None:
        """Put letters about ``record`` into the outbox, if its priority is one that is told."""
        if _RANK[record.priority] >= self._least:
            letter = message(record, event, self._language, self._base_url)
            self._outbox.put(letter, alert=record.id, event=event, now_ms=now_ms)

    def tell_of_standing(self, since_ms: int, now_ms: int) -> int:
        """Tell of alerts that catching up found and that still stand: they are present, not past."""
        found = [r for r in self.book.standing() if r.historical and r.recorded_ms >= since_ms]
        for record in found:
            with self.book.database.transaction() as connection:
                connection.execute("UPDATE alert SET historical = 0 WHERE id = ?", (record.id,))
                self.tell(replace(record, tonnes_lost=self.lost_t(record, now_ms)), "raised", now_ms)
        return len(found)

    def _raise(self, unit: Unit, raised: Raised, facts: Facts, recorded_ms: int, mode: Mode) -> None:
        record = AlertRecord(
            unit=unit.id,
            kind=raised.kind,
            priority=PRIORITIES[raised.kind],
            reason=raised.reason,
            machine=_machine(unit, raised),
            figures=_figures(unit, raised, facts),
            onset_ms=raised.onset_ms,
            raised_ms=raised.raised_ms,
            recorded_ms=recorded_ms,
            changed_ms=recorded_ms,
            historical=mode is not Mode.LIVE,
        )
        number = self.book.raise_alert(record)
        if number is None:
            return
        self.raised[raised.kind.value] += 1
        log.info("%s: %s raised (%s), onset %d", unit.id, raised.kind.value, raised.reason, raised.onset_ms)
        if mode is Mode.LIVE:
            lost = self._lost_t(unit.id, raised.onset_ms, raised.raised_ms)
            self.tell(replace(record, id=number, tonnes_lost=lost), "raised", recorded_ms)

    def _clear(self, unit: Unit, cleared: Cleared, recorded_ms: int, mode: Mode) -> None:
        lost = None
        if cleared.kind is not AlertKind.COMMS_LOSS:
            lost = self._lost_t(unit.id, cleared.onset_ms, cleared.cleared_ms)
        record = self.book.clear(
            unit.id,
            cleared.kind,
            cleared_ms=cleared.cleared_ms,
            tonnes_lost=lost,
            now_ms=recorded_ms,
            in_history=mode is not Mode.LIVE,
        )
        # Whoever was told that it began is told that it is over, also where that is found on catching up.
        told = record is not None and not record.historical and record.state is not AlertState.SHLVD
        if told and record is not None and mode is not Mode.HISTORY:
            self.tell(record, "cleared", recorded_ms)


def _machine(unit: Unit, raised: Raised) -> str | None:
    """Return the machine that the reason points at."""
    if raised.reason == "hopper_empty" and unit.roles.hopper is not None:
        return unit.roles.hopper.machine
    if raised.reason == "upstream_stopped" and unit.roles.upstream:
        return unit.roles.upstream[0].machine
    if raised.kind is AlertKind.UNDERPERFORMING:
        return unit.roles.total.machine
    return None


def _figures(unit: Unit, raised: Raised, facts: Facts) -> dict[str, float | str | None]:
    if raised.kind is AlertKind.UNDERPERFORMING:
        return dict(facts.below_figures or {})
    if raised.kind is AlertKind.COMMS_LOSS:
        return {"grace_s": unit.comms_grace_s}
    hours = (raised.raised_ms - raised.onset_ms) / HOUR_MS
    return {"target_tph": unit.target_tph, "hours": round(hours, 3)}
