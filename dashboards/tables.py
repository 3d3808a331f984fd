"""Tables and the map: panels of rows, whose columns have words, units and colours of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import common, dashboard, geomap, stat, table
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    FrameGeometrySourceMode,
    TableCellHeight,
)
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.geomap import TooltipMode

from dashboards.panels import FULL, HALF, steps
from dashboards.states import COLOURS, GREY, state_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel, ValueMap

    from dashboards.influxql import Ask
    from dashboards.panels import Panels, Step

# The middle of Iran, and a zoom that shows the country.
_LATITUDE, _LONGITUDE, _ZOOM = 32, 54, 5
_DASH: Final = "\N{EN DASH}"
_LAND: Final = "#8a939c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its name in the answer, and how it is shown. ``word`` is the key of its title."""

    name: str
    word: str
    unit: str = ""
    decimals: int | None = None
    mapping: ValueMap | None = None
    coloured: bool = False
    limits: Sequence[Step] = ()
    to_unit: bool = False
    width: int | None = None


def to_unit_board(panels: Panels, unit: str = "__value.raw") -> dict[str, Any]:
    """Return the link to the board of a unit, named by Grafana's variable ``unit``, with the time kept."""
    url = f"/d/orewatch-unit-{panels.words.language}?var-unit=${{{unit}:percentencode}}&${{__url_time_range}}"
    return {"title": panels.words("link.unit"), "url": url}


def leading_to_units(panels: Panels, panel: Builder[Panel]) -> Builder[Panel]:
    """Return the panel with each of its series leading to the board of its unit."""
    link = to_unit_board(panels, "__field.labels.unit")
    return panel.data_links([dashboard.DashboardLink(link["title"]).url(link["url"]).type(DashboardLinkType.LINK)])


def rows_of(
    panels: Panels,
    key: str,
    *asks: Ask,
    columns: Sequence[Column],
    before: Sequence[DataTransformerConfig] = (),
    width: int = FULL,
    height: int = 8,
) -> Builder[Panel]:
    """Return a table with ``columns`` in that order and no others; several questions are joined by unit."""
    panel = table.Panel().cell_height(TableCellHeight.SM).show_header(True)
    panels.name(panel, key)
    # A missing cell is a dash; the long words are for a table without rows.
    for kind in ("number", "string", "time"):
        panel.override_by_field_type(kind, [_value("noValue", _DASH)])
    for column in columns:
        panel.override_by_name(column.name, _properties(panels, column))
    if len(asks) > 1:
        panel.with_transformation(joined_by_unit())
    for step in before:
        panel.with_transformation(step)
    panel.with_transformation(only([column.name for column in columns]))
    order = {column.name: place for place, column in enumerate(columns)}
    panel.with_transformation(_transform("organize", {"indexByName": order, "excludeByName": {}, "renameByName": {}}))
    return panels.ask(panel, asks, width, height, table=True)


def _properties(panels: Panels, column: Column) -> list[DynamicConfigValue]:
    found = [_value("displayName", panels.words(column.word))]
    if column.unit:
        found.append(_value("unit", panels.unit(column.unit)))
    if column.decimals is not None:
        found.append(_value("decimals", column.decimals))
    if column.mapping is not None:
        found.append(_value("mappings", [column.mapping]))
    if column.limits:
        made = [{"value": value, "color": colour} for value, colour in column.limits]
        found.append(_value("thresholds", {"mode": "absolute", "steps": made}))
    if column.coloured:
        found.append(_value("custom.cellOptions", {"type": "color-text"}))
    if column.to_unit:
        found.append(_value("links", [to_unit_board(panels)]))
    if column.width is not None:
        found.append(_value("custom.width", column.width))
    return found


