"""Acknowledgements: numbers of durable blocks, as ranges, to the node that sent them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RANGES_PER_MESSAGE: Final = 500


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the numbers as inclusive ranges, ascending."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def acknowledgements(*, collector: str, store: str, spool: bytes, numbers: Iterable[int]) -> Iterator[str]:
    """Return the values of ``Delivery/Acknowledged`` that name these numbers of one spool."""
    every = ranges(numbers)
    for at in range(0, len(every), RANGES_PER_MESSAGE):
        ids = every[at : at + RANGES_PER_MESSAGE]
        yield json.dumps(
            {"collector": collector, "store": store, "spool": spool.hex(), "ids": ids}, separators=(",", ":")
        )
