"""The PLC of a simulated unit: a real Modbus TCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge_agent.sources.registers import RegisterSpec
    from orewatch.plant.catalogue import SignalRef


class ModbusPlantServer:
    """A Modbus TCP server that shows a plant's signals; an async context manager.

    ``port`` 0 takes a free one and tells it after :meth:`start`.
    """

    host: str
    port: int

    def __init__(
        self, *, registers: Sequence[RegisterSpec], host: str = "127.0.0.1", port: int = 0, device_id: int = 1
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Listen; OSError where the port is taken. After :meth:`stop` the same port is taken again."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Close all connections and refuse new ones: the PLC is gone."""
        raise NotImplementedError

    def update(self, values: Mapping[SignalRef, float]) -> None:
        """Show new values; signals without a register are passed over."""
        raise NotImplementedError

    def break_registers(self, refs: Iterable[SignalRef]) -> None:
        """Answer requests that touch these signals with an exception; none: all is well again."""
        raise NotImplementedError

    def hang(self, on: bool) -> None:
        """Keep connections but answer nothing while ``on``."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(self, *_: object) -> None:
        raise NotImplementedError
