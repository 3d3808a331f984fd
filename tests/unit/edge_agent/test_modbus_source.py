from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.settings import ModbusSettings
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.sources import modbus
from edge_agent.sources.modbus import ModbusSource
from edge_agent.sources.registers import RegisterSpec, RegisterType, Table
from orewatch.plant.catalogue import SignalRef
from orewatch.telemetry.scan import Quality

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from edge_agent.sources.source import Sample

T0 = 1_700_000_000_000
REGISTERS: list[dict[str, Any]] = [
    {"machine": "jaw", "signal": "current", "address": 10, "type": "int16", "scale": 0.1},
    {"machine": "jaw", "signal": "temperature", "address": 12, "type": "float32", "word_order": "little"},
    {"machine": "scale", "signal": "total", "address": 20, "type": "uint32", "scale": 0.001},
    {"machine": "jaw", "signal": "running", "table": "discrete", "address": 3, "type": "bool"},
    {"machine": "jaw", "signal": "tripped", "table": "input", "address": 1, "type": "bit", "bit": 5},
]
VALUES = {
    SignalRef("jaw", "current"): 63.2,
    SignalRef("jaw", "temperature"): 51.25,
    SignalRef("scale", "total"): 1234.567,
    SignalRef("jaw", "running"): 1.0,
    SignalRef("jaw", "tripped"): 1.0,
}
PERIOD_S = dict.fromkeys(VALUES, 1.0) | {SignalRef("scale", "total"): 10.0}


class Clock:
    """A monotonic clock that stands until it is told."""

    s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture(autouse=True)
def _quiet_library() -> None:
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


@pytest.fixture
async def plc() -> AsyncIterator[ModbusPlantServer]:
    specs = [
        RegisterSpec(**{**r, "table": Table(r.get("table", "holding")), "type": RegisterType(r["type"])})
        if "word_order" not in r
        else _settings(0).register_[1].spec()
        for r in REGISTERS
    ]
    async with ModbusPlantServer(registers=specs) as server:
        server.update(VALUES)
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _settings(port: int, **more: Any) -> ModbusSettings:
    table = {"kind": "modbus", "port": port or 502, "timeout_s": 0.3, "register": REGISTERS, **more}
    return ModbusSettings.model_validate(table)


@pytest.fixture
async def source(plc: ModbusPlantServer, clock: Clock) -> AsyncIterator[ModbusSource]:
    out = ModbusSource(settings=_settings(plc.port), period_s=PERIOD_S, monotonic=clock)
    yield out
    await out.close()


def _good(samples: Sequence[Sample]) -> dict[SignalRef, float | None]:
    return {s.ref: s.value for s in samples if s.quality is Quality.GOOD}


async def test_every_signal_is_read_and_scaled(source: ModbusSource) -> None:
    samples = await source.read(T0)
    assert _good(samples) == VALUES
    assert {s.time_ms for s in samples} == {T0}
    assert source.machines == {"jaw", "scale"}


async def test_each_signal_comes_at_its_own_rate(source: ModbusSource) -> None:
    counts = dict.fromkeys(VALUES, 0)
    for second in range(20):
        # Ticks are never exact.
        for sample in await source.read(T0 + 1000 * second + (17 if second % 3 else 0)):
            counts[sample.ref] += 1
    assert counts == dict.fromkeys(VALUES, 20) | {SignalRef("scale", "total"): 2}


async def test_a_clock_set_back_or_forth_does_not_stop_the_reading(source: ModbusSource) -> None:
    for now_ms in (T0, T0 - 3_600_000, T0 - 3_599_000, T0 + 10**9):
        assert await source.read(now_ms)


async def test_a_bad_register_is_bad_and_its_neighbours_are_well(
    source: ModbusSource, plc: ModbusPlantServer, clock: Clock
) -> None:
    plc.break_registers([SignalRef("jaw", "temperature")])
    for second in range(3):
        samples = await source.read(T0 + 10_000 * second)
        assert _good(samples) == {k: v for k, v in VALUES.items() if k != SignalRef("jaw", "temperature")}
        bad = [s for s in samples if s.quality is Quality.BAD]
        assert [(s.ref, s.value) for s in bad] == [(SignalRef("jaw", "temperature"), None)]
    assert not source.down
    assert source.counters["exception_4"] >= 3
    # Mended, it is read again, and after a while in one request with the others.
    plc.break_registers([])
    assert _good(await source.read(T0 + 50_000)) == VALUES
    clock.s += modbus.SPLIT_FOR_S + 1
    assert _good(await source.read(T0 + 60_000)) == VALUES
    assert len(source._plan((1.0, 10.0))) == 3


async def test_a_device_that_is_gone_is_bad_once_and_tried_again_after_a_growing_wait(
    source: ModbusSource, plc: ModbusPlantServer, clock: Clock
) -> None:
    await source.read(T0)
    await plc.stop()
    lost = await source.read(T0 + 1000)
    assert {(s.ref, s.quality) for s in lost} == {(ref, Quality.BAD) for ref in VALUES}
    assert source.down
    assert await source.read(T0 + 2000) == ()
    attempts = []
    for second in range(60):
        before = source.counters["link_lost"]
        clock.s += 1
        assert await source.read(T0 + 3000 + 1000 * second) == ()
        if source.counters["link_lost"] > before:
            attempts.append(second)
    assert attempts in ([0, 2, 6, 14, 30], [0, 2, 6, 14, 30, 60])
    await plc.start()
    clock.s += 60
    assert _good(await source.read(T0 + 90_000)) == VALUES
    assert not source.down


async def test_a_device_that_hangs_is_lost_within_the_timeout(source: ModbusSource, plc: ModbusPlantServer) -> None:
    await source.read(T0)
    plc.hang(True)
    async with asyncio.timeout(2):
        assert all(s.quality is Quality.BAD for s in await source.read(T0 + 1000))
    assert source.down
    plc.hang(False)


async def test_a_device_behind_a_gateway_that_does_not_answer_is_a_lost_link(
    plc: ModbusPlantServer, clock: Clock
) -> None:
    source = ModbusSource(settings=_settings(plc.port, device_id=9), period_s=PERIOD_S, monotonic=clock)
    assert all(s.quality is Quality.BAD for s in await source.read(T0))
    assert source.down
    await source.close()


async def test_a_port_nobody_listens_on(clock: Clock) -> None:
    source = ModbusSource(settings=_settings(1), period_s=PERIOD_S, monotonic=clock)
    assert len(await source.read(T0)) == len(VALUES)
    assert (source.down, source.counters["link_lost"]) == (True, 1)
    await source.close()


async def test_a_refusal_without_end_is_told_once(
    source: ModbusSource, plc: ModbusPlantServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Such as a code that no specification knows: not of one register, so nothing is split and tried.
    monkeypatch.setattr(modbus, "_OF_ONE_REGISTER", ())
    plc.break_registers([SignalRef("jaw", "temperature")])
    for second in range(5):
        await source.read(T0 + 10_000 * second)
    assert sum("refuses" in r.getMessage() for r in caplog.records) == 1
