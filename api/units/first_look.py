"""The last day's states of the first units, computed before anybody asks, so that the first page has its strips."""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Final

from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

MOST_UNITS: Final = 24
"""As many as the fleet page shows strips for."""
DAY_MS: Final = 86_400_000


async def read_days(
    units: Iterable[Unit],
    states_between: Callable[[Unit, int, int], Awaitable[object]],
    now_ms: Callable[[], int],
) -> None:
    """Ask for each unit's last 24 h, one unit after the other; a store that is down is not asked again."""
    for unit in islice(units, MOST_UNITS):
        try:
            await states_between(unit, now_ms() - DAY_MS, now_ms())
        except StoreError as error:
            log.info("no states ahead of the first page: %s", error)
            return
