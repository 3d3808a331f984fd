"""Runs a session over a client: connect, carry out its actions, hand on its events, reconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orewatch.sparkplug.actions import Action, Event, Publish
    from orewatch.sparkplug.client import MqttClient


class Session(Protocol):
    """What EdgeNodeSession and HostSession have in common."""

    def will(self, now_ms: int) -> Publish | None: ...
    def connected(self, now_ms: int) -> tuple[Action, ...]: ...
    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]: ...
    def tick(self, now_ms: int) -> tuple[Action, ...]: ...
    def disconnected(self, now_ms: int) -> tuple[Action, ...]: ...
    def close(self, now_ms: int) -> tuple[Action, ...]: ...


class SessionLoop:
    """Keeps one session connected until stopped.

    Args:
        make_client: builds the client around the on_message it is given.
        on_event: called in the event loop with everything that is not an MQTT action (NodeBorn, Data, Command ...).
        on_will: called after session.will() and before connecting (the agent keeps bd_seq there).
        on_link: called with True once the session's connect actions are queued, with False when the link is lost.
        now_ms: the clock.
        back_off_s: first and longest wait between attempts; doubled each time, with jitter.
    """

    def __init__(
        self,
        *,
        make_client: Callable[[Callable[[str, bytes], None]], MqttClient],
        session: Session,
        on_event: Callable[[Event], None],
        now_ms: Callable[[], int],
        on_will: Callable[[], None] | None = None,
        on_link: Callable[[bool], None] | None = None,
        back_off_s: tuple[float, float] = (1.0, 60.0),
        tick_s: float = 0.1,
    ) -> None:
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether the link stands."""
        raise NotImplementedError

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""
        raise NotImplementedError

    async def run(self) -> None:
        """Run until cancelled or stopped; a cancelled run still closes the session politely."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Close the session (NDEATH or STATE offline), disconnect, end run()."""
        raise NotImplementedError

    def perform(self, actions: Iterable[Action]) -> bool:
        """Carry out actions a session method returned; False when something could not be queued."""
        raise NotImplementedError
