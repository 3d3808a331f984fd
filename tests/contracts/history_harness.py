"""What the contract of history stores is tested with: blocks made up here, and a store filled with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from orewatch.plant.catalogue import SignalRef
from orewatch.storage.projection import DecodedBlock
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Quality, Scans, physical
from orewatch.telemetry.schema import Column, ScanGroup, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orewatch.storage.query import HistoryStore

# A whole hour, so that windows of every step begin here.
START_MS = 1_795_363_200_000 // 3_600_000 * 3_600_000
SECOND_MS = 1000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000

CURRENT = SignalRef("jaw", "motor_current")
VIBRATION = SignalRef("jaw", "vibration")
TOTAL = SignalRef("scale", "total")
LEVEL = SignalRef("feeder", "level")
SPECTRUM = SignalRef("feeder", "lossless")

SCHEMA = Schema(
    (
        ScanGroup("jaw", "jaw_crusher", 1.0, (Column("motor_current", "%", 0.1), Column("vibration", "mm/s", 0.01))),
        ScanGroup("scale", "belt_scale", 10.0, (Column("total", "t", 0.001),)),
        ScanGroup("feeder", "feeder", 5.0, (Column("level", "%", 0.5), Column("lossless", "1", None))),
    )
)


@dataclass(frozen=True)
class Block:
    """A block as the collector has it: the bytes for the journal, and decoded for a projection."""

    data: bytes
    decoded: DecodedBlock


def block(
    number: int,
    *scans: Scans,
    unit: str = "pb-01",
    schema: Schema = SCHEMA,
    site: str = "Nakhlak",
    province: str = "Isfahan",
    mineral: str = "lead",
    spool: bytes = b"s" * 16,
) -> Block:
    data = encode_block(
        unit=unit, site=site, province=province, mineral=mineral, spool=spool, number=number, schema=schema, scans=scans
    )
    return Block(data, DecodedBlock(read_header(data), schema, decode_block(data, schema)))


def jaw(start_ms: int, seconds: int, *, seed: int = 1, quality: Sequence[Sequence[int]] | None = None) -> Scans:
    """Return ``seconds`` scans of the jaw at 1 Hz, noisy."""
    steps = np.random.default_rng(seed).integers(-500, 900, (seconds, 2))
    time_ms = start_ms + SECOND_MS * np.arange(seconds)
    return Scans(0, time_ms, steps, None if quality is None else np.array(quality, np.uint8))


def one(group: int, time_ms: int, *steps: int) -> Scans:
    """Return a single scan."""
    return Scans(group, np.array([time_ms]), np.array([steps], np.int64))


@dataclass
class Expected:
    """What any store must answer, worked out by a dictionary."""

    values: dict[tuple[str, SignalRef], dict[int, float]] = field(default_factory=dict)

    def add(self, *blocks: Block) -> None:
        for unit, ref, time, value in (row for b in blocks for row in _rows(b.decoded)):
            self.values.setdefault((unit, ref), {})[time] = value

    def raw(self, unit: str, ref: SignalRef, start_ms: int, end_ms: int) -> list[tuple[int, float]]:
        rows = self.values.get((unit, ref), {})
        return sorted((t, v) for t, v in rows.items() if start_ms <= t < end_ms)

    def windows(self, unit: str, ref: SignalRef, start_ms: int, end_ms: int, step_ms: int) -> dict[int, list[float]]:
        """Return the values in each window, in order of time; the span is widened to whole windows."""
        found: dict[int, list[float]] = {}
        widened = (start_ms // step_ms * step_ms, -(-end_ms // step_ms) * step_ms)
        for time, value in self.raw(unit, ref, *widened):
            found.setdefault(time // step_ms * step_ms, []).append(value)
        return found


def _rows(decoded: DecodedBlock) -> Iterator[tuple[str, SignalRef, int, float]]:
    for scans in decoded.scans:
        group = decoded.schema.groups[scans.group]
        values = physical(group, scans.steps)
        for row, time in enumerate(scans.time_ms.tolist()):
            for column, ref in enumerate(group.refs()):
                good = scans.quality is None or scans.quality[row, column] == Quality.GOOD
                if good and np.isfinite(values[row, column]):
                    yield decoded.header.unit, ref, time, float(values[row, column])


class Filled(Protocol):
    """A store and the way blocks get into it."""

    store: HistoryStore

    def write(self, *blocks: Block) -> None:
        """Bring blocks into the store, as the collector does, rollups included."""
