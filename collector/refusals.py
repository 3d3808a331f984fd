"""What a store refused for good, as dead letters: the bytes stay in the journal, a letter says where and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.storage.dead_letters import DeadLetter, Verdict
from orewatch.storage.projection import RejectedBy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.counters import Counters
    from orewatch.storage.journal import StoredBlock
    from orewatch.storage.projection import RefusedRollups, Rejection


def unreadable(block: StoredBlock, now_ms: int) -> DeadLetter:
    """Return the letter of a block that the journal keeps and nobody can decode."""
    return DeadLetter(
        unit=block.header.unit,
        verdict=Verdict.REJECTED,
        reason="unreadable_in_journal",
        detail=f"position {block.position}",
        received_ms=now_ms,
        data=block.data,
        schema=block.header.schema,
    )


def refused_block(rejection: Rejection, projection: str, now_ms: int) -> DeadLetter:
    """Return the letter of a block that a store refuses."""
    header = rejection.header
    return DeadLetter(
        unit=header.unit,
        verdict=Verdict.REJECTED,
        reason=f"{projection}:{rejection.reason.value}",
        detail=f"spool {header.spool.hex()} number {header.number}: {rejection.detail}",
        received_ms=now_ms,
        # The bytes stay in the journal; the identity is enough to find them, and tells letters apart.
        data=header.spool + header.number.to_bytes(8, "little"),
        schema=header.schema,
    )


def refused_windows(
    refused: Iterable[RefusedRollups], projection: str, now_ms: int, counters: Counters
) -> list[DeadLetter]:
    """Count refused windows by unit and reason; returns letters of those refused for another reason than their age."""
    letters = []
    for part in refused:
        rows, reason = part.rows, f"{projection}:{part.reason.value}"
        counters.add(rows.unit, "rollups_refused", reason, len(rows.time_ms))
        if part.reason is RejectedBy.RETENTION:
            continue
        first, last = int(rows.time_ms[0]), int(rows.time_ms[-1])
        where = f"{rows.machine}/{rows.cls}/{rows.step_ms}/{first}-{last}"
        letters.append(
            DeadLetter(
                unit=rows.unit,
                verdict=Verdict.REJECTED,
                reason=reason,
                detail=f"windows of {rows.step_ms // 1000} s of {rows.machine}, {first} to {last} ms: {part.detail}",
                received_ms=now_ms,
                data=where.encode(),
            )
        )
    return letters
