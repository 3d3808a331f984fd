"""``orewatch demo``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from edge_agent.simulator.story import DEMO_SEED
from edge_agent.simulator.unit_files import demo_units
from orewatch import logs
from orewatch.demo.ports import in_use

MAX_UNITS: Final = 100
"""More would only measure the embedded broker."""
HIGHEST_PORT: Final = 65_535


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("demo", help="four simulated units, live on this machine, in one process")
    parser.add_argument("--port", type=_port, default=8080, help="the pages' port on 127.0.0.1 (default 8080)")
    parser.add_argument("--data-dir", type=Path, default=Path("data/demo"), metavar="FOLDER", help="default data/demo")
    parser.add_argument("--no-seed", action="store_true", help="begin without a day of history")
    parser.add_argument("--units", type=_units, default=4, metavar="N", help="how many units (default 4)")
    parser.add_argument(
        "--seed", type=int, default=DEMO_SEED, help="another seed, another day: the two standing alerts are not set up"
    )
    logs.add_option(parser)
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; allowed: 0 (any free one) to {HIGHEST_PORT}")
    return int(text)


def _units(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_UNITS:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: 1 to {MAX_UNITS}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C; 0 after a clean stop."""
    logs.begin("demo", asked=arguments.log_format, level=logging.WARNING, line="%(levelname)s %(name)s: %(message)s")
    if arguments.port and in_use(arguments.port):
        print(  # noqa: T201 - for people
            f"orewatch demo: port {arguments.port} is in use; choose another with --port", file=sys.stderr
        )
        return 1
    try:
        return asyncio.run(_demo(arguments))
    except OSError as error:
        print(f"orewatch demo: {error}", file=sys.stderr)  # noqa: T201 - for people
        return 1


class Teller:
    """Tells people what happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        """Print one line."""
        print(f"  {time.monotonic() - self._began:5.1f} s  {line}", flush=True)  # noqa: T201 - for people


async def _demo(arguments: argparse.Namespace) -> int:
    # Imported here: the parser must not wait for FastAPI and numpy.
    from orewatch.demo.house import House  # noqa: PLC0415

    say = Teller()
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, until.set)
    units = demo_units(arguments.units)
    house = House(
        folder=arguments.data_dir,
        units=units,
        port=arguments.port,
        seed=arguments.seed,
        now_ms=lambda: time.time_ns() // 1_000_000,
        say=say,
    )
    arguments.data_dir.mkdir(parents=True, exist_ok=True)
    if not arguments.no_seed and not house.seeded:
        say(f"making a day of plant history for {len(units)} units (once; it stays in {arguments.data_dir})")
        seeding = asyncio.create_task(house.seed(), name="seeding")
        stopping = asyncio.create_task(until.wait(), name="until stopped")
        await asyncio.wait([seeding, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not seeding.done():
            seeding.cancel()
            say("stopped before the history was whole; it is made anew next time")
            return 130
        stopping.cancel()
        await seeding

    async def ready(address: str, broker_port: int) -> None:
        say(f"{len(units)} units, broker, collector and service are running")
        lines = [
            f"Open {address}",
            f"The messages: {Path(sys.argv[0]).parent / 'orewatch'} tap --port {broker_port}",
            "Ctrl-C stops it.",
        ]
        print("\n  " + "\n  ".join(lines) + "\n", flush=True)  # noqa: T201 - for people

    await house.run(until=until, ready=ready)
    say("stopped; the data stays in " + str(arguments.data_dir))
    return 0
