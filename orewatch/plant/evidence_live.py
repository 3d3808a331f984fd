"""The newest readings of many units, giving live evidence second by second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.plant.evidence import SECOND_MS, Evidence, hold_on_change, is_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from orewatch.plant.catalogue import Signal, SignalRef
    from orewatch.plant.unit import Unit

_NEVER = np.iinfo(np.int64).min // 2
_MANY = ("upstream", "drives", "plugged", "tripped", "energised")
_ANY = ("plugged", "tripped", "energised")


class HeldReadings:
    """The newest reading of each signal that states need, for many units; gives live evidence [1, U].

    A unit's number is its place in ``units``, and then in the order of :meth:`add`.
    """

    def __init__(self, *, units: Sequence[Unit], hold_s: Callable[[Signal], float] = hold_on_change) -> None:
        self._hold_s = hold_s
        self._units: list[Unit] = []
        self._number: dict[str, int] = {}
        self._heard: dict[int, dict[int, bool]] = {}
        self._people: dict[str, NDArray[np.int8]] = {}
        self._slots: dict[tuple[str, SignalRef], list[int]] = {}
        self._time = np.empty(0, np.int64)
        self._value = np.empty(0)
        self._build(units)

    def add(self, units: Sequence[Unit]) -> None:
        """Add units in this order, or take new descriptions of known ids. Many cost what one does."""
        together = {unit.id: unit for unit in self._units} | {unit.id: unit for unit in units}
        self._build(list(together.values()))

    def hear(self, unit_id: str, at_ms: int, *, clock_bad: bool = False) -> None:
        """Note that a message came from the unit in the second of ``at_ms``; KeyError for an unknown unit."""
        second = self._heard.setdefault(at_ms // SECOND_MS, {})
        number = self._number[unit_id]
        second[number] = second.get(number, False) or clock_bad

    def put(self, unit_id: str, ref: SignalRef, time_ms: int, value: float) -> None:
        """Note a reading (NaN: BAD); one that is older than what stands, or of no role, is ignored."""
        for slot in self._slots.get((unit_id, ref), ()):
            if time_ms >= self._time[slot]:
                self._time[slot] = time_ms
                self._value[slot] = value

    def set_from_people(
        self,
        unit_id: str,
        *,
        planned: bool | None = None,
        coded: bool | None = None,
        scheduled: bool | None = None,
        failed: bool | None = None,
        underperforming: bool | None = None,
    ) -> None:
        """Set what does not come from sensors; None leaves it."""
        told = {"planned": planned, "coded": coded, "scheduled": scheduled, "failed": failed}
        told["underperforming"] = underperforming
        for name, value in told.items():
            if value is not None:
                self._people[name][self._number[unit_id]] = value

    def evidence(self, second_ms: int) -> Evidence:
        """Return evidence [1, U] for the second that starts at ``second_ms``; forgets what was heard before it."""
        second = second_ms // SECOND_MS
        heard = np.zeros(len(self._units), np.bool_)
        clock_bad = np.zeros(len(self._units), np.bool_)
        for number, bad in self._heard.get(second, {}).items():
            heard[number], clock_bad[number] = True, bad
        for past in [s for s in self._heard if s <= second]:
            del self._heard[past]
        known = second_ms - self._time <= self._hold
        value = np.where(known, self._value, np.nan)
        on = np.where(np.isnan(value), np.int8(-1), (value > self._on).astype(np.int8))
        flow, main, hopper = (value[self._single[name]] for name in ("flow", "main", "hopper"))
        columns: dict[str, NDArray[np.generic]] = {
            "heard": heard,
            "clock_bad": clock_bad,
            "flow_pct": flow * self._per_nameplate,
            "load_pct": main * self._per_full_load,
            "effort_pct": (main - self._no_load) * self._per_full_load,
            "hopper_pct": hopper,
            "planned": self._people["planned"].astype(np.bool_),
            "coded": self._people["coded"].astype(np.bool_),
            "scheduled": self._people["scheduled"].astype(np.bool_),
            "failed": self._people["failed"].astype(np.bool_),
            "underperforming": self._people["underperforming"].copy(),
        }
        for role in _MANY:
            columns[role] = self._together(role, on)
        time_ms = np.array([second * SECOND_MS], np.int64)
        return Evidence(time_ms=time_ms, **{name: column[None, :] for name, column in columns.items()})  # type: ignore[arg-type]

    def _together(self, role: str, on: NDArray[np.int8]) -> NDArray[np.int8]:
        """Combine each unit's signals of one role: any of plugged, tripped, energised; all of upstream, drives."""
        owner, slots = self._many[role]
        count = len(self._units)
        some = np.bincount(owner, minlength=count) > 0
        has = [np.bincount(owner[on[slots] == code], minlength=count) > 0 for code in (-1, 0, 1)]
        if role in _ANY:
            return np.where(has[2], 1, np.where(has[0], -1, 0)).astype(np.int8)
        return np.where(has[1], 0, np.where(has[0] | ~some, -1, 1)).astype(np.int8)

    def _build(self, units: Sequence[Unit]) -> None:
        """Lay the readings out flat, one slot for each signal and role; slot 0 is a signal that is never read."""
        kept = {key: (int(self._time[s[0]]), float(self._value[s[0]])) for key, s in self._slots.items()}
        people = self._people
        self._units = list(units)
        self._number = {unit.id: number for number, unit in enumerate(units)}
        self._slots = {}
        hold, on = [0.0], [0.0]

        def slot(unit: Unit, ref: SignalRef | None) -> int:
            if ref is None:
                return 0
            self._slots.setdefault((unit.id, ref), []).append(len(hold))
            hold.append(1000 * self._hold_s(unit.signal(ref)))
            on.append(is_on(unit.signal(ref)))
            return len(hold) - 1

        self._single = {
            name: np.array([slot(unit, getattr(unit.roles, name)) for unit in units], np.int64)
            for name in ("flow", "main", "hopper")
        }
        self._many: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        for role in _MANY:
            pairs = [(n, slot(unit, ref)) for n, unit in enumerate(units) for ref in getattr(unit.roles, role)]
            table = np.array(pairs, np.int64).reshape(-1, 2)
            self._many[role] = (table[:, 0], table[:, 1])
        self._hold, self._on = np.array(hold).round().astype(np.int64), np.array(on)
        self._time = np.full(len(hold), _NEVER, np.int64)
        self._value = np.full(len(hold), np.nan)
        for key, (time_ms, value) in kept.items():
            for at in self._slots.get(key, ()):
                self._time[at], self._value[at] = time_ms, value
        self._per_nameplate = np.array([100 / unit.nameplate_tph for unit in units])
        self._per_full_load = np.array([100 / unit.roles.full_load for unit in units])
        self._no_load = np.array([unit.roles.no_load for unit in units])
        self._people = {
            name: np.zeros(len(units), np.int8) for name in ("planned", "coded", "failed", "underperforming")
        }
        self._people["scheduled"] = np.ones(len(units), np.int8)
        for name, column in people.items():
            self._people[name][: len(column)] = column
