"""The fleet's table, for OpenAPI: columns of equal length, one place per unit."""

from __future__ import annotations

from pydantic import Field

from api.units.models import Resource


class Words(Resource):
    """What the indexes in the columns stand for."""

    site: list[str]
    province: list[str]
    mineral: list[str]
    model: list[str]
    state: list[str]
    reason: list[str]
    code: list[str]


class FixedColumns(Resource):
    """What a unit is; site, province, mineral and model are indexes into the words."""

    id: list[str]
    site: list[int]
    province: list[int]
    mineral: list[int]
    model: list[int]
    latitude: list[float | None]
    longitude: list[float | None]
    nameplate_tph: list[float]


class LiveColumns(Resource):
    """How a unit stands. Times in whole seconds since 1970; connection: 0 live, 1 stale, 2 lost."""

    state: list[int]
    reason: list[int]
    code: list[int | None]
    since_s: list[int | None]
    connection: list[int]
    throughput_tph: list[float | None]
    target_tph: list[float | None]
    tonnes_today: list[float | None]
    tonnes_month: list[float | None]
    last_tonne_s: list[int | None]
    last_seen_s: list[int | None]
    unknown_h: list[float | None]
    alerts: list[int]


class FleetTable(Resource):
    """The whole fleet at ``t`` (ms); rates and masses to 0.1. Null says *not known*."""

    t: int
    month: tuple[int, int] = Field(examples=[[1405, 9]], description="the Jalali month that tonnes_month counts")
    words: Words
    fixed: FixedColumns
    live_columns: list[str]
    live: LiveColumns
