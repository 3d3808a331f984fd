"""Which of several tables answers where retention has taken what a span begins with: one of them, never a mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orewatch.storage.query import Query, Series, Table


def answered(query: Query, tables: Sequence[Table], ask: Callable[[Table], Series]) -> Series:
    """Return the answer of the first of ``tables``, or of a coarser one behind it that reaches further back."""
    first, *coarser = tables
    answer = ask(first)
    for table in coarser:
        if len(answer) and answer.time_ms[0] <= query.window_start_ms:
            break
        # The span begins with nothing: never was anything, or retention took it here and not yet there.
        other = ask(table)
        if len(other) and (not len(answer) or other.time_ms[0] + query.step_in(table) <= answer.time_ms[0]):
            answer = other
    return answer
