"""The PLC of a simulated unit: a real Modbus TCP server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge_agent.sources.registers import RegisterType, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge_agent.sources.registers import RegisterSpec
    from orewatch.plant.catalogue import SignalRef

WORD_BITS: Final = 16

# Function codes that read, by the table they read; everything else writes, and this PLC takes no orders.
_READS: Final = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT}


class ModbusPlantServer:
    """A Modbus TCP server that shows a plant's signals; an async context manager.

    ``port`` 0 takes a free one and tells it after :meth:`start`. Entries that no signal uses, up to the
    last used one of each table, read as 0.
    """

    def __init__(
        self, *, registers: Sequence[RegisterSpec], host: str = "127.0.0.1", port: int = 0, device_id: int = 1
    ) -> None:
        self.host = host
        self.port = port
        self._device_id = device_id
        self._registers = tuple(registers)
        self._where: dict[SignalRef, RegisterSpec] = {r.ref: r for r in registers}
        sizes = dict.fromkeys(Table, 1)
        for r in registers:
            sizes[r.table] = max(sizes[r.table], r.address + r.type.words)
        # Bits are kept in words of sixteen, lowest first, as the server library does.
        self._banks = {t: [0] * (-(-n // WORD_BITS) if t.bits else n) for t, n in sizes.items()}
        self._sizes = sizes
        self._broken: dict[Table, set[int]] = {}
        self._answering = asyncio.Event()
        self._answering.set()
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen; OSError where the port is taken. After :meth:`stop` the same port is taken again."""
        if self._server is not None:
            return
        server = ModbusTcpServer([self._device(), _nobody()], address=(self.host, self.port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            # The library reports a port in use as a RuntimeError and logs the cause.
            raise OSError(f"Modbus server: cannot listen on {self.host}:{self.port}; is the port in use?") from error
        self._server = server
        listening = server.transport
        if isinstance(listening, asyncio.Server):
            self.port = int(listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close all connections and refuse new ones: the PLC is gone."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.shutdown()  # type: ignore[no-untyped-call]
            # Connections are closed by the loop in its next turns.
            await asyncio.sleep(0)

    def update(self, values: Mapping[SignalRef, float]) -> None:
        """Show new values; signals without a register are passed over. RegisterError where one does not fit."""
        banks = self._banks
        for ref, value in values.items():
            r = self._where.get(ref)
            if r is None:
                continue
            bank = banks[r.table]
            if r.type is RegisterType.BOOL:
                _put_bit(bank, r.address // WORD_BITS, r.address % WORD_BITS, value)
            elif r.type is RegisterType.BIT:
                _put_bit(bank, r.address, r.bit, value)
            else:
                bank[r.address : r.address + r.type.words] = r.encode(value)

    def break_registers(self, refs: Iterable[SignalRef]) -> None:
        """Answer requests that touch these signals with an exception; none: all is well again.

        For coils and discrete inputs a request touches whole groups of sixteen from its address on.
        """
        self._broken = {}
        for ref in refs:
            r = self._where[ref]
            self._broken.setdefault(r.table, set()).update(range(r.address, r.address + r.type.words))

    def hang(self, on: bool) -> None:
        """Keep connections but answer nothing while ``on``."""
        if on:
            self._answering.clear()
        else:
            self._answering.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _device(self) -> SimDevice:
        def block(table: Table) -> list[SimData]:
            if table.bits:
                return [SimData(0, values=[False] * self._sizes[table], datatype=DataType.BITS)]
            return [SimData(0, values=list(self._banks[table]), datatype=DataType.REGISTERS)]

        tables = (Table.COIL, Table.DISCRETE, Table.HOLDING, Table.INPUT)
        coils, discretes, holdings, inputs = map(block, tables)
        return SimDevice(self._device_id, simdata=(coils, discretes, holdings, inputs), action=self._answer)

    async def _answer(
        self,
        function_code: int,
        _start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        await self._answering.wait()
        table = _READS.get(function_code)
        if table is None or set_values is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        touched = range(address, address + (count * WORD_BITS if table.bits else count))
        if not self._broken.get(table, frozenset()).isdisjoint(touched):
            return ExcCodes.DEVICE_FAILURE
        bank = self._banks[table]
        current_registers[: len(bank)] = bank
        return None


def _nobody() -> SimDevice:
    """Answer for every other device id, as a gateway does; the library would log a traceback."""

    async def refuse(*_: object) -> ExcCodes:
        return ExcCodes.GATEWAY_NO_RESPONSE

    return SimDevice(0, simdata=[SimData(0, count=256, values=0, datatype=DataType.REGISTERS)], action=refuse)


def _put_bit(bank: list[int], word: int, bit: int, value: float) -> None:
    if value:
        bank[word] |= 1 << bit
    else:
        bank[word] &= ~(1 << bit)
