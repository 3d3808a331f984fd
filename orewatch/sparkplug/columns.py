"""Reads the metrics of DATA as columns, by what the births declared.

A metric's value is read from the field its declared type uses, without asking which field is set:
that costs a third. A field that is not set reads as zero or empty, so only those are looked at twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from orewatch.sparkplug.actions import RejectReason
from orewatch.sparkplug.datatypes import BLOBS, SIGNED, TEXTS, UNSIGNED, DataType, is_array
from orewatch.sparkplug.fields import FieldError, read_field, read_value
from orewatch.sparkplug.pattern import Pattern, learn
from orewatch.sparkplug.payload import GOOD, MAX_TIME_MS, read_properties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.sparkplug import sparkplug_b_pb2 as pb
    from orewatch.sparkplug.datatypes import MetricValue

# How these look on the wire; finding them by chance only costs the careful way.
_HISTORICAL = b"\x28\x01"
_NULL = b"\x38\x01"
_QUALITY = b"Quality"
MAX_LAYOUTS = 256
MAX_PATTERNS = 16
WORTH_A_PATTERN = 8  # metrics; fewer are read faster one by one

Fault: TypeAlias = tuple[RejectReason, str]


@dataclass(frozen=True, slots=True)
class Known:
    """A metric a birth declared."""

    name: str
    datatype: DataType


@dataclass(frozen=True, slots=True)
class Layout:
    """Which metrics, in which order, some messages carry; ``reread``: places whose field needs interpreting."""

    names: tuple[str, ...]
    datatypes: tuple[DataType, ...]
    fields: tuple[str, ...]
    one_field: str | None
    reread: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """What a message said; parallel columns, see actions.Data."""

    names: tuple[str, ...]
    datatypes: tuple[DataType, ...]
    values: Sequence[MetricValue]
    timestamps_ms: list[int]
    historical: list[bool] | None = None
    qualities: list[int] | None = None


@dataclass(slots=True)
class Owner:
    """A node's own metrics, or a device's, as its birth declared them."""

    names: dict[str, Known] = field(default_factory=dict)
    aliases: dict[int, Known] = field(default_factory=dict)
    alias_of: dict[str, int] = field(default_factory=dict)
    alive: bool = True
    layouts: dict[tuple[int | str, ...], Layout | None] = field(default_factory=dict)
    patterns: dict[int, tuple[Pattern, Columns] | None] = field(default_factory=dict)  # by length
    last_names: tuple[str, ...] = ()

    def declare(self, name: str, alias: int | None, known: Known) -> None:
        """Add one metric of a birth."""
        self.names[name] = known
        if alias is not None:
            self.aliases[alias] = known
            self.alias_of[name] = alias

    def known(self, metric: pb.Metric) -> Known | None:
        """Find what a metric of DATA refers to; an alias wins over a name."""
        if metric.HasField("alias"):
            return self.aliases.get(metric.alias)
        return self.names.get(metric.name)


def read_columns(owner: Owner, wire: pb.Payload, raw: bytes, now_ms: int) -> tuple[Columns, list[Fault]]:
    """Read all metrics of a DATA payload; what is wrong with single ones comes back as faults."""
    metrics = wire.metrics
    key: Sequence[int | str] = [m.alias for m in metrics]
    if 0 in key:  # by name, or by the alias 0
        key = [m.alias if m.HasField("alias") else m.name for m in metrics]
    layout = _layout(owner, tuple(key))
    if layout is None or _NULL in raw:
        return _read_carefully(owner, metrics, wire.timestamp or now_ms)
    if layout.one_field == "double_value":
        values: list[MetricValue] = [m.double_value for m in metrics]
    elif layout.one_field is not None:
        one = layout.one_field
        values = [getattr(m, one) for m in metrics]
    else:
        values = [getattr(m, f) for m, f in zip(metrics, layout.fields, strict=True)]
    if layout.reread or not all(values):
        try:
            _reread(values, layout, metrics)
        except FieldError:
            return _read_carefully(owner, metrics, wire.timestamp or now_ms)
    times = [m.timestamp for m in metrics]
    if 0 in times:
        times = [t or wire.timestamp or now_ms for t in times]
    if max(times, default=0) > MAX_TIME_MS:
        return _read_carefully(owner, metrics, wire.timestamp or now_ms)
    historical = [m.is_historical for m in metrics] if _HISTORICAL in raw else []
    columns = Columns(
        layout.names,
        layout.datatypes,
        values,
        times,
        historical if any(historical) else None,
        _qualities(metrics) if _QUALITY in raw else None,
    )
    if layout.one_field == "double_value" and len(values) >= WORTH_A_PATTERN:
        _learn(owner, columns, raw)
    return columns, []


def read_alike(owner: Owner, raw: bytes, seq: int) -> Columns | None:
    """Read a DATA payload that looks like earlier ones and has the number ``seq``; None: read it the long way."""
    learned = owner.patterns.get(len(raw))
    if learned is None:
        return None
    pattern, example = learned
    if pattern.seq(raw) != seq:
        return None
    found = pattern.read(raw)
    if found is None:
        return None
    return Columns(example.names, example.datatypes, *found)


def _learn(owner: Owner, columns: Columns, raw: bytes) -> None:
    """Learn from the second of two messages alike: a report by exception seldom comes twice."""
    if columns.names is not owner.last_names:
        owner.last_names = columns.names
    elif len(raw) not in owner.patterns:
        if len(owner.patterns) >= MAX_PATTERNS:
            owner.patterns.clear()
        pattern = learn(raw)
        owner.patterns[len(raw)] = None if pattern is None else (pattern, columns)


def _layout(owner: Owner, key: tuple[int | str, ...]) -> Layout | None:
    try:
        return owner.layouts[key]
    except KeyError:
        pass
    found = [owner.names.get(k) if isinstance(k, str) else owner.aliases.get(k) for k in key]
    known = tuple(k for k in found if k is not None)
    layout = None
    if len(known) == len(key):
        datatypes = tuple(k.datatype for k in known)
        fields = tuple(_field(d) for d in datatypes)
        reread = tuple(place for place, d in enumerate(datatypes) if not _is_plain(d))
        one_field = fields[0] if len(set(fields)) == 1 else None
        layout = Layout(tuple(k.name for k in known), datatypes, fields, one_field, reread)
    if len(owner.layouts) >= MAX_LAYOUTS:
        owner.layouts.clear()
    owner.layouts[key] = layout
    return layout


def _field(datatype: DataType) -> str:
    """The field a value of this type should be in."""
    if datatype is DataType.DOUBLE:
        return "double_value"
    if datatype is DataType.FLOAT:
        return "float_value"
    if datatype is DataType.BOOLEAN:
        return "boolean_value"
    if datatype in TEXTS:
        return "string_value"
    if is_array(datatype) or datatype in BLOBS:
        return "bytes_value"
    wide = SIGNED.get(datatype, UNSIGNED.get(datatype, 0)) > 32  # noqa: PLR2004 - the narrow field's bits
    return "long_value" if wide else "int_value"


def _is_plain(datatype: DataType) -> bool:
    """Whether the field's content is the value, as it stands."""
    return datatype in {DataType.DOUBLE, DataType.FLOAT, DataType.BOOLEAN, DataType.BYTES, DataType.FILE}


