"""Before the first tick: what people said, what is usual, and what happened while nobody looked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from api import memory
from api.live.catch_up import catch_up

if TYPE_CHECKING:
    from api.service import Service

log = logging.getLogger(__name__)


async def catch_up_then_watch(service: Service) -> None:
    """Bring a service's judge to the present once, then watch, for ever."""
    began_ms = service.now_ms()
    if not service.caught_up:
        await service.inputs.in_force.warm()
        await memory.recall_usual(service.database, service.judge)
        await catch_up(
            service.judge,
            service.watch,
            service.store,
            now_ms=service.now_ms,
            below=service.is_below,
            inputs=service.inputs.in_force.since,
        )
        if told := service.engine.tell_of_standing(began_ms, service.now_ms()):
            log.info("%d alert(s) found while catching up still stand", told)
        service.watch.judged_ms = service.judge.now_ms
        service.caught_up = True
    await service.watch.run()
