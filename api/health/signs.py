"""What is known of orewatch's own health at one look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orewatch.storage.vitals import SILENT_S

if TYPE_CHECKING:
    from orewatch.storage.disk import Room
    from orewatch.storage.vitals import Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSign:
    """Whether history can be asked for; ``up`` None: not tried yet. ``why``: the store's words."""

    up: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSign:
    """Letters that wait, and for how long the oldest has (s)."""

    waiting: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSign:
    """By how much most units' clocks are before ours (s; negative: behind); None: too few speak to tell.

    ``units``: how many were asked.
    """

    units_ahead_s: float | None = None
    units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorSign:
    """How late states and alerts reach the store that boards read (s); None before the first. ``owed``: what is due."""

    behind_s: float | None = None
    owed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Everything, as of ``now_ms`` (the wall clock).

    ``collector`` is None where none ever wrote here, ``collector_age_s`` how long ago its record last changed, by a
    clock that nobody sets, or else was first read; ``collector_heard`` says whether it has changed since we began to
    look. ``disk`` is that of the service's own files, None where it does not say. ``mirror`` is None where nothing
    is written for boards.
    """

    now_ms: int
    watching: bool
    caught_up: bool
    broker_connected: bool
    collector: Vitals | None = None
    collector_age_s: float | None = None
    collector_heard: bool = True
    store: StoreSign = StoreSign()
    disk: Room | None = None
    outbox: OutboxSign = OutboxSign()
    clock: ClockSign = ClockSign()
    mirror: MirrorSign | None = None

    @property
    def collector_speaks(self) -> bool | None:
        """What the collector says of itself is of now; None where a dead one would look the same as yet."""
        if self.collector_age_s is None or self.collector_age_s >= SILENT_S:
            return False
        return True if self.collector_heard else None
