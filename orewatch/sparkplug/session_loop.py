"""Runs a session over a client: connect, carry out its actions, hand on its events, reconnect.

client.open -> session.will -> client.connect -> session.connected -+-> received, tick -> perform -> send | on_event
     ^                                                              |
     +---------------- back-off <- session.disconnected <-----------+
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Protocol

from orewatch.sparkplug.actions import Disconnect, Publish, Subscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orewatch.sparkplug.actions import Action, Event

logger = logging.getLogger(__name__)


class Session(Protocol):
    """What EdgeNodeSession and HostSession have in common."""

    def will(self, now_ms: int) -> Publish | None:
        """Return the will for the next connect."""

    def connected(self, now_ms: int) -> tuple[Action, ...]:
        """Begin on a new link."""

    def received(self, topic: str, payload: bytes, now_ms: int) -> tuple[Action, ...]:
        """Handle a message."""

    def tick(self, now_ms: int) -> tuple[Action, ...]:
        """Let time pass."""

    def disconnected(self, now_ms: int) -> tuple[Action, ...]:
        """The link is gone."""

    def close(self, now_ms: int) -> tuple[Action, ...]:
        """End the session on purpose."""


class Link(Protocol):
    """What the loop needs of a client; client.MqttClient is the real one."""

    @property
    def connected(self) -> bool:
        """Whether the link stands."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""

    async def open(self) -> None:
        """Open the socket; a ConnectionError says why not."""

    async def connect(self, will: Publish | None) -> None:
        """Connect over it; a ConnectionError says why not."""

    def send(self, publish: Publish) -> bool:
        """Queue a message."""

    def subscribe(self, subscribe: Subscribe) -> None:
        """Queue a subscription."""

    async def disconnect(self) -> None:
        """Leave politely."""

    async def closed(self) -> None:
        """Wait for the end of the link."""


class SessionLoop:
    """Keeps one session connected until stopped.

    Args:
        make_client: builds the client around the on_message it is given.
        session: the state machine.
        on_event: called in the event loop with everything that is not an MQTT action (NodeBorn, Data, Command ...).
        on_will: called after session.will() and before the CONNECT (the agent keeps bd_seq there).
        on_link: called with True once the session's connect actions are queued, with False when the link is lost.
        now_ms: the clock.
        back_off_s: first and longest wait between attempts; doubled each time, with jitter.
        tick_s: how often session.tick() is called while connected.
    """

    def __init__(
        self,
        *,
        make_client: Callable[[Callable[[str, bytes], None]], Link],
        session: Session,
        on_event: Callable[[Event], None],
        now_ms: Callable[[], int],
        on_will: Callable[[], None] | None = None,
        on_link: Callable[[bool], None] | None = None,
        back_off_s: tuple[float, float] = (1.0, 60.0),
        tick_s: float = 0.1,
    ) -> None:
        self._client = make_client(self._received)
        self._session = session
        self._on_event = on_event
        self._on_will = on_will
        self._on_link = on_link
        self._now_ms = now_ms
        self._back_off_s = back_off_s
        self._tick_s = tick_s
        self._stopping = asyncio.Event()
        self._leave = asyncio.Event()
        self._running: asyncio.Future[None] | None = None
        self.last_error: str | None = None  # why the last attempt to connect failed

    @property
    def connected(self) -> bool:
        """Whether the link stands."""
        return self._client.connected

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the socket."""
        return self._client.queued_bytes

    async def run(self) -> None:
        """Run until cancelled or stopped; a cancelled run still closes the session politely."""
        self._running = asyncio.get_running_loop().create_future()
        first, longest = self._back_off_s
        wait_s = first
        try:
            while not self._stopping.is_set():
                if await self._attempt():
                    await self._hold()
                    wait_s = first
                if not self._stopping.is_set():
                    self._leave.clear()
                    # Jitter: a fleet that lost its broker must not come back in one instant.
                    await self._pause(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
                    wait_s = min(wait_s * 2, longest)
        finally:
            await self._close()
            self._running.set_result(None)

    async def stop(self) -> None:
        """Close the session (NDEATH or STATE offline), disconnect, end run()."""
        self._stopping.set()
        self._leave.set()
        if self._running is not None:
            await self._running

    def perform(self, actions: Iterable[Action]) -> bool:
        """Carry out actions a session method returned; False when something could not be queued."""
        taken = True
        for action in actions:
            if isinstance(action, Publish):
                taken = self._client.send(action) and taken
            elif isinstance(action, Subscribe):
                self._client.subscribe(action)
            elif isinstance(action, Disconnect):
                self._leave.set()
                if not action.reconnect:
                    self._stopping.set()
            else:
                self._on_event(action)
        return taken

    def _received(self, topic: str, payload: bytes) -> None:
        actions = self._session.received(topic, payload, self._now_ms())
        if actions:
            self.perform(actions)

    async def _attempt(self) -> bool:
        self._leave.clear()
        try:
            await self._client.open()
            # Only now: bdSeq counts CONNECTs, and a broker that cannot be reached is sent none.
            will = self._session.will(self._now_ms())
            if self._on_will is not None:
                self._on_will()
            await self._client.connect(will)
        except ConnectionError as error:
            if str(error) != self.last_error:
                logger.warning("%s", error)
            self.last_error = str(error)
            return False
        self.last_error = None
        return True

    async def _hold(self) -> None:
        """Keep the link: births, ticks, until it is lost or the session leaves."""
        self.perform(self._session.connected(self._now_ms()))
        if self._on_link is not None:
            self._on_link(True)
        lost = asyncio.create_task(self._client.closed(), name="mqtt link")
        lost.add_done_callback(lambda _: self._leave.set())
        try:
            while not lost.done() and not self._leave.is_set():
                await self._pause(self._tick_s)
                self.perform(self._session.tick(self._now_ms()))
        finally:
            if not lost.done():
                if self._stopping.is_set() or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    self.perform(self._session.close(self._now_ms()))
                await self._client.disconnect()
            await asyncio.wait([lost])
            self.perform(self._session.disconnected(self._now_ms()))
            if self._on_link is not None:
                self._on_link(False)
        await lost  # a defect in a callback comes out here

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._leave.wait()
        except TimeoutError:
            pass

    async def _close(self) -> None:
        if self._client.connected:
            await self._client.disconnect()
