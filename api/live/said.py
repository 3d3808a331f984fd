"""What people said, laid before the judge second by second: planned stops, codes, shifts that are not worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.plant.inputs import UNTOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from api.live.judge import Judge
    from orewatch.plant.evidence_live import HeldReadings
    from orewatch.plant.inputs import Flags, UnitInputs


class Said:
    """Sets the flags of units where they change; between changes it costs a comparison."""

    def __init__(self, *, units: Callable[[], Iterable[str]], inputs: Callable[[str], UnitInputs]) -> None:
        self._units = units
        self._inputs = inputs
        self._set: dict[str, Flags] = {}
        self._until_ms: dict[str, int] = {}

    def changed(self, unit_id: str) -> None:
        """Something was said of a unit: look at it with the next second."""
        self._until_ms.pop(unit_id, None)

    def forget(self) -> None:
        """The evidence begins anew, and knows nothing of what was set."""
        self._set.clear()
        self._until_ms.clear()

    def lay(self, held: HeldReadings, judge: Judge, at_ms: int) -> None:
        """Set what people say of the second that begins at ``at_ms``."""
        for unit_id in self._units():
            if at_ms < self._until_ms.get(unit_id, 0):
                continue
            number = judge.number(unit_id)
            if number is None:
                continue
            said = self._inputs(unit_id)
            flags = said.flags(at_ms)
            self._until_ms[unit_id] = said.flags_until(at_ms)
            if flags == self._set.get(unit_id, UNTOLD):
                continue
            self._set[unit_id] = flags
            held.set_from_people(
                unit_id, planned=flags.planned, coded=flags.coded, failed=flags.failed, scheduled=flags.scheduled
            )
            judge.coded(number, flags.coded and not flags.planned)
