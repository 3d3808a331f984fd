"""A cut link drops what is connected and refuses the rest until it is healed."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from orewatch.demo.link import Link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        await closed(writer)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    try:
        return await asyncio.wait_for(reader.read(100), 5)
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_a_link_relays_until_cut_and_again_when_healed() -> None:
    async with echo_server() as port, Link(broker_port=port) as link:
        assert await answer(link.port) == b"hello"
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"x")
        assert await asyncio.wait_for(reader.read(1), 5) == b"x"
        link.set_up(False)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(_until_closed(reader), 5)
        await closed(writer)
        with pytest.raises(OSError, match="reset"):
            await _until_refused(link.port)
        link.set_up(True)
        assert await answer(link.port) == b"hello"


async def _until_closed(reader: asyncio.StreamReader) -> None:
    if await reader.read(1) == b"":
        raise ConnectionResetError


async def _until_refused(port: int) -> None:
    if await answer(port) == b"":
        raise ConnectionResetError("reset")


async def test_a_broker_that_is_not_there_closes_the_connection() -> None:
    async with echo_server() as port:
        pass
    async with Link(broker_port=port) as link:
        with pytest.raises(OSError, match="reset"):
            await _until_refused(link.port)
