"""The service's work that never ends: kept up whatever it stumbles over, because alerts must go on."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)

AGAIN_S = 1.0


class Tasks:
    """Named tasks of one event loop; ``failures`` counts by name what made them begin anew."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self.failures: Counter[str] = Counter()

    def begin(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Do ``work`` until it ends by itself or :meth:`end` is called."""
        self._tasks.append(asyncio.create_task(self._kept_up(work, name), name=f"api: {name}"))

    async def end(self) -> None:
        """Cancel all, and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _kept_up(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        while True:
            try:
                return await work()
            # The one broad except, at the loop's edge.
            except Exception:
                self.failures[name] += 1
                log.exception("%s: begins anew", name)
            await asyncio.sleep(AGAIN_S)
