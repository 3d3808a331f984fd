"""``orewatch api``: the service as a process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from api.alerting.database import AlertDatabase
from api.app import create_app
from api.database import DatabaseFileError
from api.inputs.database import InputDatabase
from api.notify.sender import no_channels
from api.server import Server
from api.service import Service
from api.settings import ApiSettings
from api.stores import open_registry, open_store, open_target
from orewatch import logs
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    import argparse

PREFIX = "OREWATCH_API_"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``orewatch api`` to the command line."""
    parser = subparsers.add_parser("api", help="serve pages, live values, history and alerts")
    parser.add_argument("--config", type=Path, help="TOML file; OREWATCH_API_* variables override it")
    parser.add_argument("--check", action="store_true", help="check the settings and stop")
    logs.add_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped; 0 after a clean stop."""
    settings = read_settings(ApiSettings, file=arguments.config, prefix=PREFIX, environ=os.environ)
    _check(settings)
    if arguments.check:
        print("the settings are right")  # noqa: T201 - for people
        return 0
    logs.begin("api", asked=arguments.log_format, hide=settings)
    return asyncio.run(serve(settings))


def _check(settings: ApiSettings) -> None:
    """Look at what only this machine can tell; :class:`SettingsError`. URLs are secrets: only their place is told."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        AlertDatabase.open(settings.data_dir / "alerts.db").close()
        InputDatabase.open(settings.data_dir / "inputs.db").close()
    except (OSError, DatabaseFileError) as error:
        raise SettingsError(
            [f"data_dir = {str(settings.data_dir)!r}: {error}; allowed: a folder to write to"]
        ) from error
    if settings.notify and (wrong := no_channels([url.get_secret_value() for url in settings.notify])):
        places = ", ".join(map(str, wrong))
        raise SettingsError(
            [f"notify: number {places} is not an address that messages can go to; allowed: Apprise URLs"]
        )


async def serve(settings: ApiSettings) -> int:
    """Open the stores, start the service, serve; 1 where the address cannot be had."""
    registry = open_registry(settings)
    service = Service(
        settings=settings,
        store=open_store(settings),
        registry=registry,
        now_ms=wall_clock_ms,
        target=open_target(settings),
    )
    app = create_app(service=service)
    server = Server(app=app, service=service, host=settings.host, port=settings.port)
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


def wall_clock_ms() -> int:
    """Return the time, ms UTC."""
    return time.time_ns() // 1_000_000
