"""The RTU line over a pair of pseudo-terminals, with the other end answering from the specification's frames."""

from __future__ import annotations

import asyncio
import os
import pty
import struct
import tty
from typing import TYPE_CHECKING

from edge_agent.settings import ModbusSettings
from edge_agent.sources.modbus import ModbusSource
from orewatch.plant.catalogue import SignalRef
from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_700_000_000_000
LEVEL = SignalRef("feeder", "level")
BROKEN = SignalRef("feeder", "speed")


def _crc(frame: bytes) -> bytes:
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def _requests(buffer: bytearray) -> Iterator[tuple[int, int, int, int]]:
    while len(buffer) >= 8:
        frame = bytes(buffer[:8])
        del buffer[:8]
        assert frame[6:] == _crc(frame[:6])
        yield struct.unpack(">BBHH", frame[:6])


class Slave:
    """A meter at address 7: register 5 holds 421; register 6 does not exist."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.silent = False
        self._buffer = bytearray()
        asyncio.get_running_loop().add_reader(self.master, self._answer)

    def _answer(self) -> None:
        self._buffer += os.read(self.master, 256)
        for device, function, address, count in _requests(self._buffer):
            if self.silent or device != 7:
                continue
            if address <= 6 < address + count:
                body = struct.pack(">BBB", 7, function | 0x80, 2)
            else:
                body = struct.pack(">BBB", 7, function, 2 * count) + struct.pack(f">{count}H", *[421] * count)
            os.write(self.master, body + _crc(body))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self._slave)


async def test_a_serial_line_is_read_and_its_silence_noticed() -> None:
    slave = Slave()
    settings = ModbusSettings.model_validate(
        {
            "kind": "modbus",
            "transport": "rtu",
            "serial_port": slave.path,
            "parity": "N",
            "device_id": 7,
            "timeout_s": 0.3,
            "register": [
                {"machine": "feeder", "signal": "level", "table": "input", "address": 5, "scale": 0.1},
                {"machine": "feeder", "signal": "speed", "table": "input", "address": 6, "scale": 0.1},
            ],
        }
    )
    source = ModbusSource(settings=settings, period_s={LEVEL: 1.0, BROKEN: 1.0})
    try:
        samples = {s.ref: s for s in await source.read(T0)}
        assert (samples[LEVEL].value, samples[LEVEL].quality) == (42.1, Quality.GOOD)
        assert (samples[BROKEN].value, samples[BROKEN].quality) == (None, Quality.BAD)
        assert source.counters["exception_2"] == 2
        slave.silent = True
        assert {s.quality for s in await source.read(T0 + 1000)} == {Quality.BAD}
        assert source.down
    finally:
        await source.close()
        await asyncio.sleep(0)
        slave.close()
