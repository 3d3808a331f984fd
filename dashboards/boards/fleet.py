"""The fleet: where the units are, what they do, what they bring, who is silent, what is the matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.boards.shared import alerts_of, units_now
from dashboards.frame import Board, Row
from dashboards.influxql import Ask
from dashboards.panels import FULL, HALF
from dashboards.queries import ALERT, INTERVAL, STATE, UNIT_INFO, figures, over, series
from dashboards.states import ORANGE, RED, state_mapping
from dashboards.tables import leading_to_units, state_counts, unit_map
from orewatch.plant.states import STATE_CODES, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.panels import Panels

_CODE: Final = figures('last("code") AS "code"', STATE)
_FLOW: Final = series('mean("flow_tph") AS "flow"', STATE)
_TARGET: Final = series('mean("target_tph") AS "target"', STATE)
# A unit's description is written anew each day.
_PLACE: Final = figures(
    'last("latitude") AS "latitude", last("longitude") AS "longitude"', UNIT_INFO, "time > now() - 400d", time=False
)
_OPEN: Final = "\"state\" != 'NORM'"


def _rows(panels: Panels) -> Sequence[Row]:
    say = panels.words
    states = Ask(figures('last("state") AS "state"', STATE))
    silent = over('count("code")', _CODE, condition=f'"code" = {STATE_CODES[State.COMMS_LOSS]:g}')
    timeline = panels.timeline(
        "timeline", Ask(series('last("code")', STATE), "$tag_unit"), mappings=[state_mapping(say)], height=10
    )
    share = panels.gauges(
        "share",
        Ask(figures('mean("flow_tph") / mean("target_tph") * 100', STATE), "$tag_unit"),
        unit="%",
        most=120,
        limits=((None, RED), (75, ORANGE), (85, "text")),
    )
    alert = 'count("id") AS "open"'
    return (
        Row(
            "now",
            (
                panels.stat("units", Ask(over('count("code")', _CODE), say("fleet.units"))),
                panels.stat("silent", Ask(silent, say("fleet.silent")), limits=((None, "text"), (1, ORANGE))),
                panels.stat(
                    "open",
                    Ask(figures(alert, ALERT, _OPEN, "time > now() - 400d", by="", time=False), say("fleet.open")),
                    limits=((None, "text"), (1, ORANGE)),
                ),
                panels.stat(
                    "flow",
                    Ask(over('sum("flow")', _FLOW, every=INTERVAL), say("fleet.flow")),
                    unit="t/h",
                    decimals=1,
                    graph=True,
                ),
                panels.stat(
                    "target",
                    Ask(over('sum("target")', _TARGET, every=INTERVAL), say("fleet.target")),
                    unit="t/h",
                    decimals=1,
                ),
                panels.stat("tonnes", Ask(figures('sum("tonnes")', STATE, by=""), say("fleet.tonnes")), unit="t"),
                state_counts(panels, "states", states, width=FULL),
            ),
        ),
        Row(
            "places",
            (
                unit_map(panels, "map", Ask(_PLACE), Ask(_CODE)),
                units_now(panels, "table", width=HALF, height=12),
            ),
        ),
        Row(
            "time",
            (
                leading_to_units(panels, timeline),
                panels.lines(
                    "against",
                    Ask(over('sum("flow")', _FLOW, every=INTERVAL), say("fleet.flow")),
                    Ask(over('sum("target")', _TARGET, every=INTERVAL), say("fleet.target")),
                    unit="t/h",
                    interval="1m",
                ),
                leading_to_units(panels, share),
                leading_to_units(panels, panels.lines("flows", Ask(_FLOW, "$tag_unit"), unit="t/h", interval="1m")),
                panels.bars(
                    "hourly", Ask(series('sum("tonnes")', STATE, every="1h", fill="none"), "$tag_unit"), unit="t"
                ),
            ),
        ),
        Row("alerts", (alerts_of(panels, "alerts", closed=False, height=10),)),
    )


BOARD: Final = Board(name="fleet", rows=_rows, time_from="now-24h", refresh="1m")
