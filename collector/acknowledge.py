"""What is told the node that sent blocks: which of them are durable, as ranges, and which are wanted again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from orewatch.storage.ranges import ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RANGES_PER_MESSAGE: Final = 500
LATEST_MS: Final = 2**53 - 1


def resend(*, collector: str, from_ms: int) -> str:
    """Return the value of ``Record/Resend`` that asks for every kept block since ``from_ms``."""
    return json.dumps({"collector": collector, "from_ms": from_ms, "to_ms": LATEST_MS}, separators=(",", ":"))


def acknowledgements(*, collector: str, store: str, spool: bytes, numbers: Iterable[int]) -> Iterator[str]:
    """Return the values of ``Delivery/Acknowledged`` that name these numbers of one spool."""
    every = ranges(numbers)
    for at in range(0, len(every), RANGES_PER_MESSAGE):
        ids = every[at : at + RANGES_PER_MESSAGE]
        yield json.dumps(
            {"collector": collector, "store": store, "spool": spool.hex(), "ids": ids}, separators=(",", ":")
        )
