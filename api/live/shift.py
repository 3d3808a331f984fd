"""The running shift of a unit in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.live.production_day import Shift
    from api.live.tally import Tally
    from orewatch.plant.inputs import UnitInputs


def shift_figures(shift: Shift, tally: Tally | None, inputs: UnitInputs) -> dict[str, Any]:
    """Return the shift's times (ms), dry tonnes so far and planned; None where they are not known."""
    tonnes = None if tally is None or tally.today_t is None else tally.since_t(shift.start_ms)
    return {
        "number": shift.number,
        "start": shift.start_ms,
        "end": shift.end_ms,
        "tonnes": None if tonnes is None else round(tonnes, 3),
        "plan_t": inputs.planned_t(shift.start_ms),
    }
