"""The kinds of panels the boards are made of: one look, words of one language, helpful words where nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, statetimeline, text, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.text import TextMode

from dashboards.influxql import DATASOURCE, Ask, targets
from dashboards.language import Language
from dashboards.states import GREY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel, ThresholdsConfig, ValueMap

    from dashboards.language import Words

FULL: Final = 24
HALF: Final = 12
# More bands than this go to further pages.
_BANDS: Final = 20
Step = tuple[float | None, str]


@dataclass(frozen=True, slots=True)
class Panels:
    """Makes the panels of one board in one language; the words of a panel are ``<board>.<key>`` and so on.

    ``.about`` is its description where the language has one, ``.none`` what it says when there is nothing to show.
    """

    words: Words
    board: str

    def lines(
        self,
        key: str,
        *asks: Ask,
        unit: str = "",
        width: int = HALF,
        height: int = 8,
        interval: str = "",
        limits: Sequence[Step] = (),
        title: str = "",
        about: str = "",
    ) -> Builder[Panel]:
        """Return lines over time; ``limits`` are drawn as dashed lines and tinted ground."""
        panel = timeseries.Panel().line_width(1).fill_opacity(0).show_points(VisibilityMode.AUTO).span_nulls(False)
        panel.legend(_legend()).tooltip(_tooltip()).color_scheme(_by_name())
        if limits:
            style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED_AND_AREA)
            panel.thresholds(steps(*limits)).thresholds_style(style)
        return self._finish(panel, key, asks, unit, width, height, interval=interval, title=title, about=about)

    def bars(
        self,
        key: str,
        *asks: Ask,
        unit: str = "",
        width: int = HALF,
        height: int = 8,
        interval: str = "",
        stacked: bool = True,
        colours: Mapping[str, tuple[str, str]] | None = None,
    ) -> Builder[Panel]:
        """Return bars over time; ``colours`` names and colours series by their alias."""
        panel = timeseries.Panel().draw_style(GraphDrawStyle.BARS).line_width(0).fill_opacity(80).bar_width_factor(0.9)
        panel.legend(_legend()).tooltip(_tooltip()).color_scheme(_by_name()).min(0)
        if stacked:
            panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        for name, (shown, colour) in (colours or {}).items():
            panel.override_by_name(name, [_value("displayName", shown), _value("color", _fixed(colour))])
        return self._finish(panel, key, asks, unit, width, height, interval=interval)

    def stat(
        self,
        key: str,
        *asks: Ask,
        unit: str = "",
        width: int = 4,
        height: int = 4,
        decimals: int = 0,
        limits: Sequence[Step] = (),
        mapping: ValueMap | None = None,
        graph: bool = False,
    ) -> Builder[Panel]:
        """Return one large figure, or one per series; coloured only where ``limits`` or ``mapping`` say so."""
        panel = stat.Panel().decimals(decimals)
        panel.graph_mode(BigValueGraphMode.AREA if graph else BigValueGraphMode.NONE)
        panel.color_mode(BigValueColorMode.VALUE).thresholds(steps(*(limits or ((None, "text"),))))
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        if mapping is not None:
            panel.mappings([mapping])
        return self._finish(panel, key, asks, unit, width, height, none="nothing.short")

    def gauges(
        self,
        key: str,
        *asks: Ask,
        unit: str,
        width: int = HALF,
        height: int = 8,
        most: float | None = None,
        limits: Sequence[Step],
    ) -> Builder[Panel]:
        """Return a bar per series, lying; ``most`` is the full length."""
        panel = bargauge.Panel().display_mode(BarGaugeDisplayMode.BASIC).orientation(VizOrientation.HORIZONTAL)
        if most is not None:
            panel.max(most)
        panel.min(0).decimals(0).thresholds(steps(*limits)).show_unfilled(True)
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        return self._finish(panel, key, asks, unit, width, height, none="nothing.short")

    def timeline(
        self,
        key: str,
        *asks: Ask,
        mappings: Sequence[ValueMap],
        width: int = FULL,
        height: int = 9,
        interval: str = "1m",
        limits: Sequence[Step] = ((None, GREY),),
    ) -> Builder[Panel]:
        """Return bands of states over time, one per series; the word stands in the band where it fits."""
        panel = (
            statetimeline.Panel().show_value(VisibilityMode.AUTO).row_height(0.85).merge_values(True).per_page(_BANDS)
        )
        panel.fill_opacity(85).line_width(0).mappings(list(mappings)).thresholds(steps(*limits))
        panel.legend(_legend()).tooltip(_tooltip())
        return self._finish(panel, key, asks, "", width, height, interval=interval)

    def note(self, key: str, *, width: int = FULL, height: int = 3, **values: str) -> Builder[Panel]:
        """Return a few sentences."""
        panel = text.Panel().title(self.words(f"{self.board}.{key}")).mode(TextMode.MARKDOWN)
        return panel.content(self.words(f"{self.board}.{key}.text", **values)).span(width).height(height)

    def _finish(
        self,
        panel: Builder[Panel],
        key: str,
        asks: Sequence[Ask],
        unit: str,
        width: int,
        height: int,
        *,
        interval: str = "",
        title: str = "",
        about: str = "",
        none: str = "nothing.line",
    ) -> Builder[Panel]:
        self.name(panel, key, title=title, about=about, none=none)
        if unit:
            panel.unit(self.unit(unit))
        if interval:
            panel.interval(interval)
        return self.ask(panel, asks, width, height)

    def name(self, panel: Builder[Panel], key: str, *, title: str = "", about: str = "", none: str = "nothing") -> None:
        """Give a panel its title, its description and its words for nothing: ``none`` unless it has some of its own.

        A chart says them for a gap under the pointer, too, and a figure says them large: there they are short.
        """
        name = f"{self.board}.{key}"
        panel.title(title or self.words(name))
        if about or f"{name}.about" in self.words:
            panel.description(about or self.words(f"{name}.about"))
        own = f"{name}.none"
        panel.no_value(self.words(own if own in self.words else none))

    @staticmethod
    def ask(
        panel: Builder[Panel], asks: Sequence[Ask], width: int, height: int, *, table: bool = False
    ) -> Builder[Panel]:
        """Give a panel its questions and its size on the grid of 24."""
        panel.datasource(DATASOURCE).span(width).height(height)
        for target in targets(asks, table=table):
            panel.with_target(target)
        return panel

    def unit(self, ucum: str) -> str:
        """Return Grafana's name of an engineering unit; the words go behind the number."""
        if ucum == "s" and self.words.language is Language.PERSIAN:
            # Grafana's "5 mins" is English; hours, minutes and seconds in figures are everybody's.
            return "dthms"
        if ucum in _GRAFANA_UNITS:
            return _GRAFANA_UNITS[ucum]
        shown = self.words(f"ucum.{ucum}")
        return f"suffix: {shown}" if shown else "none"


# What Grafana scales by itself, and writes alike in every language.
_GRAFANA_UNITS: Final = {"Cel": "celsius", "By": "bytes", "s": "s", "ms": "ms", "1": "none"}


def steps(*made: Step) -> Builder[ThresholdsConfig]:
    """Return thresholds: from each value upwards its colour; None is the ground."""
    found = [Threshold(value=value, color=colour) for value, colour in made]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def _value(name: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(id_val=name, value=value)


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def _by_name() -> Builder[object]:
    return dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def _legend() -> Builder[object]:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return legend.show_legend(True)


def _tooltip() -> Builder[object]:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
