"""Plant history without waiting for it: scans by the catalogue's rates, as Modbus would have given them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge_agent.simulator.plant import Plant
    from edge_agent.simulator.story import StoryEvent
    from orewatch.telemetry.scan import Scans
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
    ``story`` is relative to the beginning of this run.
    """
    raise NotImplementedError
