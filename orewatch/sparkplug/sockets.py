"""TCP and TLS connections, made without blocking the event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HANDSHAKE_STEP_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """TLS towards the broker. ``ca``: PEM file, None: the system's; ``certificate`` and ``key``: ours, both or none."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    check_hostname: bool = True

    def context(self) -> ssl.SSLContext:
        """Return the TLS context; OSError (ssl.SSLError) naming what cannot be read."""
        context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        context.check_hostname = self.check_hostname
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


async def open_socket(host: str, port: int, context: ssl.SSLContext | None) -> socket.socket:
    """Connect without blocking the event loop, and shake hands where ``context`` is given; OSError otherwise."""
    loop = asyncio.get_running_loop()
    errors: list[OSError] = []
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
            if context is None:
                return sock
            secure = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            await _handshake(secure)
        except OSError as error:
            errors.append(error)
            sock.close()
        except asyncio.CancelledError:
            sock.close()
            raise
        else:
            return secure
    raise errors[0] if errors else OSError(f"{host} has no address")


async def _handshake(sock: ssl.SSLSocket) -> None:
    done = False
    try:
        while not done:
            try:
                sock.do_handshake()
                done = True
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                await asyncio.sleep(_HANDSHAKE_STEP_S)
    finally:
        if not done:
            sock.close()
