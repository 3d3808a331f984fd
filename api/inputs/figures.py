"""Numbers as people write them: Latin, Persian and Arabic digits, with the separators that go with them."""

from __future__ import annotations

import math
import re
from typing import Annotated, Final

from pydantic import BeforeValidator

LONGEST: Final = 40
_DIGITS = str.maketrans(
    "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩٫−",  # noqa: RUF001 - Persian and Arabic digits, decimal separator, minus sign
    "01234567890123456789.-",
)
_GROUPS = "٬,،'\u2019\u00a0\u202f "
# Groups of three, all with the same separator, or none.
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(rf"([+-]?[0-9]{{1,3}})([{_GROUPS}])([0-9]{{3}}(?:\2[0-9]{{3}})*)(\.[0-9]+)?")
_MARKS = str.maketrans("", "", "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069")
ALLOWED: Final = "a number as 12.5, ۱۲٫۵ or ١٢٫٥; thousands as 1,250"  # noqa: RUF001 - Persian and Arabic digits


def read_figure(given: object) -> float:
    """Return the number that was written; ValueError where it can be read in two ways, or in none."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        # A ValueError: pydantic makes a problem of it that names the field.
        raise ValueError(f"{str(given)[:LONGEST]!r} is not a number; allowed: {ALLOWED}")  # noqa: TRY004
    if isinstance(given, str):
        value = _read(given)
    else:
        try:
            value = float(given)
        except OverflowError:
            value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{str(given)[:LONGEST]!r} is not finite; allowed: {ALLOWED}")
    return value


def _read(text: str) -> float:
    plain = text.translate(_MARKS).strip().translate(_DIGITS)
    if len(plain) <= LONGEST:
        if _PLAIN.fullmatch(plain):
            return float(plain)
        found = _GROUPED.fullmatch(plain)
        # One group after a comma reads as 1,250 here and as 1.250 elsewhere; with a decimal point or a second
        # group there is no doubt, nor is there with the separators that are never decimal.
        if found and not (found[2] in ",،" and found[1].lstrip("+-") == "0"):
            return float(found[1] + re.sub(f"[{_GROUPS}]", "", found[3]) + (found[4] or ""))
    raise ValueError(f"{text[:LONGEST]!r} is not a number, or not just one; allowed: {ALLOWED}")


Figure = Annotated[float, BeforeValidator(read_figure)]
