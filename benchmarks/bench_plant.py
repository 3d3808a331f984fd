"""What states cost: a live tick over many units, and a unit's day at 1 Hz."""

from __future__ import annotations

import statistics
import time
from dataclasses import fields, replace

import numpy as np

from benchmarks.result import Result, at_most, stated
from orewatch.plant.catalogue import SignalRef
from orewatch.plant.classifier import Classifier, classify
from orewatch.plant.evidence import Evidence
from orewatch.plant.evidence_history import Readings, evidence_from_series
from orewatch.plant.evidence_live import HeldReadings
from orewatch.plant.unit import Unit, unit_from_circuit

START = 1_795_392_000_000
DAY_S = 86_400


def measure() -> list[Result]:
    unit = unit_from_circuit(unit_id="pb-01", circuit="lead", site="Nakhlak", province="Isfahan", model="OW-6")
    tick, evidence, all_change = _live(unit, 1000)
    wide, _, _ = _live(unit, 10_000)
    day, noisy = _day(unit, noise=0.3), _day(unit, noise=3.0)
    return [
        at_most("classifier tick, 1,000 units", tick, "ms", 20),
        stated("classifier tick, 1,000 units, all of them changing at once", all_change, "ms"),
        stated("live evidence, 1,000 units", evidence, "ms"),
        stated("classifier tick, 10,000 units", wide, "ms"),
        at_most("unit-day at 1 Hz, evidence and states", day, "ms", 100),
        at_most("unit-day at 1 Hz, flow crossing its limits all day", noisy, "ms", 100),
    ]


def _live(unit: Unit, count: int) -> tuple[float, float, float]:
    """Return ms: median tick, median building of evidence, and the tick in which every unit changes."""
    units = [replace(unit, id=f"unit-{number}") for number in range(count)]
    held = HeldReadings(units=units)
    classifier = Classifier(units=units, start_ms=START)
    running = _values(unit)
    rng = np.random.default_rng(7)
    ticks, builds, slowest = [], [], 0.0
    for second in range(45):
        now = START + 1000 * second
        for one in units:
            held.hear(one.id, now)
            held.put(one.id, unit.roles.flow, now, float(rng.normal(unit.nameplate_tph, 0.5)))
            if second == 0:
                for ref, value in running.items():
                    held.put(one.id, ref, now, value)
        begin = time.perf_counter()
        evidence = held.evidence(now)
        built = time.perf_counter()
        changes = classifier.step(evidence)
        done = time.perf_counter()
        builds.append(built - begin)
        ticks.append(done - built)
        if len(changes) == count:
            slowest = max(slowest, done - built)
    return 1000 * statistics.median(ticks), 1000 * statistics.median(builds), 1000 * slowest


def _values(unit: Unit) -> dict[SignalRef, float]:
    roles = unit.roles
    off = {*roles.plugged, *roles.tripped}
    values = {ref: 0.0 if ref in off else 1.0 for ref in roles.refs() if ref != roles.flow}
    values[roles.main] = 0.9 * roles.full_load
    values[SignalRef("genset", "engine_speed")] = 1500.0
    if roles.hopper:
        values[roles.hopper] = 50.0
    return values


def _day(unit: Unit, *, noise: float) -> float:
    """Return ms for a day of complete scans, best of three: a run of hours with stops, and noise in t/h."""
    rng = np.random.default_rng(11)
    at = START + 1000 * np.arange(DAY_S, dtype=np.int64)
    works = (np.arange(DAY_S) // 3000) % 5 != 0
    series: dict[SignalRef, Readings] = {}
    for ref, value in _values(unit).items():
        every = round(unit.signal(ref).rate_s)
        series[ref] = (at[::every], np.full(len(at[::every]), value))
    main = unit.roles.main
    every = round(unit.signal(main).rate_s)
    load = np.where(works, 0.9 * unit.roles.full_load, unit.roles.no_load)[::every]
    series[main] = (at[::every], load + rng.normal(0, 0.3, len(load)))
    flow = np.where(works, 0.9 * unit.nameplate_tph, 0.0) if noise < 1 else np.full(DAY_S, 0.6)
    series[unit.roles.flow] = (at, flow + rng.normal(0, noise, DAY_S))
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        evidence = evidence_from_series(unit, series, START, START + 1000 * DAY_S)
        intervals = classify(unit, evidence)
        best = min(best, time.perf_counter() - begin)
        assert intervals
        assert all(len(getattr(evidence, f.name)) == DAY_S for f in fields(Evidence))
    return 1000 * best


if __name__ == "__main__":
    for result in measure():
        print(f"{result.name}: {result.value:.3g} {result.unit} (target {result.target})")
