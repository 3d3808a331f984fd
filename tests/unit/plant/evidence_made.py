"""Evidence made for tests: a second of each kind, and random sequences of them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from orewatch.plant.evidence import Evidence, silence
from orewatch.plant.unit import Unit, unit_from_circuit

START = 1_795_392_000_000

RUNNING: dict[str, object] = {
    "heard": True,
    "clock_bad": False,
    "flow_pct": 90.0,
    "load_pct": 85.0,
    "effort_pct": 40.0,
    "hopper_pct": 50.0,
    "upstream": 1,
    "drives": 1,
    "plugged": 0,
    "tripped": 0,
    "energised": 1,
    "planned": False,
    "coded": False,
    "scheduled": True,
    "failed": False,
    "underperforming": 0,
}
KINDS: dict[str, dict[str, object]] = {
    "running": RUNNING,
    "silent": {**RUNNING, "heard": False},
    "unknown": {
        **RUNNING,
        **dict.fromkeys(("flow_pct", "load_pct", "effort_pct", "hopper_pct"), float("nan")),
        **dict.fromkeys(("upstream", "drives", "plugged", "tripped", "energised"), -1),
    },
    "idle": {**RUNNING, "flow_pct": 0.0, "load_pct": 0.0, "effort_pct": -60.0, "drives": 0},
    "starved": {**RUNNING, "flow_pct": 1.0, "effort_pct": 2.0, "upstream": 0},
    "blocked": {**RUNNING, "flow_pct": 0.5, "load_pct": 110.0, "plugged": 1},
    "off": {**RUNNING, "flow_pct": 0.0, "load_pct": 0.0, "effort_pct": -60.0, "drives": 0, "energised": 0},
    "tripped": {**RUNNING, "flow_pct": 0.0, "effort_pct": -60.0, "drives": 0, "tripped": 1},
    "slow": {**RUNNING, "flow_pct": 60.0, "underperforming": 1},
    "planned": {**RUNNING, "flow_pct": 0.0, "effort_pct": -60.0, "drives": 0, "planned": True},
    "between": {**RUNNING, "flow_pct": 7.0, "effort_pct": 20.0},
    "clock": {**RUNNING, "clock_bad": True},
}
KINDS["idle_silent"] = {**KINDS["idle"], "heard": False}
KINDS["unknown_silent"] = {**KINDS["unknown"], "heard": False}


def a_unit(unit_id: str = "pb-01", circuit: str = "lead") -> Unit:
    return unit_from_circuit(unit_id=unit_id, circuit=circuit, site="Nakhlak", province="Isfahan", model="OW-6")


def evidence_of(*spans: tuple[str, int], start_ms: int = START) -> Evidence:
    """Return evidence [T, 1] of spans (kind, seconds)."""
    total = sum(seconds for _, seconds in spans)
    made = silence(start_ms, total, 1)
    columns = {f.name: getattr(made, f.name).copy() for f in fields(made)}
    at = 0
    for kind, seconds in spans:
        for name, value in KINDS[kind].items():
            columns[name][at : at + seconds] = value
        at += seconds
    return Evidence(**columns)


def side_by_side(*units: Evidence) -> Evidence:
    """Return evidence [T, U] of several [T, 1] of the same seconds."""
    columns = {
        f.name: np.concatenate([getattr(u, f.name) for u in units], axis=1)
        for f in fields(Evidence)
        if f.name != "time_ms"
    }
    return Evidence(time_ms=units[0].time_ms, **columns)
