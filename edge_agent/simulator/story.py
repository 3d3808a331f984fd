"""What happens to the demo's four units, as data."""

from __future__ import annotations

import random
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


@dataclass(frozen=True, slots=True)
class _Spell:
    """A scenario from ``before_end_s`` seconds before the end, for ``lasting_s`` (None: until after the end)."""

    before_end_s: float
    name: str
    lasting_s: float | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)


# Every spell that is not meant to stand at the end is over an hour and more before it.
_DEMO: Final[Mapping[str, tuple[_Spell, ...]]] = {
    # Runs well: a starved spell in the night, short stops, hard ore in the morning.
    "pb-01": (
        _Spell(70_000, "stop_feeder", 150),
        _Spell(56_000, "starve", 1_500),
        _Spell(40_000, "harder_ore", 7_200, {"factor": 1.12}),
        _Spell(21_000, "stop_feeder", 200),
    ),
    # Loses throughput for three hours, down to what the severe rule calls severe, and stays there.
    "zn-01": (
        _Spell(61_000, "stop_feeder", 180),
        _Spell(33_000, "block_chute", 240),
        _Spell(14_400, "throughput_loss", None, {"level": 0.69, "over_s": 3_600}),
    ),
    # The feeder stands since forty minutes; the crew switched the drives off; the engine runs.
    "mn-01": (
        _Spell(66_000, "stop_feeder", 1_200, {"drives_off_s": 420}),
        _Spell(30_000, "stop_feeder", 170),
        _Spell(2_400, "stop_feeder", None, {"drives_off_s": 420}),
    ),
    # Runs well: a warm bearing that was greased in time, a short blockage.
    "bx-01": (
        _Spell(75_000, "stop_feeder", 190),
        _Spell(47_000, "hot_bearing", 2_400, {"rise_k": 16.0, "time_constant_s": 600.0}),
        _Spell(18_000, "block_chute", 130),
    ),
}
QUIET_END_S: Final = 5_400
"""No ordinary spell begins within this time of the end."""


def demo_story(unit_id: str, *, seed: int = DEMO_SEED, seconds: int = 86_400) -> tuple[StoryEvent, ...]:
    """Return the events of a day that ends after ``seconds``, in order of time.

    With :data:`DEMO_SEED` the demo's units have their story. Other seeds and other units have an ordinary
    day: a few short stops, one starved spell, and nothing wrong at its end.
    """
    spells = _DEMO.get(unit_id) if seed == DEMO_SEED else None
    events: list[StoryEvent] = []
    for spell in spells or _ordinary(unit_id, seed, seconds):
        begin = seconds - spell.before_end_s
        end = None if spell.lasting_s is None else begin + spell.lasting_s
        # A short history begins in the midst of its day: what is over by then has not happened.
        if end is not None and end <= 0:
            continue
        events.append(StoryEvent(begin, spell.name, True, spell.parameters))
        if end is not None:
            events.append(StoryEvent(end, spell.name, False))
    return tuple(sorted(events, key=lambda event: event.at_s))


def _ordinary(unit_id: str, seed: int, seconds: int) -> list[_Spell]:
    if seconds <= 2 * QUIET_END_S:
        return []
    chance = random.Random(f"{seed} {unit_id}")  # noqa: S311 - an ordinary day, not a secret
    names = ["stop_feeder"] * chance.randint(2, 4) + ["starve"]
    chance.shuffle(names)
    # Each spell has its own part of the day, so that none begins within another.
    part = (seconds - QUIET_END_S) / len(names)
    out = []
    for number, name in enumerate(names):
        lasting = chance.uniform(1_100, 1_600) if name == "starve" else chance.uniform(80, 220)
        lasting = min(lasting, 0.5 * part)
        before_end = seconds - part * number - chance.uniform(0, part - lasting)
        out.append(_Spell(round(before_end), name, round(lasting)))
    return out
