"""What only people know of a unit, as the deciding code asks for it: stops, ore, moisture, targets, scale epochs.

Times are ms UTC; rates dry t/h. All of it is in force from its own time on, until the next of its kind.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from orewatch.plant.baseline import OreClass
from orewatch.plant.stop_codes import StopEffect

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR_MS = 3_600_000
ALWAYS_MS = 1 << 62
# Classes of moisture that rates may be compared within (% of wet mass): sticky ore runs slower than dry.
DAMP_PCT, WET_PCT = 5.0, 10.0

Span = tuple[int, int]


class Stop(NamedTuple):
    """A stop that an operator explained; ``end_ms`` None: until the unit runs again."""

    start_ms: int
    end_ms: int | None
    code: str
    effect: StopEffect

    def covers(self, at_ms: int) -> bool:
        """Say whether the stop is on at an instant."""
        return self.start_ms <= at_ms < (ALWAYS_MS if self.end_ms is None else self.end_ms)


class Ore(NamedTuple):
    """What the unit eats from ``start_ms`` on; ``moisture_pct`` of wet mass, 0 to below 100."""

    start_ms: int
    code: str
    moisture_pct: float

    @property
    def dry_share(self) -> float:
        """Dry tonnes in one wet tonne."""
        return 1 - self.moisture_pct / 100

    @property
    def kind(self) -> OreClass:
        """What its rates may be compared within."""
        moisture = self.moisture_pct
        return OreClass(self.code, "wet" if moisture >= WET_PCT else "damp" if moisture >= DAMP_PCT else "dry")


class Plan(NamedTuple):
    """What a shift ``[start_ms, end_ms)`` is to produce, dry tonnes; 0: it is not worked."""

    start_ms: int
    end_ms: int
    tonnes: float


class Target(NamedTuple):
    """Dry t/h expected from ``start_ms`` on, of one ore or, with ``ore`` None, of any."""

    start_ms: int
    tph: float
    ore: str | None


class Flags(NamedTuple):
    """What people say of an instant, as evidence takes it."""

    planned: bool = False
    coded: bool = False
    failed: bool = False
    scheduled: bool = True


UNTOLD = Flags()
_FLAG = {StopEffect.PLANNED: "planned", StopEffect.FAILURE: "failed", StopEffect.DELAY: "coded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInputs:
    """Everything people said of one unit; each sequence in order of time."""

    stops: tuple[Stop, ...] = ()
    plans: tuple[Plan, ...] = ()
    ores: tuple[Ore, ...] = ()
    targets: tuple[Target, ...] = ()
    epochs_ms: tuple[int, ...] = ()
    _edges: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        edges = {at for span in self.idle_shifts for at in span}
        edges |= {at for s in self.stops for at in (s.start_ms, s.end_ms) if at is not None}
        object.__setattr__(self, "_edges", tuple(sorted(edges)))

    @property
    def idle_shifts(self) -> list[Span]:
        """The shifts that are not worked."""
        return [(plan.start_ms, plan.end_ms) for plan in self.plans if plan.tonnes == 0]

    def planned_t(self, start_ms: int) -> float | None:
        """Return what the shift that begins at ``start_ms`` is to produce, dry tonnes; None where nobody planned it."""
        return next((plan.tonnes for plan in self.plans if plan.start_ms == start_ms), None)

    def stop_at(self, at_ms: int) -> Stop | None:
        """Return the stop that is on at an instant: of several, the last that began."""
        place = bisect_right(self.stops, at_ms, key=lambda stop: stop.start_ms)
        # A planned stop may have begun while an open one lasted; further back none can reach.
        return next((s for s in reversed(self.stops[max(0, place - 2) : place]) if s.covers(at_ms)), None)

    def stop_over(self, start_ms: int, end_ms: int) -> Stop | None:
        """Return the stop that covers most of ``[start_ms, end_ms)``; None where none touches it."""
        shared = [(min(end_ms, s.end_ms or ALWAYS_MS) - max(start_ms, s.start_ms), s) for s in self.stops]
        most = max(shared, key=lambda pair: pair[0], default=None)
        return most[1] if most is not None and most[0] > 0 else None

    def flags(self, at_ms: int) -> Flags:
        """Return what people say of an instant."""
        said = {_FLAG[s.effect]: True for s in self.stops if s.covers(at_ms)}
        return Flags(**said, scheduled=not any(a <= at_ms < b for a, b in self.idle_shifts))

    def flags_until(self, at_ms: int) -> int:
        """Return until when :meth:`flags` stay as they are at ``at_ms``."""
        place = bisect_right(self._edges, at_ms)
        return self._edges[place] if place < len(self._edges) else ALWAYS_MS

    def spans(self, effect: StopEffect) -> list[Span]:
        """Return the stops of one effect as spans; an open one never ends."""
        return [(s.start_ms, ALWAYS_MS if s.end_ms is None else s.end_ms) for s in self.stops if s.effect is effect]

    def ore_at(self, at_ms: int) -> Ore | None:
        """Return the ore in force; None before the first that was said."""
        place = bisect_right(self.ores, at_ms, key=lambda ore: ore.start_ms)
        return self.ores[place - 1] if place else None

    def dry_share(self, at_ms: int) -> float:
        """Return dry tonnes in one wet tonne; 1 where nobody said how moist the ore is."""
        ore = self.ore_at(at_ms)
        return 1.0 if ore is None else ore.dry_share

    def target_tph(self, at_ms: int, default: float) -> float:
        """Return the target in force: the latest for the ore that is fed, else the latest for any, else ``default``."""
        ore = self.ore_at(at_ms)
        known = [t for t in self.targets if t.start_ms <= at_ms]
        own = [t for t in known if ore is not None and t.ore == ore.code]
        suiting = own or [t for t in known if t.ore is None]
        return suiting[-1].tph if suiting else default

    def expected_t(self, start_ms: int, end_ms: int, default: float) -> float:
        """Return the tonnes that the targets in force ask for over a span; 0 where it is empty."""
        if end_ms <= start_ms:
            return 0.0
        steps = {at for at in (*self._starts(self.ores), *self._starts(self.targets)) if start_ms < at < end_ms}
        edges = sorted({start_ms, end_ms, *steps})
        return sum(self.target_tph(a, default) * (b - a) / HOUR_MS for a, b in pairwise(edges))

    @staticmethod
    def _starts(entries: Sequence[Ore | Target]) -> list[int]:
        return [entry.start_ms for entry in entries]


NOTHING_SAID = UnitInputs()


class SaidSpans(TypedDict):
    """What people said, as spans."""

    planned: Sequence[Span]
    coded: Sequence[Span]
    failed: Sequence[Span]
    unscheduled: Sequence[Span]


def spans_of(inputs: UnitInputs) -> SaidSpans:
    """Return what people said as the spans that evidence of history takes."""
    return {
        "planned": inputs.spans(StopEffect.PLANNED),
        "coded": inputs.spans(StopEffect.DELAY),
        "failed": inputs.spans(StopEffect.FAILURE),
        "unscheduled": inputs.idle_shifts,
    }


def nothing_said(_unit: str = "", _since_ms: int = 0) -> UnitInputs:
    """Return the inputs of a unit that nobody said anything of."""
    return NOTHING_SAID
