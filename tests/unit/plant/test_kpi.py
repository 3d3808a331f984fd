"""Figures, their errors, and where there are none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.plant.kpi import NoFigure, TwoProduct, between_failures_h, dry_tonnes, specific, two_product

ASSAY = st.floats(0.001, 80)


def test_two_product_of_the_textbook() -> None:
    balance = two_product(1, 10, 0.2)
    assert isinstance(balance, TwoProduct)
    assert balance.yield_pct == pytest.approx(8.163, abs=1e-3)
    assert balance.recovery_pct == pytest.approx(81.63, abs=1e-2)
    assert balance.ratio == pytest.approx(12.25)
    assert balance.enrichment == pytest.approx(10)


def test_the_error_of_a_recovery() -> None:
    good = two_product(5, 50, 0.8)
    assert isinstance(good, TwoProduct)
    assert good.recovery_pct == pytest.approx(85.4, abs=0.05)
    assert good.sigma_recovery == pytest.approx(0.7, abs=0.05)
    assert two_product(25, 35, 20) is NoFigure.SIGMA
    told = two_product(25, 35, 20, sigma=(0.1, 0.1, 0.1))
    assert isinstance(told, TwoProduct)
    assert told.recovery_pct == pytest.approx(46.7, abs=0.05)


@pytest.mark.parametrize("assays", [(0, 10, 0), (5, 5, 1), (5, 10, 5), (5, 10, 6), (12, 10, 1), (5, 10, -1)])
def test_only_a_separation_has_a_balance(assays: tuple[float, float, float]) -> None:
    assert two_product(*assays) is NoFigure.ORDER


def test_what_is_not_finite_has_none() -> None:
    assert two_product(math.nan, 10, 1) is NoFigure.NOT_FINITE
    assert dry_tonnes(math.inf, 5) is NoFigure.NOT_FINITE
    assert specific(math.nan, 5, nameplate_tph=1) is NoFigure.NOT_FINITE


@given(ASSAY, ASSAY, ASSAY)
def test_a_balance_closes_or_is_withheld(f: float, c: float, t: float) -> None:
    balance = two_product(f, c, t)
    if isinstance(balance, NoFigure):
        assert balance is NoFigure.SIGMA or not c > f > t
        return
    assert 0 < balance.recovery_pct < 100 + 1e-9
    share = balance.yield_pct / 100
    assert share * c + (1 - share) * t == pytest.approx(f)


def test_dry_tonnes() -> None:
    assert dry_tonnes(200, 6.5) == pytest.approx(187)
    assert dry_tonnes(200, 100) is NoFigure.MOISTURE
    assert dry_tonnes(200, -1) is NoFigure.MOISTURE


def test_specific_figures_need_tonnes() -> None:
    assert specific(60, 2, nameplate_tph=10) == pytest.approx(30)
    assert specific(60, 1.99, nameplate_tph=10) is NoFigure.TOO_LITTLE


def test_no_failure_no_mean() -> None:
    assert between_failures_h(100, 4) == 25
    assert between_failures_h(100, 0) is NoFigure.NO_FAILURES
