"""The state classifier: evidence in, states out, the same live (second by second) and over history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.plant.evidence import Evidence
    from orewatch.plant.states import Change, Interval, Pending, Status
    from orewatch.plant.unit import Unit


class Classifier:
    """States of ``U`` units, advanced by evidence; everything it remembers goes through :meth:`to_dict`.

    Live: one second of many units a step. History: many seconds of one unit a step. Cutting the evidence
    elsewhere changes nothing. ``start_ms``: first second it knows of. ``keep_ms``: how long intervals stay.
    """

    def __init__(self, *, units: Sequence[Unit], start_ms: int, keep_ms: int = 26 * 3_600_000) -> None:
        raise NotImplementedError

    def add(self, unit: Unit, start_ms: int) -> int:
        """Add a unit, unknown before ``start_ms``, and return its number (the column of the evidence)."""
        raise NotImplementedError

    def step(self, evidence: Evidence) -> list[Change]:
        """Advance by ``T`` seconds; return what changed on display, in order of decision.

        Seconds that are missing since the last step count as silence. ValueError for evidence that goes
        back in time, is not in whole consecutive seconds, or is not of all units.
        """
        raise NotImplementedError

    def status(self, unit: int) -> Status:
        """Return what is shown of a unit now."""
        raise NotImplementedError

    def pendings(self, unit: int) -> list[Pending]:
        """Every state being counted towards, the nearest first."""
        raise NotImplementedError

    def intervals(self, unit: int, start_ms: int | None = None, end_ms: int | None = None) -> list[Interval]:
        """States of a unit, in order and without holes, cut to ``[start_ms, end_ms)``."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return everything remembered, JSON-able."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, units: Sequence[Unit], table: dict[str, Any]) -> Self:
        """Restore :meth:`to_dict`; units it does not hold begin unknown. ValueError where it is malformed."""
        raise NotImplementedError


def classify(unit: Unit, evidence: Evidence) -> list[Interval]:
    """Return the states of one unit over ``evidence`` [T, 1], nothing being known before."""
    raise NotImplementedError
