"""From assays to recovery: the two-product formula where it holds, and otherwise the reason why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from orewatch.plant.kpi import NoFigure, two_product

if TYPE_CHECKING:
    from api.inputs.entry import Entry
    from orewatch.plant.unit import Unit

# What is assayed in % for each mineral, the metal it is mined for first.
ELEMENTS: Final[dict[str, tuple[str, ...]]] = {
    "lead": ("Pb", "Zn"),
    "zinc": ("Zn", "Pb"),
    "manganese": ("Mn", "Fe", "P", "SiO2"),
    "bauxite": ("Al2O3", "SiO2", "Fe2O3"),
    "chromite": ("Cr2O3", "Fe"),
    "iron": ("Fe", "P", "S"),
    "copper": ("Cu",),
}
OTHER: Final = ("Pb", "Zn", "Mn", "Al2O3", "SiO2", "Fe", "Cr2O3", "Cu")


class Recovery(NamedTuple):
    """Per cent; ``sigma_pct`` one sigma in points. ``no_figure``: why the others are None."""

    recovery_pct: float | None = None
    sigma_pct: float | None = None
    yield_pct: float | None = None
    no_figure: str | None = None


def elements_of(mineral: str) -> tuple[str, ...]:
    """Return what can be assayed at a unit of this mineral."""
    return ELEMENTS.get(mineral, OTHER)


def recovery_of(entry: Entry, unit: Unit) -> Recovery:
    """Return the recovery that an entry's assays give; never clipped, never guessed.

    Two concentrates need the balance of two metals, and bauxite is not enriched by what these units do to it.
    """
    feed, concentrate, tailings = (entry.figure(name) for name in ("feed", "concentrate", "tailings"))
    if feed is None or concentrate is None or tailings is None:
        return Recovery(no_figure="incomplete")
    if unit.mineral == "bauxite":
        return Recovery(no_figure="not_enriched")
    if sum(machine.cls == "flotation_bank" for machine in unit.machines.values()) > 1:
        return Recovery(no_figure="two_concentrates")
    found = two_product(feed, concentrate, tailings)
    if isinstance(found, NoFigure):
        return Recovery(no_figure=found.value)
    return Recovery(round(found.recovery_pct, 2), round(found.sigma_recovery, 2), round(found.yield_pct, 3))
