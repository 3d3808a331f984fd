"""What an InfluxDB's answer to a write means: its words, the reason of a refusal, what to look at while it waits."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from orewatch.storage.influx import shortened
from orewatch.storage.projection import RejectedBy

if TYPE_CHECKING:
    from orewatch.storage.influx import Answer

REFUSED: Final = frozenset({400, 422})
TOO_LARGE: Final = 413
_NOT_FOUND: Final = 404
_UNAUTHORISED: Final = frozenset({401, 403})
_REASONS: Final = (
    ("field type conflict", RejectedBy.FIELD_TYPE),
    ("invalid column type", RejectedBy.FIELD_TYPE),  # as 3 Core says it
    ("retention policy", RejectedBy.RETENTION),
    ("too large", RejectedBy.TOO_LARGE),
)
# 1.x, and 2.x since 2.7, in which the count stands in front.
_DROPPED: Final = re.compile(
    r"points beyond retention policy dropped=(\d+)|dropped (\d+) points outside retention policy"
)


def is_success(answer: Answer) -> bool:
    """Whether everything was stored."""
    return 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's range of success


def is_final(answer: Answer) -> bool:
    """Whether sending the same again could only get the same answer."""
    return (answer.status in REFUSED or answer.status == TOO_LARGE) and not is_missing(answer)


def is_missing(answer: Answer) -> bool:
    """Whether database, bucket or retention policy are not there; a 1.x says it of the policy with a 500."""
    if answer.status == _NOT_FOUND:
        return True
    return not is_success(answer) and any(f"{what} not found" in answer.detail for what in ("policy", "database"))


def reason_of(answer: Answer) -> RejectedBy:
    """Return why a block was refused for good."""
    if answer.status == TOO_LARGE:
        return RejectedBy.TOO_LARGE
    return next((reason for words, reason in _REASONS if words in answer.detail), RejectedBy.MALFORMED)


def dropped_by_retention(answer: Answer) -> int | None:
    """Return how many points were left out for their age; None where that is not what the answer says.

    Everything else of the same body is then stored: a refusal of another kind would have been told instead.
    """
    found = _DROPPED.search(answer.detail) if answer.status in REFUSED else None
    return int(found[1] or found[2]) if found else None


def advice(answer: Answer) -> str:
    """Return what an operator can do about an answer that makes the projection wait; "" where waiting helps."""
    if is_missing(answer):
        return "run: orewatch storage init"
    if answer.status in _UNAUTHORISED:
        return "look at the settings influx.token, influx.username and influx.password: wrong, expired or not allowed"
    return ""


def words_of(text: str) -> str:
    """Return what a server says in the body of an answer, without the JSON around it, shortened.

    3 Core lists the lines it refused; the first stands for all, by measurement and number.
    """
    try:
        told: Any = json.loads(text)
    except ValueError:
        return shortened(text)
    if not isinstance(told, dict):
        return shortened(text)
    words = str(told.get("message") or told.get("error") or text)
    lines = [line for line in told.get("data") or () if isinstance(line, dict)]
    if lines:
        first = lines[0]
        measurement = str(first.get("original_line", "")).split(",")[0]
        words = (
            f"{words}: {len(lines)} lines; line {first.get('line_number')} of measurement {measurement!r}:"
            f" {first.get('error_message')}"
        )
    return shortened(words)
