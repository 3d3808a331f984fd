"""What the service answers about units: one model per resource, for OpenAPI and for those who build on it.

Times are ISO 8601 UTC with milliseconds; rates dry t/h; masses t. Null says *not known*, never zero.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from api.instants import iso

Instant = Annotated[datetime, PlainSerializer(lambda at: iso(round(at.timestamp() * 1000)), return_type=str)]


class Resource(BaseModel):
    """Base of all answers: unknown fields are an error of ours, not the caller's."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Pending(Resource):
    """A state or alert that is being counted and has not come yet."""

    state: str = Field(examples=["IDLE"])
    rule: str | None = Field(examples=["idle"], description="the alert that follows, if any")
    remaining_s: float = Field(examples=[123.0])
    total_s: float = Field(examples=[300.0])


class ShiftFigures(Resource):
    """The running shift: dry tonnes so far, and what was planned."""

    number: int
    start: Instant
    end: Instant
    tonnes: float | None
    plan_t: float | None


class UnitSummary(Resource):
    """One unit as the fleet list shows it."""

    id: str = Field(examples=["mn-01"])
    site: str = Field(examples=["Venarch"])
    province: str = Field(examples=["Qom"])
    mineral: str = Field(examples=["manganese"])
    circuit: str = Field(examples=["manganese"])
    model: str = Field(examples=["MPU-15"])
    latitude: float | None = Field(examples=[34.4])
    longitude: float | None = Field(examples=[50.7])
    nameplate_tph: float = Field(examples=[15.0])
    target_tph: float = Field(examples=[13.5])
    state: str = Field(examples=["IDLE"])
    state_since: Instant | None
    reason: str | None = Field(examples=["feed_stopped"])
    provisional: bool = Field(description="true while only the live lane has spoken")
    connection: Literal["live", "stale", "lost"]
    throughput_tph: float | None = Field(examples=[12.4])
    tonnes_today: float | None = Field(examples=[88.2], description="since the site's production day began")
    tonnes_month: float | None = Field(examples=[1980.4], description="in the Jalali month so far, by production days")
    unknown_h: float | None = Field(examples=[0.4], description="hours of the production day of which nothing is known")
    last_tonne_at: Instant | None
    last_seen: Instant | None
    alerts_active: int = Field(examples=[1])
    pending: Pending | None
    code: str | None = Field(examples=["no_ore"], description="the operator's reason of the stop that is on")
    ore: str | None = Field(examples=["VN-north"])
    moisture_pct: float | None = Field(examples=[6.5], description="of wet mass; rates and tonnes are dry")
    shift: ShiftFigures | None


class SignalDescription(Resource):
    """A signal with its engineering unit (UCUM), range and limits; null where there is no such limit."""

    name: str = Field(examples=["motor_current"])
    kind: Literal["analog", "digital", "totaliser"]
    unit: str = Field(examples=["%"])
    low: float
    high: float
    normal_low: float | None
    normal_high: float | None
    warn: float | None
    trip: float | None
    warn_low: float | None
    trip_low: float | None
    resolution: float | None
    priority: Literal["high", "medium", "low"] | None


class MachineDescription(Resource):
    """A machine of the unit, in flow order; title by language."""

    id: str = Field(examples=["jaw"])
    cls: str = Field(alias="class", examples=["jaw_crusher"])
    title: dict[str, str] = Field(examples=[{"en": "Jaw crusher", "fa": "سنگ‌شکن فکی"}])
    signals: list[SignalDescription]


class StreamDescription(Resource):
    """What flows from one machine to another; title by language where people have a name for it."""

    from_: str = Field(alias="from", examples=["screen"])
    to: str = Field(examples=["cone"])
    title: dict[str, str] | None = Field(examples=[{"en": "Oversize", "fa": "روی سرند"}])


class RoleNames(Resource):
    """Which signal (``machine.signal``) plays which part in the unit's state."""

    flow: str
    total: str
    main: str
    no_load: float
    full_load: float
    hopper: str | None
    upstream: list[str]
    drives: list[str]
    plugged: list[str]
    tripped: list[str]
    energised: list[str]


class UnitDetail(UnitSummary):
    """A unit with its machines, their signals, and the streams between them in the order the ore flows."""

    machines: list[MachineDescription]
    streams: list[StreamDescription] = Field(description="one that leads back up the order is a return")
    roles: RoleNames


class LatestValue(Resource):
    """The newest value of one signal; quality as Sparkplug numbers it: 192 good, 0 bad, 500 stale."""

    machine: str
    signal: str
    unit: str
    value: float | None
    time: Instant | None
    quality: Literal[192, 0, 500]


class LatestPage(Resource):
    """The newest value of every signal of a unit."""

    items: list[LatestValue]
    next: str | None


class History(Resource):
    """One signal over time, in columns of equal length; ``table`` says what answered.

    ``complete_from``: retention has removed scans before it, of the span asked for; null: none.
    """

    unit: str
    machine: str
    signal: str
    aggregate: Literal["mean", "min", "max", "first", "last", "count", "raw"]
    step_s: float | None
    table: str = Field(examples=["raw"])
    complete_from: Instant | None
    time: list[Instant]
    value: list[float | None]


class StateInterval(Resource):
    """A span of one state; ``to`` is the end of what was asked for where the state still lasts."""

    state: str
    reason: str | None
    code: str | None = Field(description="the operator's reason, where one covers the interval")
    from_: Instant = Field(alias="from")
    to: Instant
    provisional: bool


class StatesPage(Resource):
    """A unit's states over a span: every instant in exactly one interval."""

    items: list[StateInterval]
    next: str | None


class UnitsPage(Resource):
    """A page of units; pass ``next`` as ``after`` for the one that follows."""

    items: list[UnitSummary]
    next: str | None


class SilentUnit(Resource):
    """A unit that says nothing, and since when."""

    unit: str
    since: Instant | None


class Share(Resource):
    """How many units, and their tonnes today."""

    units: int
    tonnes_today: float
    by_state: dict[str, int]


class FleetSummary(Resource):
    """The fleet in figures."""

    units: int
    by_state: dict[str, int] = Field(examples=[{"RUNNING": 2, "IDLE": 1, "UNDERPERFORMING": 1}])
    by_mineral: dict[str, Share]
    by_province: dict[str, Share]
    tonnes_today: float
    alerts_active: int
    silent: list[SilentUnit]
    at: Instant
