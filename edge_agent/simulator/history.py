"""Plant history without waiting for it: scans by the catalogue's rates, as Modbus would have given them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_agent.simulator.noise import shown
from orewatch.telemetry.scan import Scans, quantise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge_agent.simulator.plant import Plant
    from edge_agent.simulator.story import StoryEvent
    from orewatch.telemetry.schema import Schema


def run_history(
    plant: Plant,
    seconds: int,
    schema: Schema,
    start_ms: int,
    *,
    story: Sequence[StoryEvent] = (),
    chunk_s: int = 3600,
) -> Iterator[list[Scans]]:
    """Step ``plant`` through ``seconds`` and yield its scans every ``chunk_s``, at most one Scans per group.

    Instants are ``start_ms`` + 1 s up to and including ``start_ms`` + ``seconds``; a group is read where its
    period divides the UTC second. The plant stands at the end afterwards, so that live goes on from there.
    ``story`` is relative to the beginning of this run; what would have happened before it happens at once.
    """
    place = {ref: i for i, ref in enumerate(plant.refs)}
    where = [[place[ref] for ref in group.refs()] for group in schema.groups]
    pending = sorted(story, key=lambda event: event.at_s)[::-1]
    for begin in range(0, seconds, chunk_s):
        count = min(chunk_s, seconds - begin)
        truth: list[list[float]] = []
        noise = np.empty((count, len(plant.refs)))
        for row in range(count):
            while pending and pending[-1].at_s <= begin + row:
                event = pending.pop()
                if event.on:
                    plant.start(event.name, **event.parameters)
                else:
                    plant.stop(event.name)
            plant.step()
            truth.append(plant.truth_row)
            noise[row] = plant.noise.at(plant.tick)[0]
        values = shown(np.array(truth)[:, :-1], noise, plant.noise, plant.sensors)
        yield _scans(schema, where, values, start_ms + 1000 * (begin + 1 + np.arange(count, dtype=np.int64)))


def _scans(
    schema: Schema, where: Sequence[Sequence[int]], values: NDArray[np.float64], time_ms: NDArray[np.int64]
) -> list[Scans]:
    out = []
    for number, group in enumerate(schema.groups):
        due = time_ms // 1000 % max(1, round(group.period_s)) == 0
        if due.any():
            steps, quality = quantise(group, values[np.ix_(due, where[number])])
            out.append(Scans(number, time_ms[due], steps, quality))
    return out
