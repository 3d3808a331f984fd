"""The worked example of ``docs/guides/wire.md``: three scans of one machine as a block."""

from __future__ import annotations

from typing import Final

import numpy as np

from orewatch.plant.catalogue import SignalKind
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.scan import Quality, Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema

SPOOL: Final = bytes.fromhex("4ce98ff485754f77aa0024967bf9f5c1")
FIRST_MS: Final = 1_795_428_000_000
SCHEMA: Final = Schema(
    (
        ScanGroup(
            "scale",
            "belt_scale",
            1.0,
            (Column("mass_flow", "t/h", 0.01), Column("running", "1", 1.0, SignalKind.DIGITAL)),
        ),
    )
)
SCANS: Final = Scans(
    0,
    np.array([FIRST_MS, FIRST_MS + 1000, FIRST_MS + 2000]),
    np.array([[753, 1], [755, 1], [0, 1]]),
    np.array([[Quality.GOOD, Quality.GOOD], [Quality.GOOD, Quality.GOOD], [Quality.BAD, Quality.GOOD]], np.uint8),
)


def example_block() -> bytes:
    """Return the example's bytes."""
    return encode_block(
        unit="zn-01",
        site="Angouran",
        province="Zanjan",
        mineral="zinc",
        spool=SPOOL,
        number=7,
        schema=SCHEMA,
        scans=[SCANS],
    )
