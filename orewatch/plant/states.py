"""The states of a unit, in order of precedence, why it is in one, and how long evidence must last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What a unit is doing. The order is the precedence: the first that holds is shown."""

    COMMS_LOSS = "COMMS_LOSS"
    CLOCK_BAD = "CLOCK_BAD"
    PLANNED_STOP = "PLANNED_STOP"
    BREAKDOWN = "BREAKDOWN"
    STOPPED_UNCODED = "STOPPED_UNCODED"
    BLOCKED = "BLOCKED"
    STARVED = "STARVED"
    IDLE = "IDLE"
    STARTUP = "STARTUP"
    UNDERPERFORMING = "UNDERPERFORMING"
    RUNNING = "RUNNING"


class StateReason(StrEnum):
    """Why a unit is in its state: the evidence that stood at the onset."""

    NONE = "none"
    LEARNING = "learning"  # heard, or about to be, but nothing has lasted long enough yet
    SILENT = "silent"
    CLOCK_OFF = "clock_off"
    PLANNED = "planned"
    NOT_SCHEDULED = "not_scheduled"
    TRIPPED = "tripped"
    FAILURE_CODE = "failure_code"
    DE_ENERGISED = "de_energised"
    PLUGGED = "plugged"
    HIGH_LOAD = "high_load"
    HOPPER_EMPTY = "hopper_empty"
    UPSTREAM_STOPPED = "upstream_stopped"
    DRIVES_OFF = "drives_off"
    NO_LOAD = "no_load"
    STARTED = "started"
    BELOW_TARGET = "below_target"
    PRODUCING = "producing"
    # Kept by their place: new ones go to the end.
    CODED = "coded"  # an operator said why: no ore, no power ...


STATES: tuple[State, ...] = tuple(State)
REASONS: tuple[StateReason, ...] = tuple(StateReason)
RANK: dict[State, int] = {state: rank for rank, state in enumerate(STATES)}
REASON_CODE: dict[StateReason, int] = {reason: code for code, reason in enumerate(REASONS)}

# What stores and boards keep of a state, where only figures can be kept: these never change, whatever is added.
# In order of precedence, ten apart: room for a state that comes between.
STATE_CODES: dict[State, int] = {
    State.COMMS_LOSS: 0,
    State.CLOCK_BAD: 10,
    State.PLANNED_STOP: 20,
    State.BREAKDOWN: 30,
    State.STOPPED_UNCODED: 40,
    State.BLOCKED: 50,
    State.STARVED: 60,
    State.IDLE: 70,
    State.STARTUP: 80,
    State.UNDERPERFORMING: 90,
    State.RUNNING: 100,
}

# Producing: the states in which rock goes through (for performance windows and time accounts).
PRODUCING: frozenset[State] = frozenset({State.STARTUP, State.UNDERPERFORMING, State.RUNNING})
# Told apart by pace alone, which is judged afterwards and dated back.
PACED: frozenset[State] = frozenset({State.UNDERPERFORMING, State.RUNNING})
# Unknown time leaves every denominator; its hours stay visible.
UNKNOWN: frozenset[State] = frozenset({State.COMMS_LOSS})
# The idle alert stands on either; STARVED supplies the cause.
STANDING_IDLE: frozenset[State] = frozenset({State.IDLE, State.STARVED})

FLOW_RUNNING_PCT = 10.0
FLOW_IDLE_PCT = 5.0
HOPPER_EMPTY_PCT = 10.0
EFFORT_RUNNING_PCT = 10.0
LOAD_HIGH_PCT = 100.0
STARTUP_MS = 900_000
SILENCE_LEAST_S = 60
MESSAGES_BACK = 2


class Latch(IntEnum):
    """What is latched by delays, each by itself; the row of the carry's arrays."""

    CLOCK_BAD = 0
    PLANNED_STOP = 1
    BREAKDOWN = 2
    STOPPED_UNCODED = 3
    BLOCKED = 4
    STARVED = 5
    IDLE = 6
    TURNING = 7  # drives on; STARTUP is the first 15 minutes of it after a known stop
    UNDERPERFORMING = 8
    RUNNING = 9
    COMMS_LOSS = 10  # decided by silence, not by codes: has no row


class Delay(NamedTuple):
    """Seconds of evidence that switch a latch on and off."""

    enter_s: int
    exit_s: int


DELAYS: dict[Latch, Delay] = {
    Latch.CLOCK_BAD: Delay(3, 10),
    Latch.PLANNED_STOP: Delay(1, 1),
    Latch.BREAKDOWN: Delay(10, 120),
    Latch.STOPPED_UNCODED: Delay(120, 30),
    Latch.BLOCKED: Delay(15, 60),
    Latch.STARVED: Delay(60, 60),
    Latch.IDLE: Delay(300, 30),
    Latch.TURNING: Delay(10, 60),
    Latch.UNDERPERFORMING: Delay(1, 1),
    Latch.RUNNING: Delay(30, 60),
}
LATCH_STATE: dict[Latch, State] = {
    latch: State.STARTUP if latch is Latch.TURNING else State[latch.name] for latch in Latch
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of one state, ``[start_ms, end_ms)``; ``end_ms`` None while it lasts.

    ``provisional``: evidence still being counted may yet move a bound of it or replace it.
    """

    state: State
    reason: StateReason
    start_ms: int
    end_ms: int | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """A state being counted towards: what the countdown on the page shows."""

    state: State
    remaining_s: int
    total_s: int


@dataclass(frozen=True, slots=True)
class Status:
    """What is shown of a unit now.

    ``since_ms`` is the back-dated onset. ``idle_since_ms``: onset of the idle rule (IDLE or STARVED for
    300 s) while it holds and nothing stronger hides it; this is what the idle alert stands on.
    """

    state: State
    reason: StateReason
    since_ms: int
    idle_since_ms: int | None
    pending: Pending | None


@dataclass(frozen=True, slots=True)
class Change:
    """What is shown of a unit changed, decided by the evidence of the second ``decided_ms``.

    ``since_ms`` is the back-dated onset and may lie far before ``decided_ms``.
    """

    unit: int
    decided_ms: int
    state: State
    reason: StateReason
    since_ms: int
    idle_since_ms: int | None
