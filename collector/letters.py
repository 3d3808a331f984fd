"""``orewatch collector --dead-letters``: what could not be accepted, readable by people."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orewatch.storage.journal import Journal, JournalError, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.storage.journal import DeadLetter

FAILED = 1


def show_letters(path: Path, limit: int) -> int:
    """Print the newest letters of the journal at ``path``, and how many there are of each kind; the exit code."""
    if limit < 1:
        print(f"orewatch collector: --dead-letters {limit}; allowed: 1 or more", file=sys.stderr)  # noqa: T201
        return FAILED
    if not path.exists():
        print(f"orewatch collector: {path}: no journal there; allowed: a collector's data_dir", file=sys.stderr)  # noqa: T201
        return FAILED
    try:
        journal = Journal.open(path, read_only=True)
        try:
            letters = journal.dead_letters(limit=limit)
            counts = [(v.value, journal.letters_kept(v)) for v in Verdict]
        finally:
            journal.close()
    except JournalError as error:
        print(f"orewatch collector: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    for letter in letters:
        print(line(letter))  # noqa: T201 - for people
    print("dead letters kept: " + ", ".join(f"{count} {name}" for name, count in counts))  # noqa: T201
    return 0


def line(letter: DeadLetter) -> str:
    """Return one letter as one line: number, time of receipt, unit, kind, reason, size, detail."""
    when = datetime.fromtimestamp(letter.received_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    # Words of strangers: no control characters into a terminal.
    unit, detail = (
        "".join(c if c.isprintable() else "?" for c in text) for text in (letter.unit or "-", letter.detail)
    )
    return f"{letter.id} {when} {unit} {letter.verdict.value}: {letter.reason} ({len(letter.data)} bytes) {detail}"
