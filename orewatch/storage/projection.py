"""What a projection is: the journal's blocks, written into a store that people query.

The journal is the truth; a projection may be thrown away and written again from any position.
The collector drives it::

    journal --blocks after my position--> decode --> Projection.write --> position advances by `written`
    windows touched by those blocks --> roll up from the journal --> Projection.write_rollups
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from orewatch.telemetry.block import BlockHeader
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema


@dataclass(frozen=True, slots=True)
class DecodedBlock:
    """One block as the journal keeps it, decoded: who sent it, what its columns mean, its scans."""

    header: BlockHeader
    schema: Schema
    scans: Sequence[Scans]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupRows:
    """Rolled-up windows of one machine, to be written to ``<cls>_1m`` or ``<cls>_1h``.

    A window is named by its start: ``time_ms`` int64[n], multiples of ``step_ms`` (60_000 or 3_600_000).
    ``mean``, ``low``, ``high`` and ``last`` (the last one by event time) float64[n, k] in physical units and
    ``count`` int64[n, k] of GOOD values; k columns named ``names``. A column whose count is 0 in a window is left
    out there. Rows replace what the store holds for the same window.
    """

    unit: str
    site: str
    province: str
    mineral: str
    machine: str
    cls: str
    step_ms: int
    names: tuple[str, ...]
    time_ms: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]
    last: NDArray[np.float64]


class RejectedBy(StrEnum):
    """Why a store refused a block for good."""

    FIELD_TYPE = "field_type"
    RETENTION = "retention"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A block the store will never take: it is dead-lettered, and the ones behind it go on.

    ``detail`` is the store's own answer, shortened. What the store could keep of the block it has kept.
    """

    header: BlockHeader
    reason: RejectedBy
    detail: str


@dataclass(frozen=True, slots=True)
class RefusedRollups:
    """Windows the store will never take; the blocks behind them stay in the journal. ``detail``: its own words."""

    rows: RollupRows
    reason: RejectedBy
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOutcome:
    """How a write ended.

    ``written``: that many items from the front of the batch are finished, stored or in ``rejected``.
    ``retry``: the rest is to be handed over again, not before ``wait_s`` seconds (without end: a store
    that is down for a week loses nothing). ``detail`` says why, for the log and for people. ``refused``: windows
    that are not stored and never will be.
    """

    written: int
    retry: bool = False
    wait_s: float = 0.0
    rejected: tuple[Rejection, ...] = ()
    refused: tuple[RefusedRollups, ...] = ()
    detail: str = ""


class Projection(Protocol):
    """A store that journalled blocks are written into. Calls block: give each projection its own thread.

    Writing the same block again changes nothing. Neither method raises for a store that is down or
    refuses; that is an outcome.
    """

    @property
    def name(self) -> str:
        """The name under which the journal keeps this projection's position."""

    def write(self, blocks: Sequence[DecodedBlock]) -> WriteOutcome:
        """Write the scans of ``blocks``, in order."""

    def write_rollups(self, rows: Sequence[RollupRows]) -> WriteOutcome:
        """Write rolled-up windows; what is there for the same windows is replaced."""
