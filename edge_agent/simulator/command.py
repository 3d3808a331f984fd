"""``orewatch simulate``: plants behind Modbus TCP servers."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.simulator.plant import Plant
from edge_agent.simulator.running import RunningPlant, simulate
from edge_agent.simulator.scenarios import SCENARIOS, ScenarioError, Where
from edge_agent.simulator.story import DEMO_SEED
from edge_agent.simulator.unit_files import FIRST_PORT, demo_units, example_files
from orewatch import logs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

LAST_PORT = 65_535


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("simulate", help="run simulated plants behind Modbus TCP servers")
    parser.add_argument("--units", type=int, default=4, metavar="N", help="how many plants (default 4)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=FIRST_PORT, help=f"first PLC's port, the others follow (default {FIRST_PORT})"
    )
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="another seed, other plants")
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="UNIT:NAME",
        help=f"start with a scenario on; names: {', '.join(n for n, s in SCENARIOS.items() if s.where is Where.PLANT)}",
    )
    parser.add_argument("--write-units", type=Path, metavar="FOLDER", help="write the example agent files and end")
    logs.add_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the plants until stopped; the exit code."""
    if arguments.write_units is not None:
        arguments.write_units.mkdir(parents=True, exist_ok=True)
        for name, text in example_files().items():
            (arguments.write_units / name).write_text(text, encoding="utf-8")
        return 0
    last = LAST_PORT - max(arguments.units, 1) + 1
    if arguments.units < 1 or not 1 <= arguments.port <= last:
        return _fail(f"--units {arguments.units} --port {arguments.port}: allowed: units from 1, port 1 to {last}")
    plants = [Plant(unit=unit, seed=arguments.seed + i) for i, unit in enumerate(demo_units(arguments.units))]
    try:
        _start_scenarios(plants, arguments.scenario)
    except ScenarioError as error:
        return _fail(str(error))
    logs.begin("simulate", asked=arguments.log_format, line="%(message)s")
    # The library speaks of every connection.
    logging.getLogger("pymodbus").setLevel(logging.WARNING)
    running = [
        RunningPlant(plant=plant, host=arguments.host, port=arguments.port + i) for i, plant in enumerate(plants)
    ]
    try:
        asyncio.run(_until_stopped(running))
    except OSError as error:
        print(f"orewatch simulate: {error}", file=sys.stderr)  # noqa: T201 - for people
        return 1
    return 0


def _start_scenarios(plants: Sequence[Plant], wanted: Sequence[str]) -> None:
    by_id = {plant.unit.id: plant for plant in plants}
    for text in wanted:
        unit, _, name = text.partition(":")
        if unit not in by_id:
            raise ScenarioError(f"--scenario {text}: unit {unit!r} is unknown; allowed: {', '.join(by_id)}")
        by_id[unit].start(name)


def _fail(message: str) -> int:
    print(f"orewatch simulate: {message}", file=sys.stderr)  # noqa: T201 - for people
    return 2


async def _until_stopped(running: Sequence[RunningPlant]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await simulate(running, now_s=time.monotonic, until=stop)
