"""What the sessions ask of the MQTT client, and what they tell their owner."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orewatch.sparkplug.datatypes import DataType, MetricValue
    from orewatch.sparkplug.payload import Metric


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish ``payload`` on ``topic``."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe to a topic filter."""

    topic: str
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Leave the broker with a DISCONNECT packet, after what was published. ``reconnect``: come back with a new will."""

    reconnect: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A host wrote ``value`` to a writable metric of the node (``device`` None) or of a device."""

    device: str | None
    name: str
    value: MetricValue
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBorn:
    """An NBIRTH was accepted. Every device of the node is unknown until its own DBIRTH follows."""

    group: str
    node: str
    metrics: Mapping[str, Metric]
    timestamp_ms: int
    bd_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBorn:
    """A DBIRTH was accepted."""

    group: str
    node: str
    device: str
    metrics: Mapping[str, Metric]
    timestamp_ms: int


class HostMetric(NamedTuple):
    """One value as a host sees it: names resolved, times ms UTC, ``quality`` as Sparkplug's 192, 0 or 500."""

    name: str
    datatype: DataType
    value: MetricValue
    timestamp_ms: int
    is_historical: bool
    quality: int


@dataclass(frozen=True, kw_only=True)
class Data:
    """An NDATA (``device`` None) or DDATA, in order. The columns are parallel; ``metrics`` is the same as rows.

    ``historical`` and ``qualities`` are None where no metric is historical and where all are GOOD (192).
    Messages that name the same metrics in the same order usually share one ``names`` tuple: a reader
    may key its own work by it.
    """

    group: str
    node: str
    device: str | None
    received_ms: int
    names: tuple[str, ...]
    datatypes: tuple[DataType, ...]
    values: Sequence[MetricValue]
    timestamps_ms: Sequence[int]
    historical: Sequence[bool] | None = None
    qualities: Sequence[int] | None = None

    @cached_property
    def metrics(self) -> Sequence[HostMetric]:
        """The columns as rows, for readers who do not count microseconds."""
        count = len(self.names)
        historical = self.historical or (False,) * count
        qualities = self.qualities or (192,) * count
        columns = (self.names, self.datatypes, self.values, self.timestamps_ms, historical, qualities)
        return [HostMetric(*row) for row in zip(*columns, strict=True)]


class DeathCause(StrEnum):
    """Why a node counts as dead."""

    NDEATH = "ndeath"
    HOST_OFFLINE = "host_offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDied:
    """A node died, and with it every device: all its values are stale from ``at_ms`` (host receipt)."""

    group: str
    node: str
    at_ms: int
    cause: DeathCause = DeathCause.NDEATH


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDied:
    """A device died: its values are stale from ``at_ms`` (the payload's time)."""

    group: str
    node: str
    device: str
    at_ms: int


class RejectReason(StrEnum):
    """Why a message, or a metric of it, was not handed on."""

    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    BEFORE_BIRTH = "before_birth"
    UNKNOWN_METRIC = "unknown_metric"
    CHANGED_TYPE = "changed_type"
    BAD_VALUE = "bad_value"
    BAD_BIRTH = "bad_birth"
    BAD_SEQ = "bad_seq"
    DUPLICATE = "duplicate"
    OTHER_SESSION = "other_session"
    TOO_MANY_NODES = "too_many_nodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message (or, with ``detail`` naming them, single metrics of it) was refused."""

    reason: RejectReason
    topic: str
    payload: bytes = field(repr=False)
    detail: str
    group: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RebirthAsked:
    """A node was asked for its births again."""

    group: str
    node: str
    why: str


Event: TypeAlias = Command | NodeBorn | DeviceBorn | Data | NodeDied | DeviceDied | Rejected | RebirthAsked
Action: TypeAlias = Publish | Subscribe | Disconnect | Event
