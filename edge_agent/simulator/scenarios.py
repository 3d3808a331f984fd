"""What can be made to happen to a simulated unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


MOST: Final = 1e10
"""Beyond any parameter that means something; a clock may jump by three centuries."""


class ScenarioError(ValueError):
    """A scenario or one of its parameters is unknown; the message names it and what is allowed."""


class Where(StrEnum):
    """Which part of the chain a scenario touches."""

    PLANT = "plant"
    LINK = "link"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that can be made to happen.

    ``parameters`` maps each parameter to its default. ``lasting`` is False for what happens once.
    What happens to the link or the clock is not the plant's: whoever owns them gives :meth:`Plant.hook`
    a callback, and without one such a scenario is refused.
    """

    name: str
    title: str
    where: Where = Where.PLANT
    lasting: bool = True
    parameters: Mapping[str, float] = field(default_factory=dict)


_ALL: Final = (
    Scenario("starve", "no ore comes to the hopper"),
    Scenario("block_chute", "the crusher's discharge chute is plugged"),
    Scenario(
        "stop_feeder",
        "the feeder stands; after drives_off_s the crew stops the drives too (0: never)",
        parameters={"drives_off_s": 0.0},
    ),
    Scenario(
        "hot_bearing",
        "a crusher bearing runs hot: rise_k above normal in the end",
        parameters={"rise_k": 50.0, "time_constant_s": 90.0},
    ),
    Scenario(
        "throughput_loss",
        "throughput sinks to level (share of the set point) within over_s",
        parameters={"level": 0.7, "over_s": 3600.0},
    ),
    Scenario("harder_ore", "ore becomes harder by the factor", parameters={"factor": 1.25, "over_s": 300.0}),
    Scenario("cut_link", "the link to the broker is cut", Where.LINK),
    Scenario("jump_clock", "the edge's clock jumps by seconds", Where.CLOCK, parameters={"seconds": 7200.0}),
    Scenario("reset_totaliser", "the belt scale's totaliser is set to zero", lasting=False),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {s.name: s for s in _ALL}


def checked(name: str, parameters: Mapping[str, float]) -> dict[str, float]:
    """Return the scenario's parameters, defaults filled in; :class:`ScenarioError` for unknown names and values."""
    if name not in SCENARIOS:
        raise ScenarioError(f"scenario: {name!r} is unknown; allowed: {', '.join(SCENARIOS)}")
    known = SCENARIOS[name].parameters
    for key, value in parameters.items():
        if key not in known:
            raise ScenarioError(f"scenario {name}: unknown parameter {key!r}; allowed: {', '.join(known) or 'none'}")
        # A clock may jump back too; everything else is a length of time, a rise or a factor.
        lowest = -MOST if name == "jump_clock" else 0.0
        if not lowest <= value <= MOST:
            raise ScenarioError(f"scenario {name}: {key} = {value!r}; allowed: {lowest:g} to {MOST:g}")
    return {**known, **{k: float(v) for k, v in parameters.items()}}
