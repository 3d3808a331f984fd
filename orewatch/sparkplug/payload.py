"""Sparkplug payloads: bytes to dataclasses and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from google.protobuf.message import DecodeError

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.datatypes import DataSet, DataType, MetricValue
from orewatch.sparkplug.fields import FieldError, read_field, read_value, write_value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DataSet",
    "DataType",
    "Metric",
    "MetricValue",
    "Payload",
    "PayloadError",
    "PayloadFault",
    "decode",
    "encode",
]

GOOD = 192
BAD = 0
STALE = 500
PropertyScalar: TypeAlias = bool | int | float | str | None
MAX_PAYLOAD_BYTES = 1 << 20
MAX_METRICS = 65_536
MAX_TIME_MS = 1 << 53
"""Above it a time is none: it fits neither a database's integer nor a browser's number."""


class PayloadFault(StrEnum):
    """Why bytes are not a payload."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    BAD_VALUE = "bad_value"


class PayloadError(ValueError):
    """Bytes are no Sparkplug payload, or a value does not fit its datatype; ``fault`` says which."""

    def __init__(self, fault: PayloadFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. Times in ms UTC. ``value`` None and ``is_null`` go together when encoding.

    ``properties``: scalars only; an int is encoded as Int32 or Int64, a float as Double.
    """

    name: str | None = None
    alias: int | None = None
    datatype: DataType | None = None
    value: MetricValue = None
    timestamp_ms: int | None = None
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    properties: Mapping[str, PropertyScalar] = field(default_factory=dict)

    @property
    def quality(self) -> int | None:
        """The Quality property, None where it is not given."""
        quality = self.properties.get("Quality")
        return quality if isinstance(quality, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One message's payload. ``seq`` 0..255, or None in NDEATH and commands."""

    timestamp_ms: int | None
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None
    uuid: str | None = None
    body: bytes | None = None


def encode(payload: Payload) -> bytes:
    """Encode a payload. :class:`PayloadError` (BAD_VALUE) where a value does not fit its datatype.

    A metric without a datatype (DATA, commands) is encoded by its value's Python type.
    """
    out = pb.Payload()
    if payload.timestamp_ms is not None:
        out.timestamp = payload.timestamp_ms
    if payload.seq is not None:
        out.seq = payload.seq
    if payload.uuid is not None:
        out.uuid = payload.uuid
    if payload.body is not None:
        out.body = payload.body
    for metric in payload.metrics:
        write_metric(out.metrics.add(), metric, metric.datatype)
    return out.SerializeToString()


def write_metric(out: pb.Metric, metric: Metric, encode_as: DataType | None) -> None:
    """Fill one wire metric; the value is encoded as ``encode_as``, whether or not the metric states its datatype."""
    if metric.name is not None:
        out.name = metric.name
    if metric.alias is not None:
        out.alias = metric.alias
    if metric.timestamp_ms is not None:
        out.timestamp = metric.timestamp_ms
    if metric.datatype is not None:
        out.datatype = metric.datatype
    if metric.is_historical:
        out.is_historical = True
    if metric.is_transient:
        out.is_transient = True
    if metric.value is None:
        out.is_null = True
    else:
        try:
            write_value(out, encode_as, metric.value)
        except FieldError as error:
            raise PayloadError(PayloadFault.BAD_VALUE, f"metric {metric.name or metric.alias}: {error}") from error
    if metric.properties:
        write_properties(out.properties, metric.properties)


def write_properties(out: pb.PropertySet, properties: Mapping[str, PropertyScalar]) -> None:
    """Fill a property set; keys and values stay parallel."""
    for key, value in properties.items():
        out.keys.append(key)
        item = out.values.add()
        if isinstance(value, bool):
            item.type, item.boolean_value = DataType.BOOLEAN, value
        elif isinstance(value, int):
            small = -(1 << 31) <= value < 1 << 31
            item.type = DataType.INT32 if small else DataType.INT64
            if small:
                item.int_value = value & 0xFFFF_FFFF
            else:
                item.long_value = value & 0xFFFF_FFFF_FFFF_FFFF
        elif isinstance(value, float):
            item.type, item.double_value = DataType.DOUBLE, value
        elif isinstance(value, str):
            item.type, item.string_value = DataType.STRING, value
        else:
            item.type, item.is_null = DataType.STRING, True


def parse(data: bytes, max_bytes: int = MAX_PAYLOAD_BYTES) -> pb.Payload:
    """Parse the wire form only; :class:`PayloadError` where it is none or too large."""
    if len(data) > max_bytes:
        raise PayloadError(PayloadFault.TOO_LARGE, f"payload of {len(data)} bytes; allowed: {max_bytes}")
    try:
        out = pb.Payload.FromString(data)
    except DecodeError as error:
        raise PayloadError(PayloadFault.MALFORMED, f"payload of {len(data)} bytes: {error}") from error
    if len(out.metrics) > MAX_METRICS:
        raise PayloadError(PayloadFault.TOO_LARGE, f"payload of {len(out.metrics)} metrics; allowed: {MAX_METRICS}")
    return out


def decode(data: bytes, *, max_bytes: int = MAX_PAYLOAD_BYTES) -> Payload:
    """Decode bytes leniently; :class:`PayloadError` with its fault where they are no payload."""
    wire = parse(data, max_bytes)
    return Payload(
        timestamp_ms=wire.timestamp if wire.HasField("timestamp") else None,
        metrics=tuple(read_metric(m) for m in wire.metrics),
        seq=wire.seq if wire.HasField("seq") else None,
        uuid=_text(wire.uuid) if wire.HasField("uuid") else None,
        body=wire.body if wire.HasField("body") else None,
    )


def _text(raw: object) -> str:
    """The parser hands out bytes where a text field is not UTF-8."""
    if not isinstance(raw, str):
        raise PayloadError(PayloadFault.MALFORMED, f"text is not UTF-8: {raw!r:.80}")
    return raw


def read_metric(wire: pb.Metric) -> Metric:
    """Read one wire metric; :class:`PayloadError` (BAD_VALUE) where value and datatype disagree."""
    name = _text(wire.name) if wire.HasField("name") else None
    try:
        datatype = DataType(wire.datatype) if wire.HasField("datatype") else None
        value = read_value(wire, datatype)
    except ValueError as error:
        raise PayloadError(PayloadFault.BAD_VALUE, f"metric {name or wire.alias}: {error}") from error
    if wire.timestamp > MAX_TIME_MS:
        raise PayloadError(PayloadFault.BAD_VALUE, f"metric {name or wire.alias}: time {wire.timestamp} ms is none")
    return Metric(
        name=name,
        alias=wire.alias if wire.HasField("alias") else None,
        datatype=datatype,
        value=value,
        timestamp_ms=wire.timestamp if wire.HasField("timestamp") else None,
        is_historical=wire.is_historical,
        is_transient=wire.is_transient,
        is_null=value is None,
        properties=read_properties(wire.properties) if wire.HasField("properties") else {},
    )


def read_properties(wire: pb.PropertySet) -> dict[str, PropertyScalar]:
    """Read the scalar properties; nested sets, keys that are no text, values unlike their type are left out."""
    out: dict[str, PropertyScalar] = {}
    for key, item in zip(wire.keys, wire.values, strict=False):
        if not isinstance(key, str):
            continue
        field = item.WhichOneof("value")
        if item.is_null or field is None:
            out[key] = None
            continue
        if field.startswith("propertyset"):
            continue
        try:
            value = read_field(getattr(item, field), field, DataType(item.type) if item.type else None)
        except ValueError:
            continue
        if isinstance(value, bool | int | float | str):
            out[key] = value
    return out
