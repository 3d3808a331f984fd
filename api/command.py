"""``orewatch api``: the service as a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from api.app import create_app
from api.service import Service
from api.settings import ApiSettings
from api.stores import open_registry, open_store
from orewatch.settings import read_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

log = logging.getLogger(__name__)

PREFIX = "OREWATCH_API_"
GRACE_S = 3


class Server(uvicorn.Server):
    """uvicorn that ends the live streams first: they would never end by themselves."""

    def __init__(self, *, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order on a signal; uvicorn's own way would repeat it before the memory is kept."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """End the streams, then the rest."""
        self._service.stream.end()
        await super().shutdown(sockets)  # type: ignore[arg-type]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``orewatch api`` to the command line."""
    parser = subparsers.add_parser("api", help="serve pages, live values, history and alerts")
    parser.add_argument("--config", type=Path, help="TOML file; OREWATCH_API_* variables override it")
    parser.add_argument("--check", action="store_true", help="check the settings and stop")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped; 0 after a clean stop."""
    settings = read_settings(ApiSettings, file=arguments.config, prefix=PREFIX, environ=os.environ)
    if arguments.check:
        print("the settings are right")  # noqa: T201 - for people
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(serve(settings))


async def serve(settings: ApiSettings) -> int:
    """Open the stores, start the service, serve; 1 where the address cannot be had."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    registry = open_registry(settings)
    service = Service(settings=settings, store=open_store(settings), registry=registry, now_ms=wall_clock_ms)
    app = create_app(service=service)
    server = Server(config=server_config(app, settings.host, settings.port), service=service)
    await service.start()
    try:
        await server.serve()
    except SystemExit:
        print(f"orewatch: {settings.host}:{settings.port} cannot be listened on", file=sys.stderr)  # noqa: T201 - for people
        return 1
    finally:
        await service.stop()
        if registry is not None:
            registry.close()
    return 0


def server_config(app: object, host: str, port: int) -> uvicorn.Config:
    """Return how the application is served."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
    )


def wall_clock_ms() -> int:
    """Return the time, ms UTC."""
    return time.time_ns() // 1_000_000
