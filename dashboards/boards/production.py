"""Production and energy, from the hours: tonnes, target, time used, energy and fuel per tonne; up to years."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from dashboards.frame import Board, Row
from dashboards.influxql import Ask
from dashboards.panels import FULL
from dashboards.queries import DAY, STATE_HOURS, UNIT, classes_with, figures, gained, hours, series
from dashboards.states import COLOURS, ORANGE, RED
from dashboards.tables import Column, divided, rows_of
from orewatch.plant.catalogue import catalogue
from orewatch.plant.states import PRODUCING, STATES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

    from dashboards.language import Words
    from dashboards.panels import Panels
    from orewatch.plant.states import State

_ENERGY: Final = partial(gained, "last_energy", hours(*classes_with("energy")))
_FUEL: Final = partial(gained, "last_fuel", hours(*classes_with("fuel")))
_SCALE: Final = partial(gained, "last_total", hours(*classes_with("total")))
_TONNES: Final = 'sum("tonnes")'
_ATTAINED: Final = 'sum("tonnes") / sum("target_t") * 100'


def _hours_in(states: Iterable[State]) -> str:
    return "(" + " + ".join(f'sum("h_{state}")' for state in states) + ")"


# Time that nobody knows of leaves the denominator; its hours stay visible in the bars.
_USED: Final = (
    f"{_hours_in(s for s in STATES if s in PRODUCING)} / {_hours_in(s for s in STATES if s not in UNKNOWN)} * 100"
)


def _rows(panels: Panels) -> Sequence[Row]:
    say = panels.words
    attained = ((None, RED), (75.0, ORANGE), (85.0, "text"))
    states = {f"sum_h_{state}": (say(f"state.{state}"), COLOURS[state]) for state in STATES}
    in_states = ", ".join(f'sum("h_{state}") AS "sum_h_{state}"' for state in STATES)
    return (
        Row(
            "sum",
            (
                panels.stat("tonnes", Ask(figures(_TONNES, STATE_HOURS, by=""), say("production.tonnes")), unit="t"),
                panels.stat(
                    "attained",
                    Ask(figures(_ATTAINED, STATE_HOURS, by=""), say("production.attained")),
                    unit="%",
                    limits=attained,
                ),
                panels.stat("used", Ask(figures(_USED, STATE_HOURS, by=""), say("production.used")), unit="%"),
                panels.stat("energy", Ask(_ENERGY(), say("production.energy")), unit="kW.h"),
                panels.stat("fuel", Ask(_FUEL(), say("production.fuel")), unit="L"),
                panels.stat("scale", Ask(_SCALE(), say("production.scale")), unit="t"),
            ),
        ),
        Row(
            "tonnes",
            (
                panels.lines(
                    "hourly", Ask(series('mean("tonnes")', STATE_HOURS), "$tag_unit"), unit="t/h", interval="1h"
                ),
                panels.bars(
                    "daily",
                    Ask(series(_TONNES, STATE_HOURS, every=DAY, fill="none"), "$tag_unit"),
                    unit="t",
                    interval="1d",
                ),
                panels.lines(
                    "attainment",
                    Ask(series(_ATTAINED, STATE_HOURS, every=DAY), "$tag_unit"),
                    unit="%",
                    interval="1d",
                    limits=((None, "transparent"), (85.0, "text")),
                ),
                panels.bars(
                    "scale-daily",
                    Ask(_SCALE(every=DAY, by=UNIT), "$tag_unit"),
                    unit="t",
                    interval="1d",
                ),
            ),
        ),
        Row(
            "time",
            (
                panels.bars(
                    "states",
                    Ask(series(in_states, STATE_HOURS, every=DAY, by="", fill="none"), "$col"),
                    unit="h",
                    interval="1d",
                    colours=states,
                ),
                panels.lines(
                    "utilisation", Ask(series(_USED, STATE_HOURS, every=DAY), "$tag_unit"), unit="%", interval="1d"
                ),
            ),
        ),
        Row(
            "energy",
            (
                _per_tonne(panels, "kwh-per-tonne", _ENERGY, "kW.h/t", _usual(say)),
                _per_tonne(panels, "litres-per-tonne", _FUEL, "L/t", ""),
                _totals(panels),
            ),
        ),
    )


def _per_tonne(panels: Panels, key: str, counter: Callable[..., str], unit: str, about: str) -> Builder[Panel]:
    """Return what a tonne took, day by day; InfluxQL does not divide across measurements, Grafana does."""
    taken = Ask(counter(every=DAY, by=UNIT), "$tag_unit", hidden=True)
    tonnes = Ask(series(_TONNES, STATE_HOURS, every=DAY, fill="none"), "$tag_unit", hidden=True)
    panel = panels.lines(key, taken, tonnes, Ask("$A / $B", math=True), unit=unit, interval="1d", about=about)
    return panel.display_name("${__field.labels.unit}")


def _usual(say: Words) -> str:
    """Return what the catalogue holds for usual, mineral by mineral."""
    bands = [
        say(
            "production.band",
            mineral=say(f"mineral.{circuit.mineral}"),
            low=say.number(circuit.kwh_per_t[0]),
            high=say.number(circuit.kwh_per_t[1]),
        )
        for circuit in catalogue().circuits.values()
    ]
    return say("production.kwh-per-tonne.about", bands=say("list").join(bands))


def _totals(panels: Panels) -> Builder[Panel]:
    """Return a row per unit with what it brought and took over the time shown."""
    brought = f'{_TONNES} AS "tonnes", {_ATTAINED} AS "attained", {_USED} AS "used"'
    asks = (
        Ask(figures(brought, STATE_HOURS)),
        Ask(_ENERGY(name="energy", by=UNIT)),
        Ask(_FUEL(name="fuel", by=UNIT)),
    )
    columns = (
        Column(name="unit", word="column.unit", to_unit=True),
        Column(name="tonnes", word="column.tonnes", unit="t", decimals=0),
        Column(
            name="attained",
            word="column.attained",
            unit="%",
            decimals=0,
            coloured=True,
            limits=((None, RED), (75, ORANGE), (85, "text")),
        ),
        Column(name="used", word="column.used", unit="%", decimals=0),
        Column(name="energy", word="column.energy", unit="kW.h", decimals=0),
        Column(name="kwh_per_t", word="column.energy-per-tonne", unit="kW.h/t", decimals=1),
        Column(name="fuel", word="column.fuel", unit="L", decimals=0),
        Column(name="l_per_t", word="column.fuel-per-tonne", unit="L/t", decimals=2),
    )
    ratios = (divided("energy", "tonnes", "kwh_per_t"), divided("fuel", "tonnes", "l_per_t"))
    return rows_of(panels, "totals", *asks, columns=columns, before=ratios, width=FULL, height=9)


BOARD: Final = Board(name="production", rows=_rows, time_from="now-30d", refresh="15m")
