"""Catching up: what happened while nobody looked, from the store, before the live tick begins."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from api.alerting.engine import Mode
from api.live.clock import SECOND_MS
from api.live.replay import replay
from orewatch.plant.inputs import nothing_said
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.live.judge import Judge
    from api.live.watch import Watch
    from orewatch.plant.inputs import UnitInputs
    from orewatch.storage.query import HistoryStore

log = logging.getLogger(__name__)

# Scans younger than this may still be in blocks that are not sealed.
UNSEALED_MS = 180_000


async def replay_to(
    judge: Judge,
    store: HistoryStore,
    end_ms: int,
    *,
    recorded_ms: int,
    mode: Mode,
    below: Callable[[str], bool],
    inputs: Callable[[str, int], UnitInputs] = nothing_said,
) -> None:
    """Judge the store's history up to ``end_ms``, a step in a thread at a time: pages and streams stay quick."""
    steps = replay(judge, store, end_ms, recorded_ms=recorded_ms, mode=mode, below=below, inputs=inputs)
    while await asyncio.to_thread(next, steps, None) is not None:
        pass


async def catch_up(
    judge: Judge,
    watch: Watch,
    store: HistoryStore | None,
    *,
    now_ms: Callable[[], int],
    below: Callable[[str], bool],
    inputs: Callable[[str, int], UnitInputs] = nothing_said,
) -> None:
    """Bring the judge to the present: by the store as far as it reaches, and past the rest without looking."""
    if store is not None and judge.units:
        try:
            await _from_store(judge, watch, store, began_ms=now_ms(), below=below, inputs=inputs)
        except StoreError as error:
            log.warning("the store does not answer, so nothing was caught up: %s", error)
    # What nobody looked at says nothing of the units.
    present_ms = now_ms() // SECOND_MS * SECOND_MS
    if present_ms - judge.now_ms > 2 * SECOND_MS:
        judge.look_away(present_ms)


async def _from_store(
    judge: Judge,
    watch: Watch,
    store: HistoryStore,
    *,
    began_ms: int,
    below: Callable[[str], bool],
    inputs: Callable[[str, int], UnitInputs],
) -> None:
    newest = []
    for number, unit in enumerate(judge.units):
        latest = await asyncio.to_thread(store.latest, unit.id)
        watch.prime(unit, latest)
        newest.append(max((reading.time_ms for reading in latest.values()), default=0))
        if 0 < newest[-1] < judge.now_ms:
            judge.meet(number, newest[-1])
    # Blocks are sealed unit by unit: beyond the one that is furthest behind, silence would be ours, not theirs.
    recent = [at_ms for at_ms in newest if at_ms > began_ms - UNSEALED_MS]
    end_ms = min([began_ms, *(recent or [max(newest)])]) // SECOND_MS * SECOND_MS
    await replay_to(judge, store, end_ms, recorded_ms=began_ms, mode=Mode.CATCH_UP, below=below, inputs=inputs)
