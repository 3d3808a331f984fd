"""What is usual: baselines, CUSUM, peers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from orewatch.plant.baseline import Baseline, Cusum, autocorrelation, behind_peers, cusum_limits, robust_z
from orewatch.plant.performance import WINDOW_MS

DAY = 86_400_000


def filled(count: int, *, seed: int = 1) -> Baseline:
    rng = np.random.default_rng(seed)
    baseline = Baseline()
    for number in range(count):
        baseline.add(number * WINDOW_MS, float(rng.normal(10, 0.5)), float(rng.normal(300, 5)))
    return baseline


def test_z_is_robust() -> None:
    assert robust_z(8.0, [10, 10.5, 9.5, 11, 9, 500], target_tph=10) == pytest.approx((8 - 10.25) / (1.4826 * 0.75))
    assert robust_z(9.0, [10.0] * 9, target_tph=10) == pytest.approx(-1 / (1.4826 * 0.2))


def test_a_baseline_learns_from_two_hundred_windows() -> None:
    assert filled(199).learning
    assert filled(199).z(8.0, target_tph=10) is None
    assert filled(199).usual() is None
    known = filled(200)
    z = known.z(8.0, target_tph=10)
    assert z is not None
    assert -5 < z < -3
    usual = known.usual()
    assert usual is not None
    assert usual[0] == pytest.approx(10, abs=0.2)
    assert usual[1] == pytest.approx(300, abs=2)


def test_a_baseline_takes_late_windows_once_and_forgets_after_fourteen_days() -> None:
    baseline = Baseline()
    baseline.add(2 * WINDOW_MS, 2.0)
    baseline.add(0, 0.0)
    baseline.add(WINDOW_MS, 1.0)
    baseline.add(WINDOW_MS, 1.5)
    assert list(baseline.tph) == [0.0, 1.5, 2.0]
    baseline.add(14 * DAY + WINDOW_MS, 3.0)
    assert list(baseline.tph) == [1.5, 2.0, 3.0]
    assert Baseline.from_dict(json.loads(json.dumps(baseline.to_dict()))).tph == baseline.tph
    with pytest.raises(ValueError, match="columns"):
        Baseline.from_dict({"start_ms": [1], "tph": [], "kw": []})
    with pytest.raises(ValueError, match="baseline"):
        Baseline.from_dict({})


def test_cusum_finds_a_small_loss_and_leaves_health_alone() -> None:
    rng = np.random.default_rng(3)
    healthy = Cusum(k=1.0, h=12.0)
    assert not any(healthy.take(float(z)) for z in rng.normal(0, 1, 2000))
    slow = Cusum(k=1.0, h=12.0)
    alarms = [slow.take(float(z)) for z in rng.normal(-2, 1, 40)]
    assert 6 <= alarms.index(True) <= 24


def test_limits_follow_the_autocorrelation() -> None:
    assert [cusum_limits(phi) for phi in (0, 0.3, 0.6, 0.9)] == [(0.5, 5), (1, 5), (1, 12), (1, 20)]


def test_autocorrelation_is_measured_between_neighbours_only() -> None:
    rng = np.random.default_rng(5)
    x = np.zeros(3000)
    for i in range(1, len(x)):
        x[i] = 0.6 * x[i - 1] + rng.normal()
    at = [i * WINDOW_MS for i in range(len(x))]
    assert autocorrelation(at, list(x)) == pytest.approx(0.6, abs=0.05)
    assert autocorrelation([2 * t for t in at], list(x)) == 0
    assert autocorrelation(at[:10], list(x[:10])) == 0
    assert autocorrelation(at, [1.0] * len(x)) == 0
    assert filled(400).phi() < 0.2


def test_peers_need_company() -> None:
    assert behind_peers(0.6, [0.9, 1.0, 1.0]) is None
    assert behind_peers(0.6, [0.9, 1.0, 1.0, 1.1]) is True
    assert behind_peers(0.95, [0.9, 1.0, 1.0, 1.1]) is False
