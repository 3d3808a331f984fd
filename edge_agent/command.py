"""``orewatch agent``: run one unit's agent, or only check its file."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.agent import Agent
from edge_agent.settings import read_agent_settings
from edge_agent.spool_file import SpoolError
from edge_agent.uplink import read_password
from orewatch import logs
from orewatch.settings import SettingsError
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    import argparse

FAILED: Final = 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("agent", help="read a unit's machines and send what they say")
    parser.add_argument("--config", type=Path, required=True, metavar="UNIT.TOML", help="the unit's file")
    parser.add_argument("--check", action="store_true", help="check the file, say what it describes, start nothing")
    parser.add_argument("--verbose", action="store_true", help="say more of what happens")
    logs.add_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; :class:`SettingsError` where the file is wrong."""
    settings = read_agent_settings(arguments.config, environ=os.environ)
    logs.begin(
        "agent",
        asked=arguments.log_format,
        level=logging.INFO if arguments.verbose else logging.WARNING,
        hide=[password for uplink in settings.uplink if (password := read_password(uplink))],
    )
    # Each lost link is told once by us; the library tells every attempt.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    try:
        agent = Agent(settings=settings)
    except SettingsError as error:
        told = [f"{arguments.config}: {p.removeprefix('settings: ')}" for p in error.problems]
        raise SettingsError(told) from error
    if arguments.check:
        schema = schema_of(agent.unit)
        columns = sum(len(g.columns) for g in schema.groups)
        fed = len(settings.fed())
        say(f"{arguments.config}: well. Unit {agent.unit.id}: {len(agent.unit.machines)} machines, {columns} signals,")
        say(f"{fed} of them read from {len(settings.source)} source(s), sent over {len(settings.uplink)} uplink(s).")
        return 0
    try:
        asyncio.run(_until_told(agent))
    except SpoolError as error:
        print(f"orewatch agent: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED
    return 0


async def _until_told(agent: Agent) -> None:
    task = asyncio.create_task(agent.run(), name="agent")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise


def say(text: str) -> None:
    """Print a line for people."""
    print(text)  # noqa: T201 - the command line speaks
