from __future__ import annotations

import math

import numpy as np
import pytest

from edge_agent.conditioning import Conditioner
from edge_agent.sources.source import Sample
from orewatch.plant.catalogue import SignalRef
from orewatch.telemetry.scan import Quality
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.unit.edge_agent.edge_parts import T0

SCHEMA = Schema(
    (
        ScanGroup("jaw", "jaw_crusher", 1.0, (Column("a", "%", 0.1), Column("b", "1", 1.0))),
        ScanGroup("mill", "ball_mill", 1.0, (Column("raw", "1", None),)),
    )
)
A, B, RAW = SignalRef("jaw", "a"), SignalRef("jaw", "b"), SignalRef("mill", "raw")


def _good(ref: SignalRef, value: float, time_ms: int = T0) -> Sample:
    return Sample(ref, value, Quality.GOOD, time_ms)


def test_samples_of_an_instant_become_one_scan_per_group() -> None:
    jaw, mill = Conditioner(SCHEMA).scans([_good(A, 12.34), _good(RAW, 0.1), _good(B, 1)])
    assert (jaw.group, jaw.time_ms.tolist(), jaw.steps.tolist(), jaw.quality) == (0, [T0], [[123, 1]], None)
    assert mill.steps.view(np.float64).tolist() == [[0.1]]


def test_what_was_not_read_is_absent_and_what_is_no_number_is_bad() -> None:
    (jaw,) = Conditioner(SCHEMA).scans([_good(A, 5.0)])
    assert jaw.quality is not None
    assert jaw.quality.tolist() == [[Quality.GOOD, Quality.ABSENT]]
    assert jaw.steps.tolist() == [[50, 0]]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_impossible_numbers_are_bad(value: float) -> None:
    conditioner = Conditioner(SCHEMA)
    (jaw,) = conditioner.scans([_good(A, value), _good(B, 1)])
    assert jaw.quality is not None
    assert jaw.quality.tolist() == [[Quality.BAD, Quality.GOOD]]
    assert jaw.steps.tolist() == [[0, 1]]


def test_bad_samples_stay_bad_whatever_their_value() -> None:
    (jaw,) = Conditioner(SCHEMA).scans([Sample(A, None, Quality.BAD, T0), Sample(B, 7.0, Quality.BAD, T0)])
    assert jaw.quality is not None
    assert jaw.quality.tolist() == [[Quality.BAD, Quality.BAD]]
    assert jaw.steps.tolist() == [[0, 0]]


def test_several_instants_come_in_order_of_time() -> None:
    (jaw,) = Conditioner(SCHEMA).scans([_good(A, 2, T0 + 5), _good(B, 0, T0), _good(A, 1, T0)])
    assert jaw.time_ms.tolist() == [T0, T0 + 5]
    assert jaw.steps.tolist() == [[10, 0], [20, 0]]
    assert jaw.quality is not None
    assert jaw.quality.tolist() == [[0, 0], [0, Quality.ABSENT]]


def test_signals_nobody_knows_are_counted() -> None:
    conditioner = Conditioner(SCHEMA)
    assert conditioner.scans([_good(SignalRef("moon", "phase"), 1.0)]) == []
    assert conditioner.counters == {"unknown_signal": 1}
