"""orewatch itself: whether what is measured arrives, how far behind it is, and what will run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.frame import Board, Row
from dashboards.influxql import Ask
from dashboards.queries import HEALTH, INTERVAL, TIME
from dashboards.states import CALM, ORANGE, RED, coloured
from dashboards.tables import renamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.panels import Panels, Step

_TEXT: Final = "text"
_ANY_IS_BAD: Final[tuple[Step, ...]] = ((None, _TEXT), (1, RED))


def _last(field: str, process: str) -> str:
    return f"SELECT last({_field(field)}) FROM {HEALTH} WHERE {TIME} AND \"process\" = '{process}'"


def _over_time(function: str, field: str, process: str) -> str:
    where = f"WHERE {TIME} AND \"process\" = '{process}'"
    return f"SELECT {function}({_field(field)}) FROM {HEALTH} {where} GROUP BY time({INTERVAL}) fill(null)"


def _field(name: str) -> str:
    # Fields that each projection has are asked for by their beginning.
    return f"/^{name}/" if name.endswith("_") else f'"{name}"'


def _rows(panels: Panels) -> Sequence[Row]:
    say = panels.words
    up = coloured(("0", say("service.down"), RED), ("1", say("service.up"), CALM))
    soon: tuple[Step, ...] = ((None, RED), (7, ORANGE), (30, _TEXT))
    room: tuple[Step, ...] = ((None, RED), (24, ORANGE), (168, _TEXT))

    def ask(field: str, process: str, function: str = "", name: str = "") -> Ask:
        query = _over_time(function, field, process) if function else _last(field, process)
        return Ask(query, "$col" if field.endswith("_") else say(f"service.{name or field}"))

    by_projection = (renamed("^(?:last|mean|max)_(?:store_up|lag_s|lag_blocks)_(.*)$", "$1"),)
    lag_s = panels.lines("lag-s", ask("lag_s_", "collector", "max"), unit="s", interval="1m")
    lag_blocks = panels.lines("lag-blocks", ask("lag_blocks_", "collector", "max"), interval="1m")
    stores = panels.timeline("stores", ask("store_up_", "collector", "last"), mappings=[up], width=12, height=8)
    for panel in (lag_s, lag_blocks, stores):
        panel.transformations(list(by_projection))
    return (
        Row(
            "now",
            (
                panels.stat(
                    "broker_connected",
                    ask("broker_connected", "collector"),
                    ask("broker_connected", "api", name="broker_api"),
                    mapping=up,
                    width=6,
                ),
                panels.stat("store_up", ask("store_up", "api"), mapping=up, width=3),
                panels.stat("units", ask("units", "api"), width=3),
                panels.stat("units_silent", ask("units_silent", "api"), limits=((None, _TEXT), (1, ORANGE)), width=3),
                panels.stat("alerts_active", ask("alerts_active", "api"), width=3),
                panels.stat(
                    "outbox_waiting", ask("outbox_waiting", "api"), limits=((None, _TEXT), (20, ORANGE)), width=3
                ),
                panels.stat("viewers", ask("viewers", "api"), width=3),
                panels.stat("dead_letters", ask("dead_letters", "collector"), limits=_ANY_IS_BAD, width=3),
                panels.stat("rejected", ask("rejected", "collector"), limits=_ANY_IS_BAD, width=3),
                panels.stat("certificate_days", ask("certificate_days", "collector"), limits=soon, width=6),
                panels.stat("disk_free_h", ask("disk_free_h", "collector"), limits=room, width=6),
                panels.stat(
                    "disk_free_bytes",
                    ask("disk_free_bytes", "collector"),
                    ask("disk_free_bytes", "api", name="disk_api"),
                    unit="By",
                    width=6,
                    decimals=1,
                ),
            ),
        ),
        Row(
            "lag",
            (
                lag_s,
                lag_blocks,
                stores,
                panels.lines("queue_bytes", ask("queue_bytes", "collector", "max"), unit="By", interval="1m"),
            ),
        ),
        Row(
            "flow",
            (
                panels.lines("values_s", ask("values_s", "collector", "mean"), interval="1m"),
                panels.lines("blocks_s", ask("blocks_s", "collector", "mean"), interval="1m"),
                panels.lines(
                    "losses",
                    ask("rejected", "collector", "max"),
                    ask("dead_letters", "collector", "max"),
                    interval="1m",
                ),
                panels.lines(
                    "disk",
                    ask("disk_free_bytes", "collector", "min"),
                    ask("disk_free_bytes", "api", "min", "disk_api"),
                    unit="By",
                    interval="1m",
                ),
            ),
        ),
        Row(
            "service",
            (
                panels.lines("outbox_oldest_s", ask("outbox_oldest_s", "api", "max"), unit="s", interval="1m"),
                panels.lines(
                    "outbox", ask("outbox_waiting", "api", "max"), ask("alerts_active", "api", "max"), interval="1m"
                ),
                panels.lines("tick_ms", ask("tick_ms", "api", "max"), unit="ms", interval="1m"),
                panels.lines("silent", ask("units", "api", "last"), ask("units_silent", "api", "last"), interval="1m"),
            ),
        ),
    )


BOARD: Final = Board(name="service", rows=_rows, time_from="now-6h", refresh="30s", of_units=False)
