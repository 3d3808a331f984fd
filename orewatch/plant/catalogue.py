"""The catalogue: machine classes, their signals, and the circuits that machines form.

The table is ``catalogue.toml``; this module reads and checks it. Units are UCUM codes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from orewatch.plant.streams import Stream, StreamError, read_streams

if TYPE_CHECKING:
    from collections.abc import Mapping


class CatalogueError(ValueError):
    """An entry of the catalogue is wrong; the message names it and what is allowed."""


class SignalKind(StrEnum):
    """How a signal's numbers are to be read."""

    ANALOG = "analog"
    DIGITAL = "digital"
    TOTALISER = "totaliser"


class Priority(StrEnum):
    """Alarm priority, in the words of ISA-18.2."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class SignalRef(NamedTuple):
    """One signal of one machine of a unit."""

    machine: str
    signal: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``machine.signal``; :class:`CatalogueError` where it is not of that form."""
        machine, dot, signal = text.partition(".")
        if not (machine and dot and signal):
            msg = f"{text!r} is not of the form machine.signal"
            raise CatalogueError(msg)
        return cls(machine, signal)

    def __str__(self) -> str:
        return f"{self.machine}.{self.signal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal and its limits.

    ``low``/``high`` (range), the limits and ``deadband`` are in ``unit``; ``resolution`` is one
    step of the sensor; ``rate_s`` the seconds between samples. ``*_ratio`` limits refer to a
    setpoint, charge value or the machine's own baseline and become absolute in :meth:`resolved`.
    """

    name: str
    kind: SignalKind = SignalKind.ANALOG
    unit: str = "1"
    low: float = 0.0
    high: float = 1.0
    resolution: float | None = 1.0
    rate_s: float = 1.0
    normal_low: float | None = None
    normal_high: float | None = None
    warn: float | None = None
    trip: float | None = None
    warn_low: float | None = None
    trip_low: float | None = None
    warn_ratio: float | None = None
    trip_ratio: float | None = None
    warn_ratio_low: float | None = None
    normal_ratio_low: float | None = None
    normal_ratio_high: float | None = None
    baseline: bool = False
    warn_delay_s: float = 0.0
    deadband: float = 0.0
    delay_s: float = 0.0
    priority: Priority | None = None
    decides: bool = False
    wrap: float | None = None

    @property
    def max_silence_s(self) -> float:
        """How long the live lane may stay silent about this signal, and how long others may hold its value."""
        return max(60.0, 3 * self.rate_s) if self.decides else 300.0

    def resolved(self, reference: float | None) -> Signal:
        """Return the signal with ratio limits made absolute; unchanged without a ``reference`` (in ``unit``)."""
        if reference is None:
            return self
        pairs = {
            "warn": self.warn_ratio,
            "trip": self.trip_ratio,
            "warn_low": self.warn_ratio_low,
            "normal_low": self.normal_ratio_low,
            "normal_high": self.normal_ratio_high,
        }
        absolute = {
            name: ratio * reference
            for name, ratio in pairs.items()
            if ratio is not None and getattr(self, name) is None
        }
        return replace(self, **absolute)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class MachineClass:
    """A kind of machine; ``title`` by language code. ``carries_ore``: rock flows through it (not through a genset)."""

    name: str
    title: Mapping[str, str]
    signals: Mapping[str, Signal]
    carries_ore: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which signal plays which part in the unit's state.

    ``no_load`` and ``full_load`` are in the unit of ``main``.
    """

    flow: SignalRef
    total: SignalRef
    main: SignalRef
    no_load: float
    full_load: float
    hopper: SignalRef | None = None
    upstream: tuple[SignalRef, ...] = ()
    drives: tuple[SignalRef, ...] = ()
    plugged: tuple[SignalRef, ...] = ()
    tripped: tuple[SignalRef, ...] = ()
    energised: tuple[SignalRef, ...] = ()

    def refs(self) -> tuple[SignalRef, ...]:
        """Every signal that the state needs, each once, in a fixed order."""
        single = (self.flow, self.total, self.main, *((self.hopper,) if self.hopper else ()))
        many = (*self.upstream, *self.drives, *self.plugged, *self.tripped, *self.energised)
        return tuple(dict.fromkeys((*single, *many)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A default arrangement of machines for one mineral; ``machines`` maps id to class name, in flow order."""

    name: str
    title: Mapping[str, str]
    mineral: str
    nameplate_tph: float
    kwh_per_t: tuple[float, float]
    machines: Mapping[str, str]
    roles: Roles
    streams: tuple[Stream, ...] = ()
    reference: Mapping[SignalRef, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All classes and circuits."""

    classes: Mapping[str, MachineClass]
    circuits: Mapping[str, Circuit]


@cache
def catalogue() -> Catalogue:
    """Return the built-in catalogue, read once."""
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return read_catalogue(text)


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue in TOML; :class:`CatalogueError` names the entry that is wrong."""
    table = tomllib.loads(text)
    classes = {
        name: MachineClass(
            name,
            dict(entry["title"]),
            {s: _signal(f"class.{name}.signal.{s}", s, spec) for s, spec in entry["signal"].items()},
            entry.get("carries_ore", True),
        )
        for name, entry in table["class"].items()
    }
    circuits = {name: _circuit(name, entry, classes) for name, entry in table["circuit"].items()}
    return Catalogue(classes, circuits)


_SIGNAL_FIELDS = {f.name for f in fields(Signal)} - {"name"}
_PAIRS = {"range": ("low", "high"), "normal": ("normal_low", "normal_high")}
_RATIO_PAIRS = {"normal_ratio": ("normal_ratio_low", "normal_ratio_high")}


def _signal(where: str, name: str, spec: Mapping[str, Any]) -> Signal:
    values: dict[str, Any] = {}
    for key, value in spec.items():
        names = _PAIRS.get(key) or _RATIO_PAIRS.get(key)
        if names:
            values.update(zip(names, map(float, value), strict=True))
        elif key == "kind":
            values[key] = SignalKind(value)
        elif key == "priority":
            values[key] = Priority(value)
        elif key in _SIGNAL_FIELDS:
            values[key] = value
        else:
            msg = f"{where}: unknown key {key!r}; allowed: {', '.join(sorted(_SIGNAL_FIELDS | set(_PAIRS)))}"
            raise CatalogueError(msg)
    signal = Signal(name=name, **values)
    if not signal.low < signal.high:
        msg = f"{where}: range [{signal.low}, {signal.high}] is empty; low must be below high"
        raise CatalogueError(msg)
    if signal.rate_s <= 0 or (signal.resolution is not None and signal.resolution <= 0):
        msg = f"{where}: rate_s and resolution must be above 0"
        raise CatalogueError(msg)
    return signal


def _circuit(name: str, entry: Mapping[str, Any], classes: Mapping[str, MachineClass]) -> Circuit:
    machines = dict(entry["machines"])

    def ref(text: str) -> SignalRef:
        found = SignalRef.parse(text)
        cls = classes.get(machines.get(found.machine, ""))
        if cls is None or found.signal not in cls.signals:
            msg = f"circuit.{name}: no signal {text!r}; machines are {', '.join(machines)}"
            raise CatalogueError(msg)
        return found

    role = entry["role"]
    many = {k: tuple(map(ref, role[k])) for k in ("upstream", "drives", "plugged", "tripped", "energised")}
    roles = Roles(
        flow=ref(role["flow"]),
        total=ref(role["total"]),
        main=ref(role["main"]["signal"]),
        no_load=float(role["main"]["no_load"]),
        full_load=float(role["main"]["full_load"]),
        hopper=ref(role["hopper"]) if "hopper" in role else None,
        **many,
    )
    carrying = [machine for machine, cls in machines.items() if classes[cls].carries_ore]
    try:
        streams = read_streams(entry.get("streams", []), carrying)
    except StreamError as error:
        msg = f"circuit.{name}.streams: {error}"
        raise CatalogueError(msg) from error
    low, high = entry["kwh_per_t"]
    return Circuit(
        name=name,
        title=dict(entry["title"]),
        mineral=entry["mineral"],
        nameplate_tph=float(entry["nameplate_tph"]),
        kwh_per_t=(float(low), float(high)),
        machines=machines,
        roles=roles,
        streams=streams,
        reference={ref(k): float(v) for k, v in entry.get("reference", {}).items()},
    )
