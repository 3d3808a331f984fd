"""The catalogue's limits as thresholds, and in words: panels of one signal of one machine class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.influxql import Ask
from dashboards.panels import HALF
from dashboards.queries import MACHINE, raw, series
from dashboards.states import ORANGE, RED, UNSEEN
from orewatch.plant.catalogue import SignalKind, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Panel

    from dashboards.language import Words
    from dashboards.panels import Panels, Step
    from orewatch.plant.catalogue import Signal


def signal_lines(panels: Panels, cls: str, name: str, *, width: int = HALF, height: int = 8) -> Builder[Panel]:
    """Return the trend of a signal in all machines of its class, with the limits that hold for all of them."""
    say = panels.words
    kind = catalogue().classes[cls]
    signal = kind.signals[name]
    return panels.lines(
        f"signal.{cls}.{name}",
        Ask(series(f'mean("{name}")', raw(cls), by=MACHINE), "$tag_unit $tag_machine"),
        unit=signal.unit,
        width=width,
        height=height,
        # Twice the time between scans: a scan a little late must not tear the line.
        interval=f"{round(2 * signal.rate_s)}s",
        limits=steps_of(signal),
        title=say("signal-of", machine=kind.title[say.language], signal=say(f"signal.{name}")),
        about=in_words(say, signal),
    )


def steps_of(signal: Signal) -> list[Step]:
    """Return a signal's absolute limits as thresholds, lowest first; empty where it has none."""
    low: list[Step] = []
    if signal.trip_low is not None:
        low.append((signal.trip_low, RED))
    if signal.warn_low is not None:
        low.append((signal.warn_low, ORANGE))
    # A threshold colours what lies above it, so each low limit's colour starts at the one below.
    bounds = [None, *(value for value, _ in low)]
    steps: list[Step] = [*zip(bounds, [*(colour for _, colour in low), UNSEEN], strict=True)]
    if signal.warn is not None:
        steps.append((signal.warn, ORANGE))
    if signal.trip is not None:
        steps.append((signal.trip, RED))
    return steps if len(steps) > 1 else []


def in_words(say: Words, signal: Signal) -> str:
    """Return a signal's limits as a sentence: absolute ones with their unit, ratios with what they refer to."""
    unit = say(f"ucum.{signal.unit}")
    absolute = [
        say(f"limit.{name}", value=f"{say.number(value)} {unit}".strip())
        for name in ("warn", "trip", "warn_low", "trip_low")
        if (value := getattr(signal, name)) is not None
    ]
    ratios = [
        say(f"limit.{name}", value=say("limit.times", value=say.number(value)))
        for name, value in (
            ("warn", signal.warn_ratio),
            ("trip", signal.trip_ratio),
            ("warn_low", signal.warn_ratio_low),
        )
        if value is not None
    ]
    if absolute:
        return say("limit.absolute", limits=say("limit.and").join(absolute))
    if ratios:
        key = "limit.of-baseline" if signal.baseline else "limit.of-setpoint"
        return say(key, limits=say("limit.and").join(ratios))
    return say("limit.none")


def high_limits() -> Iterator[tuple[str, str, str, float]]:
    """Yield (class, signal, ``warn`` or ``trip``, limit) for every absolute high limit of the catalogue.

    Low limits are left out: a machine that stands is below every one of them, and nothing is wrong with it.
    """
    for cls in catalogue().classes.values():
        for signal in cls.signals.values():
            for level in ("warn", "trip"):
                limit = getattr(signal, level)
                if signal.kind is SignalKind.ANALOG and limit is not None:
                    yield cls.name, signal.name, level, limit
