"""Figures people judge a process by. Where one cannot be known, nothing is returned, and the reason; never a clip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

MAX_SIGMA_RECOVERY = 5.0  # points
MIN_SHARE_OF_NAMEPLATE = 0.2


class NoFigure(StrEnum):
    """Why there is no figure."""

    NOT_FINITE = "not_finite"
    ORDER = "order"  # only c > f > t >= 0 is a separation
    SIGMA = "sigma"  # the error would be larger than what is worth knowing
    TOO_LITTLE = "too_little"  # less than an hour at 20 % of nameplate
    MOISTURE = "moisture"  # outside 0..100 %
    NO_FAILURES = "no_failures"


@dataclass(frozen=True, slots=True)
class TwoProduct:
    """A balance of feed, concentrate and tailings: per cent, but ``ratio`` K and ``enrichment`` plain."""

    yield_pct: float
    recovery_pct: float
    sigma_recovery: float
    ratio: float
    enrichment: float


def dry_tonnes(wet: float, moisture_pct: float) -> float | NoFigure:
    """Return dry tonnes of ``wet`` with moisture in % of wet mass."""
    if not (math.isfinite(wet) and math.isfinite(moisture_pct)):
        return NoFigure.NOT_FINITE
    if not 0 <= moisture_pct < 100:  # noqa: PLR2004 - per cent
        return NoFigure.MOISTURE
    return wet * (1 - moisture_pct / 100)


def two_product(
    feed: float, concentrate: float, tailings: float, *, sigma: tuple[float, float, float] | None = None
) -> TwoProduct | NoFigure:
    """Return yield and recovery from assays of one element, dry basis, one period (all in one unit).

    ``sigma``: errors of the three assays, default 3 % of each. One concentrate only: with two (Pb and Zn) this
    formula is invalid. Withheld where the error of the recovery exceeds 5 points.
    """
    f, c, t = feed, concentrate, tailings
    if not all(map(math.isfinite, (f, c, t))):
        return NoFigure.NOT_FINITE
    if not c > f > t >= 0:
        return NoFigure.ORDER
    sf, sc, st = sigma or (0.03 * f, 0.03 * c, 0.03 * t)
    share = (f - t) / (c - t)
    recovery = share * c / f
    by_f = c * t / (f**2 * (c - t))
    by_c = -t * (f - t) / (f * (c - t) ** 2)
    by_t = -c * (c - f) / (f * (c - t) ** 2)
    error = 100 * math.hypot(by_f * sf, by_c * sc, by_t * st)
    if not error <= MAX_SIGMA_RECOVERY:
        return NoFigure.SIGMA
    return TwoProduct(100 * share, 100 * recovery, error, 1 / share, c / f)


def specific(used: float, tonnes: float, *, nameplate_tph: float) -> float | NoFigure:
    """Return ``used`` (kW.h, L, m3) for each dry tonne; nothing below one hour's tonnes at 20 % of nameplate."""
    if not (math.isfinite(used) and math.isfinite(tonnes)):
        return NoFigure.NOT_FINITE
    if tonnes < MIN_SHARE_OF_NAMEPLATE * nameplate_tph:
        return NoFigure.TOO_LITTLE
    return used / tonnes


def between_failures_h(operating_h: float, failures: int) -> float | NoFigure:
    """Return the mean time between failures; with none there is no figure, only the hours of exposure."""
    return operating_h / failures if failures > 0 else NoFigure.NO_FAILURES
