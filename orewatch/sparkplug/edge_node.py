"""The edge node's side of a Sparkplug session: a state machine without I/O and without a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orewatch.sparkplug.actions import Action, Command, Disconnect, Publish, Subscribe
from orewatch.sparkplug.datatypes import DataType, MetricValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orewatch.sparkplug.payload import PropertyScalar

__all__ = ["Action", "Command", "Disconnect", "EdgeNodeSession", "MetricDeclaration", "Publish", "Reading", "Subscribe"]


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
    quality: int = 192
    is_historical: bool = False


class EdgeNodeSession:
    """One edge node's session with one broker.

    Args:
        group, node: the ids; topics.TopicError where they are not allowed.
        bd_seq: the last bdSeq used, kept by the caller across restarts; None: never connected.
        primary_host: wait for this host's STATE before births; None (default): do not wait.
        node_metrics: the node's own metrics; bdSeq and Node Control/Rebirth are added here.
        devices: device id -> its metrics. Aliases must be unique over node and devices (ValueError).
    """

    bd_seq: int | None
    born: bool

    def __init__(
        self,
        *,
        group: str,
        node: str,
        bd_seq: int | None,
        node_metrics: Sequence[MetricDeclaration],
        devices: Mapping[str, Sequence[MetricDeclaration]],
        primary_host: str | None = None,
    ) -> None:
        raise NotImplementedError

    def will(self, now_ms: int) -> Publish:
        """Advance bdSeq and return the NDEATH will. Call before every connect, then keep ``bd_seq``."""
        raise NotImplementedError

    def connected(self, now_ms: int) -> tuple[Action, ...]:
        """CONNACK came: subscriptions, then births (or the wait for the primary host)."""
        raise NotImplementedError

    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        """Handle a message: rebirth and STATE are dealt with inside, other writes come out as Command."""
        raise NotImplementedError

    def set_value(
        self, device: str | None, name: str, value: MetricValue, timestamp_ms: int, quality: int = 192
    ) -> None:
        """Set what the next birth will say of a metric, without publishing."""
        raise NotImplementedError

    def data(self, device: str | None, readings: Sequence[Reading], now_ms: int) -> tuple[Action, ...]:
        """One NDATA or DDATA of the readings; () when not born or the device is lost. Updates birth values."""
        raise NotImplementedError

    def device_lost(self, device: str, now_ms: int) -> tuple[Action, ...]:
        """DDEATH: the link to the machine is gone."""
        raise NotImplementedError

    def device_back(self, device: str, now_ms: int) -> tuple[Action, ...]:
        """DBIRTH: the link to the machine is back."""
        raise NotImplementedError

    def redeclare(
        self,
        node_metrics: Sequence[MetricDeclaration],
        devices: Mapping[str, Sequence[MetricDeclaration]],
        now_ms: int,
    ) -> tuple[Action, ...]:
        """Replace all declarations (values of unchanged metrics are kept) and give birth anew."""
        raise NotImplementedError

    def disconnected(self, now_ms: int) -> tuple[Action, ...]:
        """Note that the link is gone: nothing is published until the next connected()."""
        raise NotImplementedError

    def close(self, now_ms: int) -> tuple[Action, ...]:
        """NDEATH and Disconnect: an intended stop."""
        raise NotImplementedError
