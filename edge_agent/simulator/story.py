"""What happens to the demo's four units, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO_SEED: Final = 7
"""The seed whose day ends with one unit idle and one underperforming. Any other seed gives an ordinary day."""


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """At ``at_s`` seconds after the beginning, scenario ``name`` goes on or off."""

    at_s: float
    name: str
    on: bool = True
    parameters: Mapping[str, float] = field(default_factory=dict)


def demo_story(unit_id: str, *, seed: int = DEMO_SEED, seconds: int = 86_400) -> tuple[StoryEvent, ...]:
    """Return the events of a day that ends after ``seconds``, in order of time."""
    raise NotImplementedError
