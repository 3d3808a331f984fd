"""The running shift of a unit in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.live.production_day import Shift
    from api.live.tally import Tally
    from orewatch.plant.inputs import UnitInputs


def shift_figures(shift: Shift, tally: Tally | None, inputs: UnitInputs) -> dict[str, Any]:
    """Return the shift's times (ms), dry tonnes so far and planned; None where they are not known."""
    counted = tally is not None and tally.today_t is not None
    tonnes = tally.total_t - tally.at(shift.start_ms) if tally is not None and counted else None
    return {
        "number": shift.number,
        "start": shift.start_ms,
        "end": shift.end_ms,
        "tonnes": None if tonnes is None else round(max(0.0, tonnes), 3),
        "plan_t": inputs.planned_t(shift.start_ms),
    }
