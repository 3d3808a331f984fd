"""What the service answers about inputs: one model per kind, for OpenAPI and for those who build on it."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotations
from typing import Literal

from pydantic import Field

from api.units.models import Instant, Resource, ShiftFigures


class InputAnswer(Resource):
    """What every entry has. ``replaced_by``: the entry that counts in its place."""

    id: int
    unit: str
    kind: str
    from_: Instant = Field(alias="from")
    to: Instant | None
    by: str
    note: str | None
    recorded_at: Instant
    corrects: int | None
    replaced_by: int | None
    withdrawn: bool
    key: str


class StopAnswer(InputAnswer):
    """A stop and its reason."""

    code: str = Field(examples=["no_ore"])
    effect: Literal["planned", "failure", "delay"]


class OreAnswer(InputAnswer):
    """Ore and moisture from a time on."""

    ore: str
    moisture_pct: float


class TargetAnswer(InputAnswer):
    """A target from a time on."""

    tph: float
    ore: str | None


class PlanAnswer(InputAnswer):
    """A shift's plan."""

    day: dt.date
    shift: int
    tonnes: float


class AssayAnswer(InputAnswer):
    """Assays and what follows from them: recovery with its error (one sigma, points), or why there is none."""

    element: str
    feed: float
    concentrate: float | None
    tailings: float | None
    laboratory: str
    recovery_pct: float | None
    sigma_pct: float | None
    yield_pct: float | None
    no_figure: str | None = Field(examples=["two_concentrates"])


class ScaleEpochAnswer(InputAnswer):
    """A calibration; ``epoch`` counts from 1."""

    zero_drift_pct: float | None
    span_error_pct: float | None
    epoch: int | None


class InputsPage(Resource):
    """A page of entries, those of the newest time first; pass ``next`` as ``after`` for the one that follows."""

    items: list[StopAnswer | AssayAnswer | PlanAnswer | OreAnswer | TargetAnswer | ScaleEpochAnswer]
    next: str | None


class StopReason(Resource):
    """A code that suits the unit's mineral."""

    code: str
    effect: Literal["planned", "failure", "delay"]
    title: dict[str, str]


class PlannedShift(Resource):
    """A shift of today or the days to come."""

    day: dt.date
    shift: int
    start: Instant
    end: Instant
    tonnes: float | None
    entry_id: int | None


class InputsInForceAnswer(Resource):
    """Everything that is in force now, for a page of inputs."""

    stop: StopAnswer | None
    planned: list[StopAnswer]
    ore: OreAnswer | None
    target: TargetAnswer | None
    target_tph: float
    shift: ShiftFigures
    plans: list[PlannedShift]
    assay: AssayAnswer | None
    scale_epoch: ScaleEpochAnswer | None
    reasons: list[StopReason]
    elements: list[str]
    ores: list[str]
    now: Instant
