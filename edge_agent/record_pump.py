"""The record lane of one uplink at work: blocks out of the spool onto the wire, acknowledgements back into it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from edge_agent.commands import Acknowledgement, Resend
from edge_agent.lanes import RecordLane
from edge_agent.plain_record import history
from edge_agent.spool_file import SpoolError
from orewatch.sparkplug.edge_node import Reading
from orewatch.telemetry.node_metrics import BLOCK, DEPTH, DROPPED, SCHEMAS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from edge_agent.settings import UplinkSettings
    from edge_agent.spool import Spool, SpooledBlock
    from orewatch.plant.unit import Unit
    from orewatch.sparkplug.edge_node import EdgeNodeSession
    from orewatch.sparkplug.session_loop import SessionLoop

log = logging.getLogger(__name__)

LIVE_HORIZON_MS: Final = 60_000
STATUS_MS: Final = 30_000
PUMP_S: Final = 0.25
MAX_QUEUED_BYTES: Final = 256 * 1024
"""Blocks wait in the spool, not behind a half-open link."""
MESSAGE_BYTES: Final = 48 * 1024
"""Blocks that drain together share messages up to this size: a broker's cost is per message."""
MAX_COMMANDS: Final = 1000


class RecordPump:
    """Sends what an uplink is owed whenever its link stands. ``counters`` are the uplink's."""

    def __init__(
        self,
        *,
        settings: UplinkSettings,
        unit: Unit,
        spool: Spool,
        session: EdgeNodeSession,
        link: SessionLoop,
        now_ms: Callable[[], int],
        monotonic_ms: Callable[[], int],
        counters: Counter[str],
    ) -> None:
        self._settings = settings
        self._unit = unit
        self._spool = spool
        self._session = session
        self._link = link
        self._now_ms = now_ms
        self._monotonic_ms = monotonic_ms
        self._counters = counters
        self._lane = RecordLane(
            window=settings.window,
            resend_ms=int(settings.resend_s * 1000),
            bytes_per_s=settings.drain_kib_s * 1024,
        )
        self._orders: deque[Acknowledgement | Resend] = deque(maxlen=MAX_COMMANDS)
        self._wake = asyncio.Event()
        self._status_at_ms: int | None = None

    def wake(self) -> None:
        """Look at once whether there is something to send."""
        self._wake.set()

    def order(self, order: Acknowledgement | Resend) -> None:
        """Take a checked order of the collector; the oldest are forgotten beyond :data:`MAX_COMMANDS`."""
        self._orders.append(order)
        self._wake.set()

    def reconnected(self) -> None:
        """The link is new: whatever was in flight may be lost."""
        self._lane.reconnected()
        self._wake.set()

    async def run(self) -> None:
        """Carry out orders, report, and send what waits, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._once()
            except SpoolError as error:
                # Scanning goes on into memory; the blocks on the disk wait until it can be read.
                if not self._counters["spool_unreadable"]:
                    log.error("uplink %s: %s", self._settings.name, error)  # noqa: TRY400 - no trace
                self._counters["spool_unreadable"] += 1
            try:
                async with asyncio.timeout(PUMP_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _once(self) -> None:
        while self._orders:
            await self._carry_out(self._orders.popleft())
        if self._link.connected and self._session.born:
            self._report()
            await self._send_blocks()

    async def _carry_out(self, command: Acknowledgement | Resend) -> None:
        if isinstance(command, Resend):
            count = await asyncio.to_thread(self._spool.owe_again, self._settings.name, command.from_ms, command.to_ms)
            self._counters["resend_blocks"] += count
            self._lane.again(1)
            return
        new = await asyncio.to_thread(self._spool.acknowledge, self._settings.name, command.ranges)
        self._counters["acknowledged_blocks"] += new
        self._lane.acknowledged(command.ranges, self._monotonic_ms())

    async def _send_blocks(self) -> None:
        while self._link.queued_bytes < MAX_QUEUED_BYTES:
            wanted = self._lane.wanted(self._monotonic_ms())
            if wanted is None:
                return
            after, limit = wanted
            found = await asyncio.to_thread(self._spool.pending, self._settings.name, after=after, limit=limit)
            blocks = self._lane.take(found, self._monotonic_ms())
            if not blocks:
                return
            if self._settings.record == "plain":
                await self._send_plain(blocks)
            else:
                self._send_as_blocks(blocks)

    def _send_as_blocks(self, blocks: list[SpooledBlock]) -> None:
        while blocks:
            size = 0
            now = self._now_ms()
            message: list[SpooledBlock] = []
            while blocks and (not message or size + len(blocks[0].data) <= MESSAGE_BYTES):
                size += len(blocks[0].data)
                message.append(blocks.pop(0))
            readings = [
                Reading(BLOCK, b.data, b.last_ms, is_historical=now - b.last_ms > LIVE_HORIZON_MS) for b in message
            ]
            if not self._link.perform(self._session.data(None, readings, now)):
                self._lane.not_sent(b.number for b in (*message, *blocks))
                self._counters["blocks_not_queued"] += len(message)
                return
            self._counters["blocks_sent"] += len(message)

    async def _send_plain(self, blocks: list[SpooledBlock]) -> None:
        """Send blocks as historical metrics; written out to the broker, they count as delivered."""
        links = self._counters["link_lost"]
        for at, block in enumerate(blocks):
            schema = self._spool.schema_named(block.schema)
            for machine, readings in history(block.data, schema, self._unit):
                if not self._link.perform(self._session.data(machine, readings, self._now_ms())):
                    self._lane.not_sent(b.number for b in blocks[at:])
                    return
                await self._drained(MAX_QUEUED_BYTES)
        await self._drained(0)
        if self._counters["link_lost"] == links and self._link.connected:
            ranges = [(b.number, b.number) for b in blocks]
            await asyncio.to_thread(self._spool.acknowledge, self._settings.name, ranges)
            self._lane.acknowledged(ranges, self._monotonic_ms())
            self._counters["blocks_sent"] += len(blocks)

    async def _drained(self, limit: int) -> None:
        while self._link.connected and self._link.queued_bytes > limit:  # noqa: ASYNC110 - the client polls as well
            await asyncio.sleep(0.02)

    def _report(self) -> None:
        at = self._monotonic_ms()
        if self._status_at_ms is not None and at - self._status_at_ms < STATUS_MS:
            return
        self._status_at_ms = at
        now = self._now_ms()
        self._link.perform(self._session.data(None, self._readings(now), now))

    def declare(self, now: int) -> None:
        """Set what births say of the record."""
        if self._settings.record == "blocks":
            self._session.set_value(None, SCHEMAS, json.dumps(self._spool.schemas_in_use()), now)
        for r in self._readings(now):
            self._session.set_value(None, r.name, r.value, now)

    def _readings(self, now: int) -> list[Reading]:
        return [
            Reading(DEPTH, self._spool.depth(self._settings.name), now),
            Reading(DROPPED, sum(self._spool.dropped().values()), now),
        ]
