"""What our edge node declares in its births: the node's own metrics, and one device per machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.edge_node import MetricDeclaration
from orewatch.telemetry.node_metrics import (
    ACKNOWLEDGED,
    BLOCK,
    DEPTH,
    DESCRIPTION,
    DROPPED,
    RESEND,
    SCHEMAS,
    SPOOL,
    WATCHED,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.plant.unit import Unit


_NODE: Final = {
    DESCRIPTION: DataType.STRING,
    BLOCK: DataType.BYTES,
    SCHEMAS: DataType.STRING,
    SPOOL: DataType.STRING,
    DEPTH: DataType.INT64,
    DROPPED: DataType.INT64,
    RESEND: DataType.STRING,
    ACKNOWLEDGED: DataType.STRING,
    WATCHED: DataType.INT64,
}
_OF_BLOCKS: Final = {BLOCK, SCHEMAS, SPOOL, RESEND, ACKNOWLEDGED}
_WRITABLE: Final = {RESEND, ACKNOWLEDGED, WATCHED}


def alias_names(unit: Unit) -> list[str]:
    """Return a name for every metric that has an alias: the node's own, then ``machine/signal``."""
    return [*_NODE, *(f"{ref.machine}/{ref.signal}" for ref, _ in unit.signals())]


def node_metrics(aliases: Mapping[str, int], *, blocks: bool = True) -> list[MetricDeclaration]:
    """Return the node's own metrics.

    Without ``blocks`` nothing is declared of them: a collector that saw them declared would wait for blocks
    and record nothing else.
    """
    return [
        MetricDeclaration(
            name=name, datatype=datatype, alias=aliases[name], writable=name in _WRITABLE, births_null=name == BLOCK
        )
        for name, datatype in _NODE.items()
        if blocks or name not in _OF_BLOCKS
    ]


def device_metrics(unit: Unit, aliases: Mapping[str, int]) -> dict[str, list[MetricDeclaration]]:
    """Return every machine's signals as a device's metrics."""
    return {
        machine.id: [
            MetricDeclaration(
                name=signal.name,
                datatype=DataType.BOOLEAN if signal.kind is SignalKind.DIGITAL else DataType.DOUBLE,
                alias=aliases[f"{machine.id}/{signal.name}"],
                properties={"engUnit": signal.unit, "engLow": signal.low, "engHigh": signal.high},
            )
            for signal in machine.signals.values()
        ]
        for machine in unit.machines.values()
    }
