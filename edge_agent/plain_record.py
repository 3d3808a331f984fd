"""Blocks as ordinary historical metrics, for hosts that do not know blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.edge_node import Reading
from orewatch.telemetry.block import decode_block
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality, physical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orewatch.plant.unit import Unit
    from orewatch.telemetry.schema import Schema

MAX_READINGS: Final = 500
"""Readings per message: some 8 kB."""


def history(data: bytes, schema: Schema, unit: Unit) -> Iterator[tuple[str, list[Reading]]]:
    """Yield (machine, readings) of a block; signals that the unit no longer has are left out, and ABSENT values."""
    for scans in decode_block(data, schema):
        group = schema.groups[scans.group]
        machine = unit.machines.get(group.machine)
        if machine is None:
            continue
        values = physical(group, scans.steps).tolist()
        quality = None if scans.quality is None else scans.quality.tolist()
        columns = [
            (i, c.name, c.kind is SignalKind.DIGITAL) for i, c in enumerate(group.columns) if c.name in machine.signals
        ]
        readings: list[Reading] = []
        for row, time_ms in enumerate(scans.time_ms.tolist()):
            for i, name, digital in columns:
                q = Quality.GOOD if quality is None else Quality(quality[row][i])
                if q is Quality.ABSENT:
                    continue
                value = values[row][i] if q is Quality.GOOD else None
                out = bool(value) if digital and value is not None else value
                readings.append(Reading(name, out, time_ms, SPARKPLUG_QUALITY[q], is_historical=True))
            if len(readings) >= MAX_READINGS:
                yield group.machine, readings
                readings = []
        if readings:
            yield group.machine, readings
