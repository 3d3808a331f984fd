"""Who is in the fleet: every unit that described itself, its number, and the Sparkplug group it speaks in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orewatch.plant.unit import Unit


class Roster:
    """Units by id and by number. Numbers are given once and never reused."""

    def __init__(self, *, units: Iterable[Unit] = ()) -> None:
        self._units: list[Unit] = []
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, str] = {}
        for unit in units:
            self.describe(unit)

    def __len__(self) -> int:
        return len(self._units)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units)

    def __contains__(self, unit_id: object) -> bool:
        return unit_id in self._numbers

    def describe(self, unit: Unit) -> bool:
        """Note a unit's description; True where the unit is new or described differently than before."""
        number = self._numbers.get(unit.id)
        if number is None:
            self._numbers[unit.id] = len(self._units)
            self._units.append(unit)
            return True
        changed = self._units[number] != unit
        self._units[number] = unit
        return changed

    def unit(self, unit_id: str) -> Unit | None:
        """Return a unit, or None where it was never seen."""
        number = self._numbers.get(unit_id)
        return None if number is None else self._units[number]

    def number(self, unit_id: str) -> int | None:
        """Return a unit's number, or None where it was never seen."""
        return self._numbers.get(unit_id)

    def sorted(self) -> list[Unit]:
        """Return the units by id."""
        return sorted(self._units, key=lambda unit: unit.id)

    def set_group(self, unit_id: str, group: str) -> None:
        """Note the group a unit was last heard in."""
        self._groups[unit_id] = group

    def group(self, unit_id: str) -> str | None:
        """Return the group a unit was last heard in."""
        return self._groups.get(unit_id)
