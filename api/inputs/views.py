"""Entries as JSON-able tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.inputs.entry import InputKind
from api.inputs.recovery import recovery_of
from api.instants import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.inputs.entry import Entry
    from orewatch.plant.unit import Unit


def view(entry: Entry, unit: Unit, epochs: Sequence[Entry] = ()) -> dict[str, Any]:
    """Return an entry with what follows from it; ``epochs``: the unit's calibrations that count, in order."""
    table = {
        "id": entry.id,
        "unit": entry.unit,
        "kind": entry.kind.value,
        "from": iso(entry.from_ms),
        "to": iso_or_none(entry.to_ms),
        "by": entry.by,
        "note": entry.note,
        "recorded_at": iso(entry.recorded_ms),
        "corrects": entry.corrects,
        "replaced_by": entry.replaced_by,
        "withdrawn": entry.withdrawn,
        "key": entry.key,
        **entry.own,
    }
    if entry.kind is InputKind.ASSAYS:
        table |= recovery_of(entry, unit)._asdict()
    elif entry.kind is InputKind.SCALE_EPOCHS:
        table["epoch"] = next((place for place, one in enumerate(epochs, 1) if one.id == entry.id), None)
    return table
