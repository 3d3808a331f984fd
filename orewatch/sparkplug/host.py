"""The host application's side of Sparkplug: a state machine without I/O and without a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.sparkplug.actions import (
    Action,
    Data,
    DeathCause,
    DeviceBorn,
    DeviceDied,
    Disconnect,
    HostMetric,
    NodeBorn,
    NodeDied,
    Publish,
    RebirthAsked,
    Rejected,
    RejectReason,
    Subscribe,
)
from orewatch.sparkplug.payload import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.sparkplug.datatypes import DataType, MetricValue

__all__ = [
    "Action",
    "Data",
    "DeathCause",
    "DeviceBorn",
    "DeviceDied",
    "Disconnect",
    "HostMetric",
    "HostSession",
    "NodeBorn",
    "NodeDied",
    "Publish",
    "RebirthAsked",
    "RejectReason",
    "Rejected",
    "Subscribe",
]


class HostSession:
    """A Sparkplug host application's session with one broker.

    Args:
        host: the host id.
        groups: the Sparkplug groups to follow; ("+",): all.
        announce: publish STATE; False: an observer, which may still ask for rebirths.
        reorder_ms: how long a gap in seq may stay open before a rebirth is asked for.
        rebirth_spacing_ms: the least time between two rebirth requests to one node; doubles while unanswered.
        rebirth_stagger_ms: the least time between rebirth requests to any two nodes.
        max_payload: bytes; larger messages are Rejected unread.
    """

    def __init__(
        self,
        *,
        host: str,
        groups: Sequence[str] = ("+",),
        announce: bool = True,
        reorder_ms: int = 2000,
        rebirth_spacing_ms: int = 5000,
        rebirth_stagger_ms: int = 20,
        max_payload: int = MAX_PAYLOAD_BYTES,
    ) -> None:
        raise NotImplementedError

    def will(self, now_ms: int) -> Publish | None:
        """Return the STATE will for the next connect; None for an observer."""
        raise NotImplementedError

    def connected(self, now_ms: int) -> tuple[Action, ...]:
        """CONNACK came: subscriptions, then STATE online with the will's timestamp."""
        raise NotImplementedError

    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        """Handle one message; events come out in seq order within the reorder window."""
        raise NotImplementedError

    def tick(self, now_ms: int) -> tuple[Action, ...]:
        """Let time pass: expired gaps, waiting rebirth requests. Call about every 100 ms."""
        raise NotImplementedError

    def disconnected(self, now_ms: int) -> tuple[Action, ...]:
        """The broker is gone: NodeDied (HOST_OFFLINE) for every living node."""
        raise NotImplementedError

    def close(self, now_ms: int) -> tuple[Action, ...]:
        """STATE offline with the present time, then Disconnect."""
        raise NotImplementedError

    def command(
        self,
        group: str,
        node: str,
        device: str | None,
        name: str,
        value: MetricValue,
        datatype: DataType,
        now_ms: int,
    ) -> tuple[Action, ...]:
        """One NCMD or DCMD (QoS 0, no seq), by alias where the birth gave one. Need not wait for a birth."""
        raise NotImplementedError

    def rebirth(self, group: str, node: str, why: str, now_ms: int) -> tuple[Action, ...]:
        """Ask a node for its births, within the spacing and stagger limits."""
        raise NotImplementedError
