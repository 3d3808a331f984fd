"""Sparkplug payloads: bytes to dataclasses and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from orewatch.sparkplug.datatypes import DataSet, DataType, MetricValue

__all__ = ["DataSet", "DataType", "Metric", "MetricValue", "Payload", "PayloadError", "decode", "encode"]

GOOD = 192
BAD = 0
STALE = 500
PropertyScalar: TypeAlias = bool | int | float | str | None
MAX_PAYLOAD_BYTES = 1 << 20


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
    raise NotImplementedError


def decode(data: bytes, *, max_bytes: int = MAX_PAYLOAD_BYTES) -> Payload:
    """Decode bytes leniently; :class:`PayloadError` with its fault where they are no payload."""
    raise NotImplementedError
