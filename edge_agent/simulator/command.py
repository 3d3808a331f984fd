"""``orewatch simulate``: plants behind Modbus TCP servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command's arguments."""
    raise NotImplementedError


def run(arguments: argparse.Namespace) -> int:
    """Run the plants until stopped; the exit code."""
    raise NotImplementedError
