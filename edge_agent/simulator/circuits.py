"""The machines of a simulated circuit in flow order, with what each draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.simulator.beneficiation import SLIMES, Jig, MagneticSeparator, Washer
from edge_agent.simulator.crushing import BeltScale, ConeCrusher, Conveyor, Crusher, Feeder, Screen
from edge_agent.simulator.flotation import BallMill, Cyclone, Filter, FlotationBank, Thickener
from edge_agent.simulator.power import Genset
from edge_agent.simulator.stage import Fitting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.simulator.stage import Stage
    from orewatch.plant.unit import Unit


class SimulatorError(ValueError):
    """A unit cannot be simulated; the message names what and what is allowed."""


MODELS: Final[Mapping[str, type[Stage]]] = {
    "feeder": Feeder,
    "jaw_crusher": Crusher,
    "impact_crusher": Crusher,
    "cone_crusher": ConeCrusher,
    "screen": Screen,
    "conveyor": Conveyor,
    "belt_scale": BeltScale,
    "ball_mill": BallMill,
    "cyclone": Cyclone,
    "flotation_bank": FlotationBank,
    "thickener": Thickener,
    "filter": Filter,
    "jig": Jig,
    "magnetic_separator": MagneticSeparator,
    "washer": Washer,
    "genset": Genset,
}
CONCENTRATORS: Final = frozenset({"flotation_bank", "jig", "magnetic_separator"})
NEEDED: Final = ("feeder", "belt_scale", "genset")

# kW by circuit and machine: rated power of crushers and washers, drawn power of the rest; the mill's power
# comes from its own loads. "genset" is what lights, process pumps and compressor draw.
RATINGS: Final[Mapping[str, Mapping[str, float]]] = {
    "lead": {
        "feeder": 2.0, "jaw": 15.0, "screen": 4.0, "cone": 22.0, "conveyor": 3.0, "cyclone": 8.0,
        "flotation_pb": 12.0, "thickener": 1.5, "filter": 6.0, "genset": 6.0,
    },
    "zinc": {
        "feeder": 2.2, "jaw": 22.0, "screen": 5.5, "cone": 30.0, "conveyor": 3.0, "cyclone": 11.0,
        "flotation_pb": 14.0, "flotation_zn": 14.0, "thickener": 2.0, "filter": 7.5, "genset": 8.0,
    },
    "manganese": {
        "feeder": 3.0, "jaw": 30.0, "washer": 22.0, "screen": 5.5, "conveyor": 4.0, "jig": 7.5, "magnet": 15.0,
        "genset": 14.0,
    },
    "bauxite": {
        "feeder": 4.0, "crusher": 55.0, "washer": 37.0, "screen": 7.5, "conveyor": 7.5, "genset": 22.0,
    },
}  # fmt: skip


def stages_of(unit: Unit) -> tuple[Stage, ...]:
    """Return the models of a unit's machines in flow order; SimulatorError where a machine has none."""
    if unit.circuit not in RATINGS:
        raise SimulatorError(f"circuit: {unit.circuit!r} cannot be simulated; allowed: {', '.join(RATINGS)}")
    classes = [m.cls for m in unit.machines.values()]
    for cls in classes:
        if cls not in MODELS:
            raise SimulatorError(f"machine class: {cls!r} cannot be simulated; allowed: {', '.join(MODELS)}")
    for cls in NEEDED:
        if classes.count(cls) != 1:
            raise SimulatorError(f"machine class: {cls} stands {classes.count(cls)} times in {unit.id}; allowed: once")
    places = {str(ref): i for i, (ref, _) in enumerate(unit.signals())}
    ratings = RATINGS[unit.circuit]
    out = [
        MODELS[m.cls](Fitting(unit=unit, machine=m, places=places, kw=ratings.get(m.id, 5.0)))
        for m in unit.machines.values()
    ]
    # The genset carries what all others draw, so it comes last whatever the unit's order is.
    out.sort(key=lambda stage: isinstance(stage, Genset))
    for stage in out:
        if isinstance(stage, Feeder):
            washers = classes[: classes.index("belt_scale")].count("washer")
            stage.per_t = (1.0 - SLIMES) ** -washers
    return tuple(out)
