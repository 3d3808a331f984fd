"""One unit, or a few side by side: what it does and why, what it brings, its machines, signals and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.boards.shared import alerts_of, stops, units_now
from dashboards.frame import Board, Row
from dashboards.influxql import Ask
from dashboards.limits import signal_lines
from dashboards.panels import FULL
from dashboards.queries import MACHINE, QUALITY, STATE, classes_with, figures, raw, series
from dashboards.states import CALM, GREY, RED, coloured, state_mapping, word_mapping
from dashboards.tables import Column, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

    from dashboards.panels import Panels

# What tells most of a unit at a glance: its feed, its loads, its power, its water.
_MAIN: Final = (
    ("feeder", "level"),
    ("jaw_crusher", "motor_current"),
    ("impact_crusher", "motor_current"),
    ("ball_mill", "power"),
    ("belt_scale", "belt_load"),
    ("washer", "wash_water"),
    ("genset", "power"),
    ("genset", "frequency"),
)
_GOOD: Final = 192


def _rows(panels: Panels) -> Sequence[Row]:
    say = panels.words
    state = [state_mapping(say)]
    flow = Ask(series('mean("flow_tph")', STATE), f"$tag_unit {say('unit.is')}")
    target = Ask(series('mean("target_tph")', STATE), f"$tag_unit {say('unit.target')}")
    tonnes = Ask(series('sum("tonnes")', STATE, every="1h", fill="none"), "$tag_unit")
    return (
        Row(
            "state",
            (
                units_now(panels, "now", height=6),
                panels.timeline("timeline", Ask(series('last("code")', STATE), "$tag_unit"), mappings=state, height=6),
                panels.timeline(
                    "reasons",
                    Ask(series('last("reason")', STATE), "$tag_unit"),
                    mappings=[word_mapping(say, "reason")],
                    height=6,
                ),
            ),
        ),
        Row(
            "production",
            (
                panels.lines("flow", flow, target, unit="t/h", interval="1m"),
                panels.bars("tonnes", tonnes, unit="t", stacked=False),
            ),
        ),
        Row("machines", (_running(panels), stops(panels, "stops"))),
        Row("signals", [signal_lines(panels, cls, signal) for cls, signal in _MAIN]),
        Row(
            "alerts",
            (
                alerts_of(panels, "alerts", closed=True, height=9),
                _quality(panels),
            ),
        ),
    )


def _running(panels: Panels) -> Builder[Panel]:
    say = panels.words
    mapping = coloured(("0", say("digital.stopped"), GREY), ("1", say("digital.running"), CALM))
    query = series('last("running")', raw(*classes_with("running")), by=MACHINE)
    return panels.timeline(
        "running", Ask(query, "$tag_unit $tag_machine"), mappings=[mapping], height=10, interval="10s"
    )


def _quality(panels: Panels) -> Builder[Panel]:
    say = panels.words
    query = figures(
        'count("code") AS "times", last("code") AS "code"',
        QUALITY,
        f'"code" != {_GOOD}',
        by='"unit", "machine", "signal"',
    )
    bad = coloured(("0", say("quality.bad"), RED), ("500", say("quality.stale"), GREY))
    columns = (
        Column(name="unit", word="column.unit"),
        Column(name="machine", word="column.machine"),
        Column(name="signal", word="column.signal", mapping=word_mapping(say, "signal")),
        Column(name="code", word="column.quality", mapping=bad, coloured=True),
        Column(name="times", word="column.times"),
    )
    return rows_of(panels, "quality", Ask(query), columns=columns, width=FULL, height=8)


BOARD: Final = Board(name="unit", rows=_rows, time_from="now-24h", refresh="1m", opens_with_all=False)
