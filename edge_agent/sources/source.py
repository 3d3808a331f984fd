"""What a source is: something that is read for samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from orewatch.plant.catalogue import SignalRef
    from orewatch.telemetry.scan import Quality


@dataclass(frozen=True, slots=True)
class Sample:
    """One signal as read: ``value`` in the signal's unit, None where there is none; ``time_ms`` by the edge's clock."""

    ref: SignalRef
    value: float | None
    quality: Quality
    time_ms: int


class Source(Protocol):
    """Something that is read for samples, and may lose its link.

    ``machines`` are those whose signals it brings; ``down`` is True while its link is lost;
    ``counters`` count what went wrong, by reason.
    """

    name: str
    machines: frozenset[str]
    down: bool
    counters: Counter[str]

    async def read(self, now_ms: int) -> Sequence[Sample]:
        """Return what is due now, never raising for a bad register (a BAD sample) or a lost link (``down``).

        When the link is lost, every signal is reported BAD once; after that nothing until it is back.
        """
        ...

    async def close(self) -> None:
        """Let go of the link."""
        ...
