"""The command line: ``orewatch <command>``. Each command's module is imported only when it is needed."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Final

from orewatch.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

# name: (module with add_parser(subparsers), the extra that installs what it imports)
COMMANDS: Final = {
    "demo": ("orewatch.demo.command", "demo"),
    "agent": ("edge_agent.command", "edge"),
    "simulate": ("edge_agent.simulator.command", "edge"),
    "collector": ("collector.command", "collector"),
    "storage": ("collector.storage_command", "collector"),
    "api": ("api.command", "api"),
    "dashboards": ("dashboards.command", "dashboards"),
    "doctor": ("orewatch.doctor.command", ""),
    "tap": ("orewatch.tap.command", ""),
    "init": ("orewatch.authority.init_command", "certificates"),
    "certificates": ("orewatch.authority.command", "certificates"),
}
USAGE_ERROR: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 called wrongly."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="orewatch", description="Telemetry and monitoring for mobile processing units at small mines."
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    chosen = next((w for w in words if not w.startswith("-")), None)
    for name in [chosen] if chosen in COMMANDS else COMMANDS:
        module, extra = COMMANDS[name]
        try:
            importlib.import_module(module).add_parser(commands)
        except ModuleNotFoundError as error:
            missing = commands.add_parser(name, help=f"not installed: pip install 'orewatch[{extra}]'", add_help=False)
            missing.set_defaults(run=None, missing=(error.name, extra))
    # Of a command that is not installed nobody knows the options.
    arguments, rest = parser.parse_known_args(words or ["--help"])
    if rest and arguments.run is not None:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if arguments.run is None:
        module, extra = arguments.missing
        print(f"orewatch: {module} is not installed; pip install 'orewatch[{extra}]'", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    try:
        return int(arguments.run(arguments))
    except SettingsError as error:
        print("orewatch: wrong settings, nothing was started", file=sys.stderr)  # noqa: T201 - for people
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)  # noqa: T201 - for people
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130
