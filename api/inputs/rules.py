"""What makes an input impossible, beyond its form: times, codes, overlaps. Each rule names the field at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.inputs.entry import InputKind
from api.inputs.recovery import elements_of
from api.instants import iso
from api.problems import wrong_value
from orewatch.plant.stop_codes import StopEffect, codes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.inputs.entry import Entry
    from orewatch.plant.stop_codes import StopCode
    from orewatch.plant.unit import Unit

    Check = Callable[[Entry, Unit, Sequence[Entry], int], None]

DAY_MS: Final = 86_400_000
# A browser's question may be that much ahead of the service's clock.
AHEAD_MS: Final = 60_000
OLDEST_MS: Final = 400 * DAY_MS
FURTHEST_MS: Final = 400 * DAY_MS
LONGEST_STOP_MS: Final = 366 * DAY_MS
# A belt carries no more than twice the nameplate.
MOST_OF_NAMEPLATE: Final = 2.0


def check(entry: Entry, unit: Unit, others: Sequence[Entry], now_ms: int) -> None:
    """Raise a 422 where ``entry`` cannot be; ``others``: the entries of its kind that count."""
    for rule in RULES[entry.kind]:
        rule(entry, unit, others, now_ms)


def code_of(unit: Unit, code: str) -> StopCode:
    """Return a stop code of the unit's mineral; a 422 where there is none."""
    suiting = {one.code: one for one in codes_for(unit.mineral)}
    if code not in suiting:
        raise wrong_value("code", code, f"not a reason of a {unit.mineral} unit; allowed: {', '.join(suiting)}")
    return suiting[code]


def _not_too_old(entry: Entry, _unit: Unit, _others: Sequence[Entry], now_ms: int) -> None:
    if entry.from_ms < now_ms - OLDEST_MS:
        raise wrong_value("from", iso(entry.from_ms), "too long ago; allowed: the last 400 days")


def _not_ahead(entry: Entry, _unit: Unit, _others: Sequence[Entry], now_ms: int) -> None:
    for field, at_ms in (("from", entry.from_ms), ("to", entry.to_ms)):
        if at_ms is not None and at_ms > now_ms + AHEAD_MS:
            raise wrong_value(field, iso(at_ms), f"in the future; allowed: up to now, {iso(now_ms)}")


