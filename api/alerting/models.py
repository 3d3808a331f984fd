"""What the service answers about alerts, and what people send."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from api.units.models import Instant, Resource


class AlertKind(StrEnum):
    """What an alert is about."""

    IDLE = "idle"
    UNDERPERFORMING = "underperforming"
    NOT_PRODUCING = "not_producing"
    COMMS_LOSS = "comms_loss"
    # orewatch itself:
    COLLECTOR_SILENT = "collector_silent"
    COLLECTOR_BEHIND = "collector_behind"
    STORE_DOWN = "store_down"
    DISK_FILLING = "disk_filling"
    OUTBOX_STUCK = "outbox_stuck"
    CERTIFICATE_AGEING = "certificate_ageing"
    SERVER_CLOCK = "server_clock"


OWN_KINDS = (
    AlertKind.COLLECTOR_SILENT,
    AlertKind.COLLECTOR_BEHIND,
    AlertKind.STORE_DOWN,
    AlertKind.DISK_FILLING,
    AlertKind.OUTBOX_STUCK,
    AlertKind.CERTIFICATE_AGEING,
    AlertKind.SERVER_CLOCK,
)
UNIT_KINDS = tuple(kind for kind in AlertKind if kind not in OWN_KINDS)


class AlertState(StrEnum):
    """ISA-18.2 states. NORM is over and done with."""

    UNACK = "UNACK"
    ACKED = "ACKED"
    RTNUN = "RTNUN"
    SHLVD = "SHLVD"
    NORM = "NORM"


class Note(Resource):
    """A remark on an alert, or who did what to it."""

    at: Instant
    by: str = Field(examples=["a.karimi"])
    text: str


class Alert(Resource):
    """One episode of one rule at one unit.

    ``onset_at``, ``raised_at`` and ``cleared_at`` are event times: when it began, when the rule's delay
    had passed, when it ended. ``recorded_at`` is when the service came to know.
    """

    id: int
    unit: str = Field(examples=["mn-01"])
    machine: str | None
    signal: str | None
    kind: AlertKind
    priority: str = Field(examples=["medium"])
    state: AlertState
    active: bool = Field(description="the condition still stands")
    reason: str = Field(examples=["feed_stopped"])
    text: dict[str, str] = Field(description="one sentence, by language")
    figures: dict[str, float | str | None]
    onset_at: Instant
    raised_at: Instant
    recorded_at: Instant
    cleared_at: Instant | None
    tonnes_lost: float | None = Field(description="target minus produced since the onset")
    historical: bool = Field(description="found in late or replayed data: nobody was paged")
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    shelved_until: Instant | None
    notes: list[Note]


class AlertsPage(Resource):
    """A page of alerts, newest first; pass ``next`` as ``after`` for the one that follows."""

    items: list[Alert]
    next: str | None


_WHO = Field(min_length=1, max_length=80, examples=["a.karimi"])


class Acknowledge(Resource):
    """Who acknowledges, with an optional remark."""

    by: str = _WHO
    note: str | None = Field(default=None, max_length=2000)


class Comment(Resource):
    """A remark."""

    by: str = _WHO
    text: str = Field(min_length=1, max_length=2000)


class Shelve(Resource):
    """Shelving silences an alert for a while: minutes and reason are mandatory, the end comes by itself."""

    by: str = _WHO
    minutes: int = Field(ge=1, le=1440, examples=[480])
    reason: str = Field(min_length=1, max_length=500)


class Unshelve(Resource):
    """Who ends the shelving."""

    by: str = _WHO
