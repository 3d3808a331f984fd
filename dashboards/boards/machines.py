"""Machine health: every measured signal of every machine class with its limits, trips, hours run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.boards.shared import stops
from dashboards.frame import Board, Row
from dashboards.influxql import Ask
from dashboards.limits import high_limits, signal_lines
from dashboards.panels import HALF
from dashboards.queries import MACHINE, classes_with, figures, hours, over, raw, series
from dashboards.tables import Column, rows_of
from orewatch.plant.catalogue import SignalKind, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

    from dashboards.panels import Panels

# Which row a signal stands in goes by its engineering unit; loads are told by name, since % is many things.
_ROWS: Final = {"Cel": "temperatures", "mm/s": "vibration", "m/s2": "vibration", "mm": "vibration", "kPa": "pressures"}
_LOADS: Final = frozenset({"motor_current", "coil_current", "rake_torque", "power"})
_LEVELS: Final = frozenset({"pulp_level"})
# One scan a second holds "running" in every class, so what was seen running is counted in seconds.
_RUN_HOURS: Final = '"mean_running" * "count_running" AS "seconds"'


def _rows(panels: Panels) -> Sequence[Row]:
    by_row: dict[str, list[Builder[Panel]]] = {}
    for cls, signal, row in _signals():
        by_row.setdefault(row, []).append(signal_lines(panels, cls, signal))
    return (
        Row(
            "overview", (panels.note("note"), _beyond(panels, "warn"), _beyond(panels, "trip"), stops(panels, "stops"))
        ),
        Row("temperatures", by_row["temperatures"]),
        Row("vibration", by_row["vibration"]),
        Row("loads", by_row["loads"]),
        Row("pressures", by_row["pressures"]),
        Row("process", by_row["process"], collapsed=True),
        Row("service", (_run_hours(panels), _counters(panels))),
    )


def _signals() -> Iterator[tuple[str, str, str]]:
    """Yield (class, signal, row) of everything that is measured."""
    for cls in catalogue().classes.values():
        for signal in cls.signals.values():
            if signal.kind is not SignalKind.ANALOG:
                continue
            if signal.name in _LOADS:
                row = "loads"
            elif signal.name in _LEVELS:
                row = "process"
            else:
                row = _ROWS.get(signal.unit, "process")
            yield cls.name, signal.name, row


def _beyond(panels: Panels, level: str) -> Builder[Panel]:
    """Return how many scans were beyond the catalogue's high limits of a level."""
    say = panels.words
    asks = [
        Ask(
            series(f'count("{signal}")', raw(cls), f'"{signal}" > {limit:g}', by=MACHINE, fill="none"),
            f"$tag_unit $tag_machine {say(f'signal.{signal}')}",
        )
        for cls, signal, found, limit in high_limits()
        if found == level
    ]
    return panels.bars(f"beyond-{level}", *asks, width=HALF, interval="1m")


def _run_hours(panels: Panels) -> Builder[Panel]:
    inner = figures(_RUN_HOURS, hours(*classes_with("running")), by=MACHINE)
    columns = (
        Column(name="unit", word="column.unit", to_unit=True),
        Column(name="machine", word="column.machine"),
        Column(name="hours", word="column.hours", decimals=1),
    )
    query = over('sum("seconds") / 3600 AS "hours"', inner, by=MACHINE)
    return rows_of(panels, "hours", Ask(query), columns=columns, width=HALF, height=10)


def _counters(panels: Panels) -> Builder[Panel]:
    """Return the totalisers as they stand: what service intervals by tonnes, kilowatt-hours or litres go by."""
    say = panels.words
    asks = [
        Ask(
            figures(f'last("{name}")', raw(*classes_with(name)), by=MACHINE),
            f"$tag_unit $tag_machine {say(f'signal.{name}')} ({say(f'ucum.{unit}')})",
        )
        for name, unit in (("total", "t"), ("energy", "kW.h"), ("fuel", "L"))
    ]
    return panels.gauges("counters", *asks, unit="1", width=HALF, height=10, limits=((None, "text"),))


BOARD: Final = Board(name="machines", rows=_rows, time_from="now-24h", refresh="1m", opens_with_all=False)
