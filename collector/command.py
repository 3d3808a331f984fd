"""``orewatch collector``: collect, or send a projection back to an earlier position."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from collector.collector import Collector
from collector.data_dir import DataDirInUseError
from collector.letters import show_letters
from collector.settings import PREFIX, CollectorSettings
from orewatch import logs
from orewatch.settings import read_settings
from orewatch.storage.journal import JournalError

if TYPE_CHECKING:
    import argparse

FAILED = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``collector`` command."""
    parser = subparsers.add_parser(
        "collector",
        help="keep what units send in the journal and project it into the stores",
        description=f"Settings: a TOML file and {PREFIX}* variables over it.",
    )
    parser.add_argument("--config", type=Path, help="TOML file of settings")
    parser.add_argument("--check", action="store_true", help="check the settings and stop")
    parser.add_argument("--reproject", metavar="NAME", help="write a store again from the journal: embedded, influxdb")
    parser.add_argument(
        "--from-position", type=int, default=0, metavar="N", help="with --reproject: behind this position (default 0)"
    )
    parser.add_argument(
        "--dead-letters",
        nargs="?",
        type=int,
        const=20,
        metavar="N",
        help="list the newest N (default 20) of what could not be accepted, and why; beside a running collector too",
    )
    logs.add_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    settings = read_settings(CollectorSettings, file=arguments.config, prefix=PREFIX, environ=os.environ)
    if arguments.check:
        print("collector: settings are sound")  # noqa: T201 - for people
        return 0
    if arguments.dead_letters is not None:
        return show_letters(settings.journal_path, arguments.dead_letters)
    logs.begin("collector", asked=arguments.log_format, hide=settings)
    try:
        collector = Collector(settings=settings, now_ms=now_ms)
    except (JournalError, OSError) as error:
        print(f"orewatch collector: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED
    if arguments.reproject is not None:
        return _reproject(collector, arguments.reproject, arguments.from_position)
    try:
        asyncio.run(_collect(collector))
    except DataDirInUseError as error:
        print(f"orewatch collector: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED
    return 0


def now_ms() -> int:
    """Return the time: this is the composition root."""
    return time.time_ns() // 1_000_000


async def _collect(collector: Collector) -> None:
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    def stop() -> None:
        stopping.add(loop.create_task(collector.stop(), name="stop"))

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    await collector.run()
    await asyncio.gather(*stopping)


def _reproject(collector: Collector, name: str, position: int) -> int:
    """Set a projection's position; a running collector follows at once, otherwise the next one does."""
    found = [p for p in collector.projectors if p.name == name or p.name.startswith(f"{name}-")]
    try:
        if not found:
            known = ", ".join(p.name for p in collector.projectors) or "none"
            print(f"orewatch collector: no projection {name!r}; there are: {known}", file=sys.stderr)  # noqa: T201
            return FAILED
        newest = collector.journal.newest_position()
        if not 0 <= position <= newest:
            print(f"orewatch collector: position {position}; allowed: 0 to {newest}", file=sys.stderr)  # noqa: T201
            return FAILED
        found[0].restart(position)
        print(f"{found[0].name}: begins again behind position {position} of {newest}")  # noqa: T201 - for people
        return 0
    finally:
        collector.close()
