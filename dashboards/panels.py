"""The panels of the overview. A dashboard is a list of them; each knows its width and height on the grid of 24."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.common import BigValueColorMode, LegendDisplayMode, LegendPlacement, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from dashboards.influxql import DATASOURCE, INTERVAL, TIME, targets
from orewatch.plant.catalogue import SignalKind, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel, ThresholdsConfig

FULL: Final = 24
UNIT: Final = "unit =~ /^$unit$/"
_GREEN, _GREY, _ORANGE, _RED = "green", "text", "orange", "red"
_ANY: Final = "/.+/"


def fleet_now() -> Builder[Panel]:
    """Return the flow of each unit now, large."""
    query = f'SELECT mean("mass_flow") FROM "belt_scale" WHERE {TIME} AND time > now() - 2m GROUP BY "unit"'
    panel = stat.Panel().title("Throughput now").description("Dry t/h over the belt scale, mean of two minutes.")
    panel.unit("suffix: t/h").decimals(1).color_mode(BigValueColorMode.VALUE)
    panel.thresholds(_steps((None, _RED), (0.5, _ORANGE), (5.0, _GREEN)))
    return _with(panel, 12, 6, (query, "$tag_unit"))


def fleet_tonnes() -> Builder[Panel]:
    """Return the tonnes of each unit over the time shown."""
    # Differences first: a totaliser that wrapped or was reset must not swallow the day.
    inner = (
        f'SELECT non_negative_difference(last("total")) AS "t" FROM "belt_scale" WHERE {TIME} GROUP BY time(1m), "unit"'
    )
    query = f'SELECT sum("t") AS "tonnes" FROM ({inner}) WHERE {TIME} GROUP BY "unit"'
    panel = stat.Panel().title("Tonnes in the time shown").description("From the belt scales' totalisers.")
    panel.unit("suffix: t").decimals(0).color_mode(BigValueColorMode.NONE)
    return _with(panel, 12, 6, (query, "$tag_unit"))


def fleet_flow() -> Builder[Panel]:
    """Return the flow of every unit over time."""
    query = f'SELECT mean("mass_flow") FROM "belt_scale" WHERE {TIME} GROUP BY time({INTERVAL}), "unit" fill(null)'
    return _with(_lines("Throughput", "t/h").min(0), 12, 8, (query, "$tag_unit"))


def fleet_states() -> Builder[Panel]:
    """Return whether each unit produces, over time."""
    query = f'SELECT mean("mass_flow") FROM "belt_scale" WHERE {TIME} GROUP BY time({INTERVAL}), "unit" fill(null)'
    panel = statetimeline.Panel().title("Producing")
    panel.description("By flow over the belt scale: below 0.5 t/h nothing is produced. A gap is silence, not a stop.")
    panel.thresholds(_steps((None, _RED), (0.5, _ORANGE), (5.0, _GREEN))).show_value(VisibilityMode.NEVER)
    return _with(panel, 12, 8, (query, "$tag_unit"))


def last_heard() -> Builder[Panel]:
    """Return when each unit was last heard of."""
    query = f'SELECT last("mass_flow") AS "t/h" FROM "belt_scale" WHERE {TIME} GROUP BY "unit", "site", "mineral"'
    panel = table.Panel().title("Last heard").description("The newest scan that has reached the store.")
    return _with(panel, 12, 7, (query, ""), as_table=True)


def alerts() -> Builder[Panel]:
    """Return Grafana's own list of alerts; the ones orewatch raises are in its pages and messages."""
    panel = dashboard.Panel().type("alertlist").title("Alerts of Grafana")
    panel.options({"viewMode": "list", "groupMode": "default", "maxItems": 20, "sortOrder": 1})
    return panel.span(12).height(7)


def machine_states() -> Builder[Panel]:
    """Return which machines of the unit run, over time."""
    panel = statetimeline.Panel().title("Machines running").show_value(VisibilityMode.NEVER)
    panel.thresholds(_steps((None, _GREY), (1.0, _GREEN)))
    mapping = {"0": ValueMappingResult(text="stopped"), "1": ValueMappingResult(text="running")}
    panel.mappings([ValueMap(options=mapping)])
    query, _ = _of_machines("last", "running")
    return _with(panel, FULL, 9, (query, "$tag_unit $tag_machine"))


def trips() -> Builder[Panel]:
    """Return trips, plugged chutes and red stops over time."""
    queries = [_of_machines("max", signal) for signal in ("tripped", "plugged", "red_stop", "drift")]
    panel = statetimeline.Panel().title("Trips and blockages").show_value(VisibilityMode.NEVER)
    panel.thresholds(_steps((None, _GREY), (1.0, _RED)))
    return _with(panel, FULL, 9, *queries)


def trend(title: str, unit: str, *signals: str, width: int = 12) -> Builder[Panel]:
    """Return the trend of signals of the same engineering unit, whichever machine of the unit has them."""
    return _with(_lines(title, unit), width, 8, *(_of_machines("mean", signal) for signal in signals))


def beyond_limits() -> Builder[Panel]:
    """Return how many scans were beyond a warning limit of the catalogue."""
    queries = [
        _of_machines("count", signal, source=f'"{cls}"', where=f' AND "{signal}" {sign} {limit:g}', fill="0")
        for cls, signal, sign, limit in limits()
    ]
    panel = _lines("Scans beyond a warning limit", "short").min(0)
    panel.description("Limits of the catalogue; a unit's own limits are in orewatch's pages.")
    return _with(panel, 12, 8, *queries)


def not_good() -> Builder[Panel]:
    """Return which signals' quality was written as other than good."""
    query = (
        f'SELECT count("code") FROM "signal_quality" WHERE {TIME} AND {UNIT} AND "code" < 192 '
        'GROUP BY "unit", "machine", "signal"'
    )
    panel = table.Panel().title("Signals of bad quality")
    return _with(panel, 12, 8, (query, ""), as_table=True)


def limits() -> Iterator[tuple[str, str, str, float]]:
    """Yield (class, signal, comparison, limit) for every absolute warning limit of the catalogue."""
    for cls in catalogue().classes.values():
        for signal in cls.signals.values():
            if signal.kind is SignalKind.ANALOG and signal.warn is not None:
                yield cls.name, signal.name, ">", signal.warn
            # Standing machines are below every low limit, and nothing is wrong with them.


def _of_machines(
    function: str, signal: str, *, source: str = _ANY, where: str = "", fill: str = "null"
) -> tuple[str, str]:
    """Return query and alias of a signal, whichever machines of the units shown have it."""
    query = (
        f'SELECT {function}("{signal}") FROM {source} WHERE {TIME} AND {UNIT}{where} '
        f'GROUP BY time({INTERVAL}), "unit", "machine" fill({fill})'
    )
    return query, f"$tag_unit $tag_machine {signal}"


def _lines(title: str, unit: str) -> Builder[Panel]:
    panel = timeseries.Panel().title(title).unit(unit).line_width(1).fill_opacity(5).span_nulls(False)
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return panel.legend(legend.show_legend(True))


def _with(
    panel: Builder[Panel], width: int, height: int, *queries: tuple[str, str], as_table: bool = False
) -> Builder[Panel]:
    panel.datasource(DATASOURCE).span(width).height(height)
    for target in targets(*queries, table=as_table):
        panel.with_target(target)
    return panel


def _steps(*steps: tuple[float | None, str]) -> Builder[ThresholdsConfig]:
    made = [Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)