def _in_order(entry: Entry, _unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    if entry.to_ms is not None and entry.to_ms <= entry.from_ms:
        raise wrong_value("to", iso(entry.to_ms), f"not after from, {iso(entry.from_ms)}; allowed: a later time")


def _stop_time(entry: Entry, unit: Unit, others: Sequence[Entry], now_ms: int) -> None:
    if entry.own["effect"] != StopEffect.PLANNED:
        _not_ahead(entry, unit, others, now_ms)
        return
    for field, at_ms in (("from", entry.from_ms), ("to", entry.to_ms)):
        if at_ms is not None and at_ms > now_ms + FURTHEST_MS:
            raise wrong_value(field, iso(at_ms), "too far ahead; allowed: the next 400 days")
    if entry.to_ms is None and entry.from_ms > now_ms + AHEAD_MS:
        raise wrong_value("to", None, "missing; allowed: a time, for a stop that is still to come")


def _stop_length(entry: Entry, _unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    if entry.to_ms is not None and entry.to_ms - entry.from_ms > LONGEST_STOP_MS:
        raise wrong_value("to", iso(entry.to_ms), "too long after from; allowed: 366 days")


def _no_overlap(entry: Entry, _unit: Unit, others: Sequence[Entry], now_ms: int) -> None:
    start_ms, end_ms = _reach(entry, now_ms)
    for other in others:
        first_ms, last_ms = _reach(other, now_ms)
        if start_ms < last_ms and first_ms < end_ms:
            until = "now" if other.to_ms is None else iso(other.to_ms)
            raise wrong_value(
                "from",
                iso(entry.from_ms),
                f"overlaps stop {other.id} ({other.own['code']}, {iso(other.from_ms)} to {until});"
                f" allowed: a span free of other stops, or corrects: {other.id}",
            )


def _reach(entry: Entry, now_ms: int) -> tuple[int, int]:
    """Return the span that a stop takes; an open one takes all up to now, and this instant."""
    return entry.from_ms, max(now_ms, entry.from_ms) + 1 if entry.to_ms is None else entry.to_ms


def _one_at_a_time(entry: Entry, _unit: Unit, others: Sequence[Entry], _now_ms: int) -> None:
    same = next(
        (
            one
            for one in others
            if (one.from_ms == entry.from_ms and one.own.get("ore") == entry.own.get("ore"))
            or (one.from_ms == entry.from_ms and entry.kind is not InputKind.TARGETS)
        ),
        None,
    )
    if same is not None:
        raise wrong_value(
            "from", iso(entry.from_ms), f"entry {same.id} begins then; allowed: another time, or corrects: {same.id}"
        )


def _target_of_belt(entry: Entry, unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    most = MOST_OF_NAMEPLATE * unit.nameplate_tph
    if (entry.figure("tph") or 0.0) > most:
        raise wrong_value("tph", entry.own["tph"], f"more than the belt carries; allowed: above 0, up to {most:g} t/h")


def _plan_of_belt(entry: Entry, unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    hours = ((entry.to_ms or entry.from_ms) - entry.from_ms) / 3_600_000
    most = MOST_OF_NAMEPLATE * unit.nameplate_tph * hours
    if (entry.figure("tonnes") or 0.0) > most:
        raise wrong_value(
            "tonnes", entry.own["tonnes"], f"more than the belt carries in a shift; allowed: up to {most:g} t"
        )


def _plan_day(entry: Entry, _unit: Unit, _others: Sequence[Entry], now_ms: int) -> None:
    if entry.from_ms > now_ms + FURTHEST_MS:
        raise wrong_value("day", entry.own["day"], "too far ahead; allowed: the next 400 days")


def _one_plan(entry: Entry, _unit: Unit, others: Sequence[Entry], _now_ms: int) -> None:
    same = next((one for one in others if one.from_ms == entry.from_ms), None)
    if same is not None:
        raise wrong_value(
            "shift",
            entry.own["shift"],
            f"entry {same.id} plans this shift with {same.own['tonnes']:g} t; allowed: corrects: {same.id}",
        )


def _element(entry: Entry, unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    allowed = elements_of(unit.mineral)
    if entry.own["element"] not in allowed:
        raise wrong_value("element", entry.own["element"], f"not assayed at this unit; allowed: {', '.join(allowed)}")


def _grades_in_order(entry: Entry, _unit: Unit, _others: Sequence[Entry], _now_ms: int) -> None:
    """Only c > f > t >= 0 is a separation: anything else is a slip of the pen, or samples mixed up."""
    feed, concentrate, tailings = (entry.figure(name) for name in ("feed", "concentrate", "tailings"))
    pairs = (("concentrate", concentrate, "feed", feed), ("feed", feed, "tailings", tailings))
    for above, high, below, low in (*pairs, ("concentrate", concentrate, "tailings", tailings)):
        if high is not None and low is not None and not high > low:
            raise wrong_value(above, high, f"not above {below}, {low:g} %; allowed: concentrate > feed > tailings >= 0")


RULES: Final[dict[InputKind, tuple[Check, ...]]] = {
    InputKind.STOPS: (_not_too_old, _in_order, _stop_length, _stop_time, _no_overlap),
    InputKind.ORE: (_not_too_old, _not_ahead, _one_at_a_time),
    InputKind.TARGETS: (_not_too_old, _not_ahead, _target_of_belt, _one_at_a_time),
    InputKind.PLANS: (_not_too_old, _plan_day, _plan_of_belt, _one_plan),
    InputKind.ASSAYS: (_not_too_old, _in_order, _not_ahead, _element, _grades_in_order),
    InputKind.SCALE_EPOCHS: (_not_too_old, _not_ahead, _one_at_a_time),
}