def unit_map(panels: Panels, key: str, *asks: Ask, width: int = HALF, height: int = 12) -> Builder[Panel]:
    """Return the units on the map, coloured by state.

    The ground is Grafana's own file of country outlines: no tile server beyond the network is asked.
    """
    panel = geomap.Panel()
    panels.name(panel, key)
    panel.view(geomap.MapViewConfig().id("coords").lat(_LATITUDE).lon(_LONGITUDE).zoom(_ZOOM).all_layers(True))
    panel.controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(False))
    panel.tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
    outlines = {
        "src": "public/maps/countries.geojson",
        "rules": [],
        "style": {"color": {"fixed": _LAND}, "lineWidth": 1, "opacity": 0.4},
    }
    panel.basemap(common.MapLayerOptions().type("geojson").name("outlines").config(outlines))
    markers = {
        "showLegend": False,
        "style": {
            "color": {"field": "code", "fixed": GREY},
            "opacity": 0.9,
            "size": {"fixed": 8, "min": 6, "max": 12},
            "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
            "text": {"field": "unit", "fixed": "", "mode": "field"},
            "textConfig": {
                "fontSize": 11,
                "offsetX": 0,
                "offsetY": 14,
                "textAlign": "center",
                "textBaseline": "middle",
            },
        },
    }
    place = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS)
    place.latitude("latitude").longitude("longitude")
    panel.layers([common.MapLayerOptions().type("markers").name("units").config(markers).location(place).tooltip(True)])
    panel.thresholds(steps((None, GREY)))
    panel.override_by_name(
        "code", _properties(panels, Column(name="code", word="column.state", mapping=state_mapping(panels.words)))
    )
    panel.override_by_name("unit", _properties(panels, Column(name="unit", word="column.unit", to_unit=True)))
    for name in ("latitude", "longitude"):
        panel.override_by_name(name, _properties(panels, Column(name=name, word=f"column.{name}", decimals=2)))
    panel.with_transformation(joined_by_unit()).with_transformation(only(["unit", "code", "latitude", "longitude"]))
    return panels.ask(panel, asks, width, height, table=True)


def state_counts(panels: Panels, key: str, ask: Ask, *, width: int, height: int = 4) -> Builder[Panel]:
    """Return how many units are in each state; ``ask`` gives a row per unit with ``unit`` and ``state``."""
    panel = stat.Panel().color_mode(BigValueColorMode.BACKGROUND_SOLID).graph_mode(BigValueGraphMode.NONE)
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME).decimals(0)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
    panels.name(panel, key, none="nothing.short")
    grouped = {
        "state": {"aggregations": [], "operation": "groupby"},
        "unit": {"aggregations": ["count"], "operation": "aggregate"},
    }
    panel.with_transformation(_transform("groupBy", {"fields": grouped}))
    # The first column of words gives the names, the first of numbers the figures.
    panel.with_transformation(_transform("rowsToFields", {}))
    for state, colour in COLOURS.items():
        shown = [
            _value("displayName", panels.words(f"state.{state}")),
            _value("color", {"mode": "fixed", "fixedColor": colour}),
        ]
        panel.override_by_name(str(state), shown)
    return panels.ask(panel, [ask], width, height, table=True)


def only(names: Sequence[str]) -> DataTransformerConfig:
    """Return the transformation that keeps these columns."""
    return _transform("filterFieldsByName", {"include": {"names": list(names)}})


def joined_by_unit() -> DataTransformerConfig:
    """Return the transformation that makes one row per unit of several answers."""
    return _transform("joinByField", {"byField": "unit", "mode": "outer"})


def divided(left: str, right: str, name: str) -> DataTransformerConfig:
    """Return the transformation that adds a column ``left / right``."""
    binary = {"left": left, "operator": "/", "right": right, "reducer": "sum"}
    return _transform("calculateField", {"mode": "binary", "binary": binary, "alias": name, "replaceFields": False})


def renamed(pattern: str, to: str) -> DataTransformerConfig:
    """Return the transformation that renames series by a regular expression."""
    return _transform("renameByRegex", {"regex": pattern, "renamePattern": to})


def _transform(kind: str, options: dict[str, Any]) -> DataTransformerConfig:
    return DataTransformerConfig(id_val=kind, options=options)


def _value(name: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(id_val=name, value=value)
