"""The collector's composition root.

::

    broker -> SessionLoop -> HostSession -> Ingest --queue--> Writer: Intake (judge, commit) -> JOURNAL
                 ^                                              |  ForeignNodes (plain readings -> blocks)
                 +-------- NCMD Delivery/Acknowledged <-- receipts (only after the commit)

    JOURNAL -> Projector (a thread each) -> embedded rollups | InfluxDB
    counters, births, last seen, vital signs -> registry (the journal's file) -> api
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from collector.acknowledge import acknowledgements, resend
from collector.broker import client_of
from collector.counters import Counters
from collector.data_dir import DataDirInUseError, hold
from collector.foreign import ForeignNodes
from collector.ingest import Ingest
from collector.intake import UNKNOWN_SCHEMA, Intake
from collector.project import Projector
from collector.retention import Retention
from collector.vital_signs import VitalSigns
from collector.waiting import Waiting
from collector.writer import Writer
from orewatch.sparkplug.actions import NodeBorn
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.sparkplug.short_links import ShortLinks
from orewatch.storage.journal import Journal, JournalError
from orewatch.storage.registry import Registry
from orewatch.storage.resends import Resends
from orewatch.storage.rollup_tables import NAME_PREFIX, EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore, rollups_beside
from orewatch.telemetry.node_metrics import ACKNOWLEDGED, RESEND

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.arrivals import Receipt
    from collector.health_thread import HealthThread
    from collector.settings import CollectorSettings
    from orewatch.sparkplug.actions import Event
    from orewatch.sparkplug.client import MqttClient
    from orewatch.storage.projection import Projection

log = logging.getLogger(__name__)

MEBIBYTE: Final = 2**20
AFTER_FAULT_S: Final = 5.0


class Collector:
    """Broker to journal to stores. ``now_ms`` is the clock, UTC milliseconds.

    Made, it has its files open and :attr:`store`, :attr:`registry` and :attr:`journal` may be used; :meth:`run`
    does the rest until it is cancelled or :meth:`stop` is called. :class:`JournalError` where the journal
    cannot be opened.
    """

    def __init__(self, *, settings: CollectorSettings, now_ms: Callable[[], int]) -> None:
        self.settings = settings
        self._now_ms = now_ms
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.journal = Journal.open(settings.journal_path)
        self.registry = Registry(database=self.journal.database)
        self.counters = Counters(totals=self.registry.counters())
        self.tables = RollupTables.open(rollups_beside(settings.journal_path))
        self.store = EmbeddedStore(journal=self.journal, tables=self.tables)
        self.intake = Intake(
            journal=self.journal,
            registry=self.registry,
            counters=self.counters,
            waiting=Waiting(max_bytes=int(settings.waiting_mb * MEBIBYTE)),
            quarantine_kept=settings.quarantine_kept,
        )
        self._closing: list[Callable[[], None]] = [self.tables.close, self.journal.close]
        self.projectors = [
            Projector(journal=self.journal, projection=projection, counters=self.counters)
            for projection in self._projections()
        ]
        self._resends = Resends(database=self.journal.database)
        self._retention = Retention(
            journal=self.journal,
            windows=self.tables.database,
            projections=lambda: [p.name for p in self.projectors],
            levels=settings.levels,
            counters=self.counters,
        )
        self.writer = Writer(
            registry=self.registry,
            counters=self.counters,
            intake=self.intake,
            foreign=ForeignNodes(journal=self.journal, counters=self.counters, seconds=settings.plain_seconds),
            on_receipt=self._hand_back,
            upkeep=self._upkeep,
            now_ms=now_ms,
            max_bytes=int(settings.queue_mb * MEBIBYTE),
        )
        self.ingest = Ingest(
            submit=self.writer.submit, counters=self.counters, now_ms=now_ms, record_plain=settings.record_plain
        )
        self._session = HostSession(
            host=settings.host_id, groups=settings.groups, reorder_ms=round(settings.reorder_s * 1000)
        )
        self._link = SessionLoop(
            make_client=self._client,
            session=self._session,
            on_event=self._on_event,
            on_link=self._on_link,
            now_ms=now_ms,
        )
        self.signs = VitalSigns(
            journal=self.journal,
            registry=self.registry,
            counters=self.counters,
            intake=self.intake,
            projectors=self.projectors,
            data_dir=settings.data_dir,
            broker=settings.broker,
            connected=lambda: self.connected,
            now_ms=now_ms(),
            queue_bound_bytes=int(settings.queue_mb * MEBIBYTE),
        )
        self._health = self._health_points()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._short_links = ShortLinks()

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._link.connected

    async def run(self) -> None:
        """Collect until cancelled or stopped; then write out what is queued, and close the files.

        :class:`DataDirInUseError` where another collector holds the data directory.
        """
        try:
            lock = hold(self.settings.data_dir)
        except DataDirInUseError:
            self.close()
            raise
        with lock:
            await self._run()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.writer.start()
        threads = [
            threading.Thread(target=self._project, args=(p,), name=f"project {p.name}", daemon=True)
            for p in self.projectors
        ]
        for thread in threads:
            thread.start()
        for health in self._health:
            health.start()
        try:
            await self._link.run()
        finally:
            self._stopping.set()
            await asyncio.shield(asyncio.to_thread(self._end, threads))

    async def stop(self) -> None:
        """End :meth:`run` politely."""
        await self._link.stop()

    def drain(self, now_ms: int) -> bool:
        """Bring every projection up to the journal's end, in the caller's thread; for use before :meth:`run`."""
        behind = [projector.name for projector in self.projectors if not projector.drain(now_ms)]
        return not behind

    def close(self) -> None:
        """Close the files of a collector that was never run."""
        for close in reversed(self._closing):
            close()
        self._closing.clear()

    def _end(self, threads: list[threading.Thread]) -> None:
        self.writer.close()
        for thread in threads:
            thread.join()
        self.close()

    def _projections(self) -> list[Projection]:
        projections: list[Projection] = []
        if self.settings.embedded:
            self.journal.forget_positions(NAME_PREFIX, but=self.tables.name)
            projections.append(EmbeddedProjection(tables=self.tables))
        if self.settings.influx is not None:
            # Only here: an embedded deployment installs without httpx.
            from collector.influx import influx_of  # noqa: PLC0415

            server, writer = influx_of(self.settings.influx, self.settings.retention)
            self._closing += [server.close, writer.close]
            projections.append(writer)
        return projections

    def _health_points(self) -> list[HealthThread]:
        if self.settings.influx is None:
            return []
        from collector.influx import health_of  # noqa: PLC0415 - see _projections

        thread = health_of(self.settings.influx, self.signs)
        self._closing.append(thread.end)
        return [thread]

    def _client(self, on_message: Callable[[str, bytes], None]) -> MqttClient:
        return client_of(self.settings, on_message=on_message, on_oversized=self.ingest.oversized)

    def _on_link(self, up: bool) -> None:
        at_s = time.monotonic()
        if up:
            self._short_links.up(at_s)
            return
        self.counters.add("", "link_lost")
        if self._short_links.down(at_s):
            host = self.settings.host_id
            log.error("thrown out by the broker again and again; is another collector running as host %s?", host)

    def _on_event(self, event: Event) -> None:
        try:
            self.ingest.on_event(event)
            if isinstance(event, NodeBorn):
                self._ask_again(event)
        except Exception:
            # The edge of what strangers may send: one message on which we fail must not end the process.
            log.exception("%s", type(event).__name__)
            self.counters.add("", "faults", "message")

    def _hand_back(self, receipt: Receipt) -> None:
        """Take a receipt from the writer's thread into the event loop."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and (receipt.durable or receipt.unknown_schema):
            loop.call_soon_threadsafe(self._acknowledge, receipt)

    def _acknowledge(self, receipt: Receipt) -> None:
        now_ms = self._now_ms()
        for key, spools in receipt.durable.items():
            for spool, numbers in spools.items():
                values = acknowledgements(
                    collector=self.settings.host_id, store=self.journal.store_uuid, spool=spool, numbers=numbers
                )
                for value in values:
                    actions = self._session.command(*key, None, ACKNOWLEDGED, value, DataType.STRING, now_ms)
                    sent = bool(actions) and self._link.perform(actions)
                    # One that is lost costs a resend, which is acknowledged again.
                    self.counters.add(key.node, "acknowledgements", "sent" if sent else "not_sent")
        for key in receipt.unknown_schema:
            self._link.perform(self._session.rebirth(*key, UNKNOWN_SCHEMA, now_ms))

    def _ask_again(self, born: NodeBorn) -> None:
        """Ask for what the unit delivered after the backup was made that this journal comes from."""
        from_ms = self._resends.since(born.node)
        if from_ms is not None and RESEND in born.metrics:
            what = (RESEND, resend(collector=self.settings.host_id, from_ms=from_ms), DataType.STRING)
            actions = self._session.command(born.group, born.node, None, *what, self._now_ms())
            if actions and self._link.perform(actions):
                self._resends.asked(born.node)
                self.counters.add(born.node, "resends_asked")

    def _upkeep(self, now_ms: int) -> None:
        """Write down what the api shows, and let retention do a little. On the writer's thread."""
        self.counters.flush(self.registry)
        self.signs.keep(self.writer, now_ms, time.monotonic())
        seen, self.ingest.seen = self.ingest.seen, {}
        if seen:
            self.registry.seen(seen)
        spools, self.ingest.spools = self.ingest.spools, {}
        if spools:
            self.registry.spool_state(spools)
        self._resends.keep()
        self._retention.step(now_ms)

    def _project(self, projector: Projector) -> None:
        """One projection's thread."""
        while not self._stopping.is_set():
            try:
                wait_s = projector.step(self._now_ms()).wait_s
            except JournalError as error:
                log.warning("%s: %s", projector.name, error)
                self.counters.add("", "projection_failures", projector.name)
                wait_s = AFTER_FAULT_S
            except Exception:
                # The edge of the thread: a store's fault must stop neither the journal nor the other store.
                log.exception("%s", projector.name)
                self.counters.add("", "faults", projector.name)
                wait_s = AFTER_FAULT_S
            if wait_s:
                self._stopping.wait(wait_s)
