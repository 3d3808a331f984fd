"""The simulated PLC, read over TCP by a client that knows nothing of our own encoding."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.registers import register_map
from edge_agent.simulator.server import ModbusPlantServer
from edge_agent.simulator.unit_files import demo_units
from edge_agent.sources.registers import Order, RegisterType, Table
from orewatch.plant.catalogue import SignalRef
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pymodbus.pdu import ModbusPDU

    from edge_agent.sources.registers import RegisterSpec
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
FLOW = SignalRef("scale", "mass_flow")
TYPES = {
    RegisterType.INT16: AsyncModbusTcpClient.DATATYPE.INT16,
    RegisterType.UINT16: AsyncModbusTcpClient.DATATYPE.UINT16,
    RegisterType.UINT32: AsyncModbusTcpClient.DATATYPE.UINT32,
    RegisterType.FLOAT32: AsyncModbusTcpClient.DATATYPE.FLOAT32,
}


async def connected(server: ModbusPlantServer, timeout_s: float = 2.0) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient(server.host, port=server.port, timeout=timeout_s, retries=0, reconnect_delay=0)
    assert await client.connect()
    return client


async def ask(client: AsyncModbusTcpClient, r: RegisterSpec, *, device_id: int = 1) -> ModbusPDU:
    read = {
        Table.COIL: client.read_coils,
        Table.DISCRETE: client.read_discrete_inputs,
        Table.HOLDING: client.read_holding_registers,
        Table.INPUT: client.read_input_registers,
    }[r.table]
    return await read(r.address, count=r.type.words, device_id=device_id)


def number(client: AsyncModbusTcpClient, r: RegisterSpec, answer: ModbusPDU) -> float:
    if r.type is RegisterType.BOOL:
        return float(answer.bits[0])
    words = list(answer.registers)
    if r.type is RegisterType.BIT:
        return float(words[0] >> r.bit & 1)
    if r.byte_order is Order.LITTLE:
        words = [int.from_bytes(word.to_bytes(2, "big"), "little") for word in words]
    raw = client.convert_from_registers(words, TYPES[r.type], word_order=r.word_order.value)
    assert isinstance(raw, (int, float))
    return raw * r.scale + r.offset


@pytest.fixture
async def server() -> AsyncIterator[ModbusPlantServer]:
    async with ModbusPlantServer(registers=register_map(UNITS["pb-01"])) as running:
        running.update({FLOW: 5.5})
        yield running


def place(ref: SignalRef, unit_id: str = "pb-01") -> RegisterSpec:
    return next(r for r in register_map(UNITS[unit_id]) if r.ref == ref)


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
async def test_every_signal_is_read_as_the_plant_shows_it(unit: Unit) -> None:
    plant = Plant(unit=unit, seed=9)
    plant.start("block_chute")
    for _ in range(60):
        plant.step()
    registers = register_map(unit)
    async with ModbusPlantServer(registers=registers) as server:
        for _ in range(2):
            plant.step()
            server.update(plant.read())
            client = await connected(server)
            for r in registers:
                answer = await ask(client, r)
                assert not answer.isError(), r
                resolution = unit.signal(r.ref).resolution or 1.0
                assert round(number(client, r, answer) / resolution) == round(plant.read()[r.ref] / resolution), r
            client.close()


async def test_unused_entries_between_machines_read_as_zero(server: ModbusPlantServer) -> None:
    client = await connected(server)
    answer = await client.read_input_registers(0, count=100, device_id=1)
    assert not answer.isError()
    assert answer.registers[place(FLOW).address] == 550
    assert sum(answer.registers) == 550
    client.close()


async def test_what_is_not_there_or_not_allowed_gets_an_exception(server: ModbusPlantServer) -> None:
    client = await connected(server)
    assert (await client.read_input_registers(9000, count=1, device_id=1)).isError()
    assert (await client.read_input_registers(0, count=1, device_id=7)).isError()
    assert (await client.write_register(0, 1, device_id=1)).exception_code == 1
    assert (await client.write_coil(0, True, device_id=1)).exception_code == 1
    assert number(client, place(FLOW), await ask(client, place(FLOW))) == pytest.approx(5.5)
    client.close()


async def test_broken_registers_fail_alone_and_are_mended(server: ModbusPlantServer) -> None:
    client = await connected(server)
    total, load = (place(SignalRef("scale", name)) for name in ("total", "belt_load"))
    server.break_registers([total.ref])
    answer = await ask(client, total)
    assert answer.isError()
    assert answer.exception_code == 4
    assert not (await ask(client, place(FLOW))).isError()
    together = await client.read_input_registers(load.address, count=4, device_id=1)
    assert together.isError()
    server.break_registers([place(SignalRef("mill", "running")).ref])
    assert not (await ask(client, total)).isError()
    assert (await ask(client, place(SignalRef("mill", "running")))).isError()
    server.break_registers([])
    assert not (await ask(client, place(SignalRef("mill", "running")))).isError()
    client.close()


async def test_a_plc_that_is_gone_refuses_and_comes_back_on_its_port(server: ModbusPlantServer) -> None:
    client = await connected(server)
    port = server.port
    await server.stop()
    with pytest.raises((ModbusException, OSError)):
        await ask(client, place(FLOW))
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(server.host, port)
    server.update({FLOW: 3.25})
    await server.start()
    assert server.port == port
    again = await connected(server)
    assert number(again, place(FLOW), await ask(again, place(FLOW))) == pytest.approx(3.25)
    client.close()
    again.close()


async def test_a_plc_that_hangs_answers_nothing_until_it_no_longer_does(server: ModbusPlantServer) -> None:
    client = await connected(server, timeout_s=0.2)
    server.hang(True)
    with pytest.raises(ModbusException):
        await ask(client, place(FLOW))
    client.close()
    server.hang(False)
    again = await connected(server)
    assert not (await ask(again, place(FLOW))).isError()
    again.close()


async def test_a_hanging_plc_can_be_stopped(server: ModbusPlantServer) -> None:
    client = await connected(server, timeout_s=0.2)
    server.hang(True)
    with pytest.raises(ModbusException):
        await ask(client, place(FLOW))
    await asyncio.wait_for(server.stop(), 2)
    client.close()


async def test_a_port_in_use_is_told(server: ModbusPlantServer) -> None:
    other = ModbusPlantServer(registers=register_map(UNITS["pb-01"]), port=server.port)
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{server.port}; is the port in use"):
        await other.start()


async def test_several_plcs_run_side_by_side() -> None:
    port = free_port()
    servers = [
        ModbusPlantServer(registers=register_map(u), port=port if i == 0 else 0) for i, u in enumerate(UNITS.values())
    ]
    for server in servers:
        await server.start()
    try:
        assert servers[0].port == port
        assert len({server.port for server in servers}) == len(servers)
    finally:
        for server in servers:
            await server.stop()


async def test_twenty_clients_are_answered(server: ModbusPlantServer) -> None:
    clients = [await connected(server) for _ in range(20)]
    answers = await asyncio.gather(*(ask(client, place(FLOW)) for client in clients))
    assert [answer.registers for answer in answers] == [[550]] * 20
    for client in clients:
        client.close()


async def test_bytes_that_are_no_modbus_do_no_harm(server: ModbusPlantServer) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" + bytes(range(256)) * 40)
    await writer.drain()
    writer.close()
    del reader
    client = await connected(server)
    assert not (await ask(client, place(FLOW))).isError()
    client.close()
