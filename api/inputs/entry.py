"""One input as it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class InputKind(StrEnum):
    """What people tell about a unit; the last part of its address."""

    STOPS = "stops"
    ORE = "ore"
    TARGETS = "targets"
    PLANS = "plans"
    ASSAYS = "assays"
    SCALE_EPOCHS = "scale-epochs"


Own = str | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the book: what was said, of which time, by whom and when. ``own``: the kind's own fields.

    ``corrects``: the entry that this one replaces; ``replaced_by``: the one that replaces this; ``withdrawn``: this
    row only says that what it corrects is taken back.
    """

    id: int = 0
    unit: str
    kind: InputKind
    key: str
    from_ms: int
    to_ms: int | None
    own: Mapping[str, Own] = field(default_factory=dict)
    by: str
    note: str | None = None
    recorded_ms: int
    corrects: int | None = None
    replaced_by: int | None = None
    withdrawn: bool = False

    def text(self, name: str) -> str:
        """Return an own field that is a text."""
        return str(self.own[name])

    def figure(self, name: str) -> float | None:
        """Return an own field that is a number; None where it was left out."""
        value = self.own.get(name)
        return None if value is None or isinstance(value, str) else float(value)
