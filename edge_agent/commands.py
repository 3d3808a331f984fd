"""What a host may write to our node, read with distrust: a wrong command is refused with its reason, never a crash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

MAX_COMMAND_CHARS: Final = 200_000
MAX_RANGES: Final = 10_000
LARGEST: Final = 2**63 - 1


class CommandError(ValueError):
    """A command is not obeyed; the message says why."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """``ranges`` of block numbers that ``collector`` committed to ``store``, of the spool ``spool`` (hex UUIDs)."""

    collector: str
    store: str
    spool: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Resend:
    """``collector`` asks for the blocks that touch a span, ms UTC."""

    collector: str
    from_ms: int
    to_ms: int


def read_acknowledgement(text: object) -> Acknowledgement:
    """Read the JSON of a ``Delivery/Acknowledged``; :class:`CommandError`."""
    table = _table(text)
    ids = table.get("ids")
    if not isinstance(ids, list) or len(ids) > MAX_RANGES:
        raise CommandError(f"ids: {ids!r:.80}; allowed: a list of up to {MAX_RANGES} [first, last]")
    ranges = []
    for pair in ids:
        match pair:
            case [int(first), int(last)] if 0 < first <= last <= LARGEST:
                ranges.append((first, last))
            case _:
                raise CommandError(f"ids: {pair!r:.80}; allowed: [first, last], whole numbers, 0 < first <= last")
    return Acknowledgement(_word(table, "collector"), _word(table, "store"), _word(table, "spool"), tuple(ranges))


def read_resend(text: object) -> Resend:
    """Read the JSON of a ``Record/Resend``; :class:`CommandError`."""
    table = _table(text)
    match table.get("from_ms"), table.get("to_ms"):
        case int(first), int(last) if 0 <= first <= last <= LARGEST:
            return Resend(_word(table, "collector"), first, last)
        case span:
            raise CommandError(f"from_ms, to_ms: {span!r:.80}; allowed: whole milliseconds, from not after to")


def _table(text: object) -> dict[str, object]:
    if not isinstance(text, str) or len(text) > MAX_COMMAND_CHARS:
        raise CommandError(f"{type(text).__name__}; allowed: JSON of up to {MAX_COMMAND_CHARS} characters")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"not JSON: {error}") from error
    if not isinstance(table, dict):
        raise CommandError(f"{type(table).__name__}; allowed: an object")
    return table


def _word(table: dict[str, object], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise CommandError(f"{key}: {value!r:.80}; allowed: text")
    return value
