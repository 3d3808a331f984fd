"""What the doctor found, for people and for machines."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

from orewatch.doctor.finding import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.doctor.finding import Finding

WIDTH: Final = 110
_MARKS: Final = {Level.OK: "ok", Level.NOTE: "-", Level.WARNING: "WARNING", Level.FAILED: "FAILED"}


def lines_of(finding: Finding, *, name_width: int) -> list[str]:
    """Return one finding as a row of the table, with its remedy below."""
    head = f"  {_MARKS[finding.level]:<9}{finding.name:<{name_width}}  "
    rows = _wrapped(head, finding.detail)
    if finding.remedy:
        rows += _wrapped(" " * (len(head) - 3) + "-> ", finding.remedy)
    return rows


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line."""
    counts = Counter(finding.level for finding in findings)
    if not counts[Level.FAILED] and not counts[Level.WARNING]:
        return f"All is well: {counts[Level.OK]} things were looked at."
    return f"{counts[Level.FAILED]} failed, {counts[Level.WARNING]} warning(s), {counts[Level.OK]} ok."


def as_json(findings: Sequence[Finding]) -> str:
    """Return everything for machines."""
    counts = Counter(finding.level.value for finding in findings)
    told = {
        "ok": not counts["failed"],
        "failed": counts["failed"],
        "warnings": counts["warning"],
        "findings": [finding._asdict() for finding in findings],
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
    ) or [head.rstrip()]
