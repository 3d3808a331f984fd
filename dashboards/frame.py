"""The frame of every board: its name in a language, variables, links, rows of panels in their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    RowPanel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.influxql import DATASOURCE
from dashboards.language import Language, Words, words
from dashboards.panels import Panels
from dashboards.queries import STATE, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

TAG: Final = "orewatch"
TIME_ZONE: Final = "Asia/Tehran"
# Matches what has no such tag, too: a unit without a province is a unit.
ALL: Final = ".*"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a board; the words of its title are ``<board>.row.<key>``. A collapsed one asks nothing until opened."""

    key: str
    panels: Sequence[Builder[Panel]]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board before it has a language: ``name`` is part of its uid and of its words' keys."""

    name: str
    rows: Callable[[Panels], Sequence[Row]]
    time_from: str
    refresh: str
    of_units: bool = True
    # Scans of a whole fleet are too many to draw: such a board opens with the first unit, until others are chosen.
    opens_with_all: bool = True


def uid_of(name: str, language: Language) -> str:
    """Return the uid of a board in a language."""
    return f"orewatch-{name}-{language}"


def built(board: Board, language: Language) -> Dashboard:
    """Return the board in a language."""
    say = words(language)
    made = (
        dashboard.Dashboard(say(f"{board.name}.title"))
        .uid(uid_of(board.name, language))
        .description(say(f"{board.name}.about"))
        .tags([TAG, f"{TAG}-{language}"])
        .timezone(TIME_ZONE)
        .week_start("saturday")
        .time(board.time_from, "now")
        .refresh(board.refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
    )
    if board.of_units:
        for place, name in enumerate(VARIABLES):
            made.with_variable(
                _variable(say, name, VARIABLES[:place], all_at_first=board.opens_with_all or name != "unit")
            )
    made.link(_other_language(board, say)).link(_other_boards(say))
    for row in board.rows(Panels(say, board.name)):
        title = dashboard.Row(say(f"{board.name}.row.{row.key}"))
        if row.collapsed:
            for panel in row.panels:
                title.with_panel(panel)
            made.with_row(title)
        else:
            made.with_row(title)
            for panel in row.panels:
                made.with_panel(panel)
    return _numbered(made.build())


def _numbered(board: Dashboard) -> Dashboard:
    """Give every panel a number of its own, those of collapsed rows too: the kit leaves rows at 0."""
    number = 0
    for panel in board.panels:
        number += 1
        panel.id_val = number
        for inner in panel.panels if isinstance(panel, RowPanel) else ():
            number += 1
            inner.id_val = number
    return board


def _variable(say: Words, name: str, before: Sequence[str], *, all_at_first: bool) -> Builder[object]:
    """Return a variable whose values are those of the units that the variables before it leave."""
    chosen = " AND ".join(f'"{other}" =~ /^${other}$/' for other in before)
    # The raw measurement: InfluxDB 2 answers SHOW from the default retention policy alone.
    query = f'SHOW TAG VALUES FROM {STATE} WITH KEY = "{name}"' + (f" WHERE {chosen}" if chosen else "")
    variable = (
        dashboard.QueryVariable(name)
        .label(say(f"variable.{name}"))
        .datasource(DATASOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(ALL)
    )
    return variable.current(VariableOption(selected=True, text="All", value="$__all")) if all_at_first else variable


def _other_language(board: Board, say: Words) -> Builder[object]:
    link = dashboard.DashboardLink(say("link.language")).type(DashboardLinkType.LINK).icon("external link")
    link.url(f"/d/{uid_of(board.name, say.language.other)}").tooltip(say("link.language.about"))
    return link.keep_time(True).include_vars(True)


def _other_boards(say: Words) -> Builder[object]:
    link = dashboard.DashboardLink(say("link.boards")).type(DashboardLinkType.DASHBOARDS)
    link.tags([f"{TAG}-{say.language}"]).as_dropdown(True).icon("dashboard")
    return link.keep_time(True).include_vars(True)
