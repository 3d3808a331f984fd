"""Grafana dashboards as code: built here, kept as JSON beside, deployed by :mod:`dashboards.deploy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableOption, VariableRefresh, VariableSort

from dashboards import panels
from dashboards.influxql import DATASOURCE, register

OVERVIEW_UID: Final = "orewatch-overview"
GENERATED: Final = Path(__file__).with_name("generated")


def overview() -> Dashboard:
    """Return the fleet and unit overview."""
    built = (
        dashboard.Dashboard("orewatch: fleet and unit")
        .uid(OVERVIEW_UID)
        .tags(["orewatch"])
        .timezone("Asia/Tehran")
        .time("now-24h", "now")
        .refresh("30s")
        .editable()
        .with_variable(_unit())
        .with_row(dashboard.Row("Fleet"))
    )
    for panel in (
        panels.fleet_now(),
        panels.fleet_tonnes(),
        panels.fleet_flow(),
        panels.fleet_states(),
        panels.last_heard(),
        panels.alerts(),
    ):
        built.with_panel(panel)
    built.with_row(dashboard.Row("Unit $unit"))
    for panel in (
        panels.machine_states(),
        panels.trips(),
        panels.trend("Drive loads", "percent", "motor_current", "rake_torque"),
        panels.trend("Power", "kwatt", "power"),
        panels.trend(
            "Temperatures",
            "celsius",
            "bearing_temperature",
            "winding_temperature",
            "trunnion_temperature",
            "lube_temperature",
            "coolant_temperature",
        ),
        panels.trend("Vibration", "suffix: mm/s", "vibration"),
        panels.beyond_limits(),
        panels.not_good(),
    ):
        built.with_panel(panel)
    return _numbered(built.build())


def _numbered(built: Dashboard) -> Dashboard:
    """Give every panel a number of its own: the kit leaves rows at 0."""
    for number, panel in enumerate(built.panels, start=1):
        panel.id_val = number
    return built


def _unit() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("unit")
        .label("Unit")
        .datasource(DATASOURCE)
        .query('SHOW TAG VALUES FROM "belt_scale" WITH KEY = "unit"')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def dashboards() -> dict[str, Dashboard]:
    """Return every dashboard by the name of its file."""
    return {"overview": overview()}


def as_json(built: Dashboard) -> str:
    """Return a dashboard's JSON, the same for the same dashboard."""
    return json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_back(text: str) -> Dashboard:
    """Return the dashboard of its JSON, through the kit's own reader."""
    register_default_plugins()
    register()
    return Dashboard.from_json(json.loads(text))


def write(folder: Path = GENERATED) -> list[Path]:
    """Write every dashboard's JSON into ``folder`` and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, built in dashboards().items():
        file = folder / f"{name}.json"
        file.write_text(as_json(built), encoding="utf-8")
        files.append(file)
    return files
