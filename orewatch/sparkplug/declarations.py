"""What an edge node says of itself: declared metrics, their last values, and how births and DATA state them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orewatch.sparkplug.fields import FieldError, write_value
from orewatch.sparkplug.payload import GOOD, STALE, PayloadError, PayloadFault, write_properties
from orewatch.sparkplug.topics import check_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orewatch.sparkplug import sparkplug_b_pb2 as pb
    from orewatch.sparkplug.datatypes import DataType, MetricValue
    from orewatch.sparkplug.payload import PropertyScalar

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDeclaration:
    """One metric of the node or a device, as births declare it.

    ``births_null``: each value is an event of its own (a block): births say null, and no value is remembered.
    """

    name: str
    datatype: DataType
    alias: int | None = None
    properties: Mapping[str, PropertyScalar] = field(default_factory=dict)
    writable: bool = False
    births_null: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One value to publish. ``value`` None: nothing known (is_null); ``quality`` 192, 0 or 500."""

    name: str
    value: MetricValue
    timestamp_ms: int
    quality: int = GOOD
    is_historical: bool = False


@dataclass(slots=True)
class Slot:
    """A declared metric and the last value known of it; ``sent_ms`` and ``sent_quality`` as hosts know them."""

    declaration: MetricDeclaration
    value: MetricValue = None
    timestamp_ms: int | None = None
    quality: int = STALE
    sent_ms: int = 0
    sent_quality: int = GOOD

    def put(self, value: MetricValue, timestamp_ms: int, quality: int) -> None:
        """Remember a value for the next birth."""
        if not self.declaration.births_null:
            self.value, self.timestamp_ms, self.quality = value, timestamp_ms, quality

    def write_birth(self, out: pb.Metric, now_ms: int) -> None:
        """Fill ``out`` as a birth states this metric: everything, with its present value."""
        declared = self.declaration
        out.name = declared.name
        if declared.alias is not None:
            out.alias = declared.alias
        out.datatype = declared.datatype
        out.timestamp = self.birth_ms(now_ms)
        write(out, declared, self.value)
        properties = dict(declared.properties)
        if not declared.births_null:
            properties["Quality"] = self.quality
        write_properties(out.properties, properties)
        # What a birth says of events is that there was none until now: older ones that follow are history.
        self.sent_ms = out.timestamp if declared.births_null else self.timestamp_ms or 0
        self.sent_quality = self.quality

    def birth_ms(self, now_ms: int) -> int:
        """The time a birth gives this metric: its value's, or now where there has been none."""
        return now_ms if self.timestamp_ms is None else self.timestamp_ms

    def write_data(self, out: pb.Metric, reading: Reading, *, historical: bool) -> None:
        """Fill ``out`` as DATA states a reading: the alias alone where there is one, and no datatype."""
        declared = self.declaration
        if declared.alias is None:
            out.name = declared.name
        else:
            out.alias = declared.alias
        out.timestamp = reading.timestamp_ms
        if historical:
            out.is_historical = True
        write(out, declared, reading.value)
        # Some hosts keep the last Quality they were told, so the way back to GOOD is said as well.
        if reading.quality != GOOD or (self.sent_quality != GOOD and not historical and not declared.births_null):
            write_properties(out.properties, {"Quality": reading.quality})


def write(out: pb.Metric, declared: MetricDeclaration, value: MetricValue) -> None:
    """Set the value, or is_null; :class:`PayloadError` naming the metric where the value does not fit."""
    if value is None:
        out.is_null = True
        return
    try:
        write_value(out, declared.datatype, value)
    except FieldError as error:
        raise PayloadError(PayloadFault.BAD_VALUE, f"metric {declared.name}: {error}") from error


@dataclass(slots=True)
class Owner:
    """The node itself or one of its devices: its metrics by name, and whether its link stands."""

    slots: dict[str, Slot]
    alive: bool = True

    def by_birth_time(self, now_ms: int) -> list[Slot]:
        """The metrics in the order a birth lists them: values of one message are chronological."""
        return sorted(self.slots.values(), key=lambda slot: slot.birth_ms(now_ms))


class Declarations:
    """All metrics of a node and its devices, by owner and name, and by alias.

    Raises ValueError on a name declared twice, a reserved name, an alias used twice; TopicError on a device id.
    """

    def __init__(
        self, node_metrics: Sequence[MetricDeclaration], devices: Mapping[str, Sequence[MetricDeclaration]]
    ) -> None:
        self.owners: dict[str | None, Owner] = {None: Owner(_slots("node", node_metrics))}
        for device, metrics in devices.items():
            self.owners[check_id(device, "device id")] = Owner(_slots(f"device {device}", metrics))
        for reserved in {BD_SEQ, REBIRTH} & self.owners[None].slots.keys():
            raise ValueError(f"node metric {reserved!r} is added by the session; allowed: any other name")
        self.by_alias: dict[int, tuple[str | None, Slot]] = {}
        for owner, slot in self.all():
            alias = slot.declaration.alias
            if alias is None:
                continue
            if alias in self.by_alias or not 0 <= alias < 1 << 64:
                name = slot.declaration.name
                raise ValueError(f"alias {alias} of {name!r} ({owner or 'node'}); allowed: unique, 0 to 2**64 - 1")
            self.by_alias[alias] = owner, slot

    def all(self) -> Iterator[tuple[str | None, Slot]]:
        """Every metric with its owner (None: the node)."""
        for name, owner in self.owners.items():
            for slot in owner.slots.values():
                yield name, slot

    def devices(self) -> Iterator[tuple[str, Owner]]:
        """The devices."""
        for name, owner in self.owners.items():
            if name is not None:
                yield name, owner

    def owner(self, device: str | None) -> Owner:
        """The node (None) or a device; ValueError naming an unknown one."""
        try:
            return self.owners[device]
        except KeyError:
            known = ", ".join(name for name, _ in self.devices())
            raise ValueError(f"device {device!r} is not declared; allowed: {known}") from None

    def slot(self, device: str | None, name: str) -> Slot:
        """One metric; ValueError naming an unknown one."""
        try:
            return self.owner(device).slots[name]
        except KeyError:
            raise ValueError(f"metric {name!r} of {device or 'the node'} is not declared") from None

    def keep_values(self, old: Declarations) -> None:
        """Take over from ``old`` the values of metrics that are declared the same way, and lost links."""
        for device, slot in self.all():
            before = old.owners.get(device)
            if before is None:
                continue
            kept = before.slots.get(slot.declaration.name)
            if kept is not None and kept.declaration.datatype == slot.declaration.datatype:
                slot.put(kept.value, kept.birth_ms(0), kept.quality)
                slot.timestamp_ms = kept.timestamp_ms
        for name, owner in self.devices():
            if name in old.owners:
                owner.alive = old.owners[name].alive


def _slots(what: str, metrics: Sequence[MetricDeclaration]) -> dict[str, Slot]:
    slots: dict[str, Slot] = {}
    for declaration in metrics:
        if not declaration.name or declaration.name in slots:
            raise ValueError(f"metric {declaration.name!r} of {what} is empty or declared twice")
        slots[declaration.name] = Slot(declaration)
    return slots
