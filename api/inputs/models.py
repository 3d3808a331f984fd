"""What people send about a unit. Numbers may come as texts with Persian or Arabic digits; times as ISO 8601."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotations
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from api.inputs.figures import Figure  # noqa: TC001 - pydantic reads the annotations
from api.instants import parse_instant
from api.units.models import Resource

MAX_NOTE = 2000


def _instant(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        # A ValueError: pydantic makes a problem of it that names the field.
        raise ValueError(f"{str(given)[:40]!r} is not a time; allowed: ISO 8601 with an offset")  # noqa: TRY004
    return parse_instant(str(given))


def _printable(text: str) -> str:
    """Refuse what nobody can see and read back: control characters, and nothing but blanks."""
    stripped = text.strip()
    if not stripped:
        raise ValueError("nothing but blanks; allowed: a text")
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn"} for c in stripped):
        raise ValueError(f"{stripped[:40]!r} has control characters; allowed: printable ones")
    return stripped


At = Annotated[int, BeforeValidator(_instant), Field(examples=["2026-11-25T06:30:00Z"], json_schema_extra={})]
Word = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=80, examples=["a.karimi"]), AfterValidator(_printable)]


class Said(Resource):
    """What every input has: who says it, and a key of the sender's making so that a repetition changes nothing."""

    by: Name
    key: str | None = Field(
        default=None, min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$", examples=["5f0c9f0e-8d3b"]
    )
    note: str | None = Field(default=None, max_length=MAX_NOTE)
    corrects: int | None = Field(
        default=None, ge=1, le=(1 << 63) - 1, description="id of the entry that this one replaces"
    )


class StopBody(Said):
    """Why the unit stands or will stand; without ``to`` until it runs again."""

    code: Word = Field(examples=["no_ore"])
    from_: At = Field(alias="from")
    to: At | None = None


class OreBody(Said):
    """What the unit eats from a time on."""

    from_: At = Field(alias="from")
    ore: Word = Field(examples=["VN-north"])
    moisture_pct: Annotated[Figure, Field(ge=0, lt=100, examples=[6.5])] = Field(description="% of wet mass")


class TargetBody(Said):
    """What is expected of the unit from a time on, dry t/h; of one ore, or of any."""

    from_: At = Field(alias="from")
    tph: Annotated[Figure, Field(gt=0, lt=10_000, examples=[13.5])]
    ore: Word | None = None


class PlanBody(Said):
    """What a shift is to produce, dry tonnes; 0: the shift is not worked."""

    day: dt.date = Field(examples=["2026-11-25"], description="Gregorian date on which the production day begins")
    shift: int = Field(ge=1, le=3)
    tonnes: Annotated[Figure, Field(ge=0, lt=1_000_000, examples=[150])]


class AssayBody(Said):
    """What the laboratory found in one period's samples, % of dry mass."""

    from_: At = Field(alias="from")
    to: At
    element: Word = Field(examples=["Mn"])
    feed: Annotated[Figure, Field(ge=0, le=100, examples=[18.2])]
    concentrate: Annotated[Figure, Field(ge=0, le=100)] | None = None
    tailings: Annotated[Figure, Field(ge=0, le=100)] | None = None
    laboratory: Name = Field(examples=["IMPRC Karaj"])


class ScaleEpochBody(Said):
    """The belt scale was calibrated, zeroed or replaced: no difference of its totaliser is taken across this time."""

    from_: At = Field(alias="from")
    zero_drift_pct: Annotated[Figure, Field(ge=-100, le=100)] | None = Field(default=None, description="as found, % FS")
    span_error_pct: Annotated[Figure, Field(ge=-100, le=100)] | None = Field(default=None, description="as found, %")


class WithdrawBody(Resource):
    """Take an entry back; it stays in the book."""

    by: Name
    key: str | None = Field(default=None, min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    note: str | None = Field(default=None, max_length=MAX_NOTE)
