"""Modbus TCP and RTU: registers read in batches, each signal at its own rate.

A register that the device refuses is a BAD sample and nothing more. A device that does not answer
is a lost link: closed, and tried again after a growing wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge_agent.sources.registers import Batch, Table, batches
from edge_agent.sources.source import Sample
from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from pymodbus.pdu import ModbusPDU

    from edge_agent.settings import ModbusSettings
    from edge_agent.sources.registers import RegisterSpec
    from orewatch.plant.catalogue import SignalRef

log = logging.getLogger(__name__)

BACK_OFF_S: Final = (1.0, 30.0)
"""First and longest wait before a lost device is tried again."""
SPLIT_FOR_S: Final = 60.0
"""How long batches stay split after the device refused one."""

# Modbus exception codes.
_OF_ONE_REGISTER: Final = (2, 3, 4)
"""Illegal address, illegal value, device failure: others of the same request may be well."""
_GATEWAY: Final = (10, 11)


class LinkLostError(Exception):
    """The device does not answer; worth trying again."""


class _Reads(Protocol):
    def __call__(self, address: int, *, count: int, device_id: int) -> Awaitable[ModbusPDU]: ...


class ModbusSource:
    """One Modbus device.

    Args:
        settings: where it is and which registers it has.
        period_s: seconds between two reads, for each of its signals.
        monotonic: seconds of a clock that is never set.
    """

    def __init__(
        self,
        *,
        settings: ModbusSettings,
        period_s: Mapping[SignalRef, float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.name
        self.down = False
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._registers = tuple(r.spec() for r in settings.register_)
        self.machines = frozenset(r.machine for r in self._registers)
        self._monotonic = monotonic
        self._periods: dict[float, list[RegisterSpec]] = {}
        for register in self._registers:
            self._periods.setdefault(period_s[register.ref], []).append(register)
        self._last_ms: dict[float, int] = {}
        self._plans: dict[tuple[float, ...], list[Batch]] = {}
        self._split_until = 0.0
        self._refused_told: set[Batch] = set()
        self._wait_s = BACK_OFF_S[0]
        self._try_at = 0.0
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None

    async def read(self, now_ms: int) -> Sequence[Sample]:
        """Return the samples of every register that is due; see :class:`edge_agent.sources.source.Source`."""
        due = tuple(p for p in self._periods if self._is_due(p, now_ms))
        if not due or (self.down and self._monotonic() < self._try_at):
            return ()
        try:
            client = await self._connected()
            samples = []
            for batch in list(self._plan(due)):
                samples += await self._read_batch(client, batch, now_ms)
        except (LinkLostError, ModbusException, OSError) as error:
            return self._lost(error, now_ms)
        if self.down:
            log.info("%s: answers again", self.name)
        self.down = False
        self._wait_s = BACK_OFF_S[0]
        self._last_ms.update(dict.fromkeys(due, now_ms))
        return samples

    async def close(self) -> None:
        """Close the link."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _is_due(self, period: float, now_ms: int) -> bool:
        last = self._last_ms.get(period)
        if last is None:
            return True
        # A tick comes a little early or late; a clock set back makes everything due.
        slack = min(250.0, period * 250)
        return not 0 <= now_ms - last < period * 1000 - slack

    def _plan(self, due: tuple[float, ...]) -> list[Batch]:
        if self._split_until and self._monotonic() > self._split_until:
            self._plans.clear()
            self._split_until = 0.0
        if due not in self._plans:
            registers = [r for p in due for r in self._periods[p]]
            self._plans[due] = batches(registers, gap=self._settings.gap)
        return self._plans[due]

    async def _connected(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        if self._client is not None and self._client.connected:
            return self._client
        await self.close()
        self._client = client = self._new_client()
        async with asyncio.timeout(self._settings.timeout_s * 3):
            if not await client.connect():
                raise LinkLostError("no connection")
        return client

    def _new_client(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        s = self._settings
        # We wait and reconnect ourselves: the library's own reconnection would go on behind a closed source.
        if s.transport == "rtu":
            return AsyncModbusSerialClient(
                str(s.serial_port),
                baudrate=s.baudrate,
                parity=s.parity,
                stopbits=s.stopbits,
                timeout=s.timeout_s,
                retries=1,
                reconnect_delay=0,
            )
        return AsyncModbusTcpClient(s.host, port=s.port, timeout=s.timeout_s, retries=1, reconnect_delay=0)

    async def _read_batch(
        self, client: AsyncModbusTcpClient | AsyncModbusSerialClient, batch: Batch, now_ms: int
    ) -> list[Sample]:
        reads: dict[Table, _Reads] = {
            Table.HOLDING: client.read_holding_registers,
            Table.INPUT: client.read_input_registers,
            Table.COIL: client.read_coils,
            Table.DISCRETE: client.read_discrete_inputs,
        }
        pdu = await reads[batch.table](batch.address, count=batch.count, device_id=self._settings.device_id)
        if pdu.isError():
            return await self._refused(client, batch, pdu.exception_code, now_ms)
        words: Sequence[int] = pdu.bits if batch.table.bits else pdu.registers
        if len(words) < batch.count:
            self.counters["short_answer"] += 1
            return _bad(batch.registers, now_ms)
        samples = []
        for register in batch.registers:
            at = register.address - batch.address
            value = register.decode(words[at : at + register.type.words])
            samples.append(Sample(register.ref, value, Quality.GOOD, now_ms))
        return samples

    async def _refused(
        self, client: AsyncModbusTcpClient | AsyncModbusSerialClient, batch: Batch, code: int, now_ms: int
    ) -> list[Sample]:
        """Find the register that is refused: the others of its batch are well."""
        if code in _GATEWAY:
            raise LinkLostError(f"the gateway cannot reach device {self._settings.device_id} (exception {code})")
        self.counters[f"exception_{code}"] += 1
        if len(batch.registers) == 1 or code not in _OF_ONE_REGISTER:
            if batch not in self._refused_told:
                self._refused_told.add(batch)
                names = ", ".join(str(r.ref) for r in batch.registers)
                log.warning("%s: the device refuses %s (exception %d)", self.name, names, code)
            return _bad(batch.registers, now_ms)
        half = len(batch.registers) // 2
        parts = [p for r in (batch.registers[:half], batch.registers[half:]) for p in batches(r, gap=0)]
        self._split_until = self._monotonic() + SPLIT_FOR_S
        for plan in self._plans.values():
            if batch in plan:
                plan[plan.index(batch) : plan.index(batch) + 1] = parts
        return [s for part in parts for s in await self._read_batch(client, part, now_ms)]

    def _lost(self, error: Exception, now_ms: int) -> Sequence[Sample]:
        first = not self.down
        self.down = True
        self.counters["link_lost"] += 1
        self._try_at = self._monotonic() + self._wait_s
        self._wait_s = min(BACK_OFF_S[1], self._wait_s * 2)
        # Everything is due at once when it is back.
        self._last_ms.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        if not first:
            return ()
        log.warning("%s: link lost: %s", self.name, error or type(error).__name__)
        return _bad(self._registers, now_ms)


def _bad(registers: Sequence[RegisterSpec], now_ms: int) -> list[Sample]:
    return [Sample(r.ref, None, Quality.BAD, now_ms) for r in registers]
