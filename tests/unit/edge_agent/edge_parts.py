"""What the edge agent's tests are made of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_agent.spool import Spool
from orewatch.plant.catalogue import SignalKind, SignalRef
from orewatch.plant.unit import unit_from_circuit
from orewatch.telemetry.block import decode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from edge_agent.spool import SpooledBlock

UNIT = unit_from_circuit(unit_id="pb-01", circuit="lead", site="Nakhlak", province="Isfahan", model="M6")
SCHEMA = schema_of(UNIT)
T0 = 1_700_000_000_000

SMALL = Schema(
    (
        ScanGroup("jaw", "jaw_crusher", 1.0, (_c := Column("motor_current", "%", 0.1),)),
        ScanGroup("jaw", "jaw_crusher", 1.0, (Column("running", "1", 1.0, SignalKind.DIGITAL), _c)),
        ScanGroup("scale", "belt_scale", 1.0, (Column("total", "t", 0.001, SignalKind.TOTALISER),)),
    )
)
JAW = SignalRef("jaw", "motor_current")


def instant(time_ms: int, seed: int = 0, schema: Schema = SCHEMA) -> list[Scans]:
    """Scans of every group at one instant, noisy."""
    random = np.random.default_rng([seed, time_ms])
    return [
        Scans(number, np.array([time_ms]), random.integers(0, 1000, (1, len(group.columns))))
        for number, group in enumerate(schema.groups)
    ]


def stretch(start_ms: int, count: int, step_ms: int = 1000, schema: Schema = SCHEMA) -> list[Scans]:
    """Scans of every group over ``count`` instants, in one piece: noise, states that seldom change, growing totals."""
    random = np.random.default_rng(start_ms)
    times = start_ms + step_ms * np.arange(count)
    out = []
    for number, group in enumerate(schema.groups):
        steps = random.integers(0, 1000, (count, len(group.columns)))
        for column, spec in enumerate(group.columns):
            if spec.kind is SignalKind.DIGITAL:
                steps[:, column] = times // 600_000 % 2
            elif spec.kind is SignalKind.TOTALISER:
                steps[:, column] = times // 1000
        out.append(Scans(number, times, steps))
    return out


def opened(path: Path, **options: Any) -> Spool:
    return Spool.open(path, **{"unit": UNIT, "schema": SCHEMA, "synchronous": "NORMAL", **options})


def rows(scans: Iterable[Scans]) -> Counter[tuple[int, int, tuple[int, ...]]]:
    """Every scan as (group, time, steps), counted."""
    return Counter((s.group, int(t), tuple(v)) for s in scans for t, v in zip(s.time_ms, s.steps.tolist(), strict=True))


def rows_of(blocks: Sequence[SpooledBlock], schema: Schema = SCHEMA) -> Counter[tuple[int, int, tuple[int, ...]]]:
    for block in blocks:
        head = read_header(block.data)
        assert (head.number, head.first_ms, head.last_ms) == (block.number, block.first_ms, block.last_ms)
    return rows(s for b in blocks for s in decode_block(b.data, schema))