def _reread(values: list[MetricValue], layout: Layout, metrics: Sequence[pb.Metric]) -> None:
    """Interpret what needs it, and look again where a field may not have been set at all."""
    for place in layout.reread:
        if values[place]:
            values[place] = read_field(values[place], layout.fields[place], layout.datatypes[place])
    for place, value in enumerate(values):
        if not value:
            values[place] = read_value(metrics[place], layout.datatypes[place])


def _qualities(metrics: Sequence[pb.Metric]) -> list[int] | None:
    """The Quality of each metric, GOOD where it tells none; None where all are GOOD."""
    qualities = []
    for metric in metrics:
        told = read_properties(metric.properties).get("Quality") if metric.HasField("properties") else None
        qualities.append(told if isinstance(told, int) else GOOD)
    return qualities if any(q != GOOD for q in qualities) else None


def _read_carefully(owner: Owner, metrics: Sequence[pb.Metric], default_ms: int) -> tuple[Columns, list[Fault]]:
    """Read metric by metric, leaving out those that are unknown or do not fit."""
    faults: list[Fault] = []
    good: list[tuple[pb.Metric, Known, MetricValue]] = []
    for metric in metrics:
        what = f"alias {metric.alias}" if metric.HasField("alias") else f"name {metric.name!r:.80}"
        known = owner.known(metric)
        if known is None:
            faults.append((RejectReason.UNKNOWN_METRIC, f"{what} is in no birth"))
            continue
        if (metric.timestamp or default_ms) > MAX_TIME_MS:
            faults.append((RejectReason.BAD_VALUE, f"{known.name}: time {metric.timestamp or default_ms} ms is none"))
            continue
        try:
            good.append((metric, known, read_value(metric, known.datatype)))
        except FieldError as error:
            reason = RejectReason.CHANGED_TYPE if error.changed else RejectReason.BAD_VALUE
            faults.append((reason, f"{known.name}: {error}"))
    historical = [m.is_historical for m, _, _ in good]
    columns = Columns(
        names=tuple(k.name for _, k, _ in good),
        datatypes=tuple(k.datatype for _, k, _ in good),
        values=[v for _, _, v in good],
        timestamps_ms=[m.timestamp or default_ms for m, _, _ in good],
        historical=historical if any(historical) else None,
        qualities=_qualities([m for m, _, _ in good]),
    )
    return columns, faults
