"""Tables that more than one board has: the units now, and their alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.influxql import Ask
from dashboards.panels import FULL
from dashboards.queries import ALERT, MACHINE, STATE, classes_with, figures, raw, rows, series
from dashboards.states import GREY, ORANGE, RED, coloured, state_mapping, word_mapping
from dashboards.tables import Column, rows_of

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

    from dashboards.panels import Panels

_ALERT_FIELDS: Final = (
    '"unit", "machine", "signal", "kind", "priority", "state", "reason", "text_{language}" AS "text", '
    '"duration_s", "tonnes_lost", "acknowledged_by"'
)
_STOPS: Final = ("tripped", "plugged", "red_stop", "drift")
# The reason of a stop that an operator gave is a code of its own.
_REASONS: Final = ("state", "reason", "code")


def units_now(panels: Panels, key: str, *, width: int = FULL, height: int = 8) -> Builder[Panel]:
    """Return a table of what each unit did last: state, why, flow, target, alerts, and how long it has been silent."""
    say = panels.words
    last = ("state", "reason", "stop_code", "flow_tph", "target_tph", "alerts", "silent_s")
    query = figures(", ".join(f'last("{name}") AS "{name}"' for name in last), STATE, by='"unit", "site"')
    columns = (
        Column(name="unit", word="column.unit", to_unit=True, width=110),
        Column(name="site", word="column.site", mapping=word_mapping(say, "place")),
        Column(name="state", word="column.state", mapping=state_mapping(say), coloured=True),
        Column(name="reason", word="column.reason", mapping=word_mapping(say, "reason")),
        Column(name="stop_code", word="column.code", mapping=word_mapping(say, "code")),
        Column(name="flow_tph", word="column.flow", unit="t/h", decimals=1),
        Column(name="target_tph", word="column.target", unit="t/h", decimals=1),
        Column(name="alerts", word="column.alerts", coloured=True, limits=((None, "text"), (1, ORANGE))),
        Column(name="silent_s", word="column.silent", unit="s", coloured=True, limits=((None, "text"), (300, ORANGE))),
    )
    return rows_of(panels, key, Ask(query), columns=columns, width=width, height=height)


def alerts_of(panels: Panels, key: str, *, closed: bool, width: int = FULL, height: int = 8) -> Builder[Panel]:
    """Return a table of alerts: those open now, or those raised in the time shown, newest first."""
    say = panels.words
    fields = _ALERT_FIELDS.format(language=say.language)
    if closed:
        query = rows(fields, ALERT)
    else:
        query = rows(fields, ALERT, "\"state\" != 'NORM'", "time > now() - 400d", time=False)
    priorities = coloured(
        ("high", say("priority.high"), RED),
        ("medium", say("priority.medium"), ORANGE),
        ("low", say("priority.low"), "text"),
    )
    columns = (
        Column(name="Time", word="column.raised", width=160),
        Column(name="unit", word="column.unit", to_unit=True, width=110),
        Column(name="priority", word="column.priority", mapping=priorities, coloured=True, width=90),
        Column(name="kind", word="column.kind", mapping=word_mapping(say, "kind")),
        Column(name="text", word="column.text"),
        Column(name="machine", word="column.machine"),
        Column(name="signal", word="column.signal", mapping=word_mapping(say, "signal")),
        Column(name="state", word="column.alert-state", mapping=word_mapping(say, "alert.state")),
        Column(name="reason", word="column.reason", mapping=word_mapping(say, *_REASONS)),
        Column(name="duration_s", word="column.lasted", unit="s"),
        Column(name="tonnes_lost", word="column.lost", unit="t", decimals=1),
        Column(name="acknowledged_by", word="column.by"),
    )
    return rows_of(panels, key, Ask(query), columns=columns, width=width, height=height)


def stops(panels: Panels, key: str) -> Builder[Panel]:
    """Return what stopped machines over time: trips, plugged chutes, red lamps, belts that drift."""
    say = panels.words
    mapping = coloured(("0", say("digital.off"), GREY), ("1", say("digital.on"), RED))
    asks = [
        Ask(
            series(f'max("{name}")', raw(*classes_with(name)), by=MACHINE),
            f"$tag_unit $tag_machine {say(f'signal.{name}')}",
        )
        for name in _STOPS
    ]
    return panels.timeline(key, *asks, mappings=[mapping], height=10, interval="10s")
