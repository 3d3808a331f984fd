"""One uplink of the agent: a Sparkplug session with a broker, and both lanes over it.

::

    scans --> LiveLane ----> DDATA ~~~~> broker
    spool --> RecordLane --> NDATA ~~~~>
    spool <-- acknowledged <-- NCMD <~~~
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from edge_agent import declarations as metric
from edge_agent.commands import CommandError, read_acknowledgement, read_resend
from edge_agent.lanes import LiveLane
from edge_agent.record_pump import RecordPump
from orewatch.settings import SettingsError
from orewatch.sparkplug.actions import Command
from orewatch.sparkplug.client import MqttClient, TlsSettings
from orewatch.sparkplug.edge_node import EdgeNodeSession
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.sparkplug.short_links import ShortLinks
from orewatch.telemetry.node_metrics import ACKNOWLEDGED, DESCRIPTION, RESEND, SPOOL, WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.settings import UplinkSettings
    from edge_agent.spool import Spool
    from orewatch.plant.unit import Unit
    from orewatch.sparkplug.actions import Event
    from orewatch.telemetry.scan import Scans

log = logging.getLogger(__name__)

# Commands may wait a moment; waking a small gateway a hundred times a second for them costs more than the rest.
POLL_MS: Final = 25
TICK_S: Final = 1.0


class Uplink:
    """One broker and the collector behind it.

    Args:
        now_ms: the edge's wall clock.
        monotonic_ms: a clock that is never set.
    """

    def __init__(
        self,
        *,
        settings: UplinkSettings,
        unit: Unit,
        spool: Spool,
        now_ms: Callable[[], int],
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self.name = settings.name
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._unit = unit
        self._spool = spool
        self._now_ms = now_ms
        self._monotonic_ms = monotonic_ms
        self._live = LiveLane(unit=unit, schema=spool.schema)
        aliases = spool.aliases(metric.alias_names(unit))
        self._session = EdgeNodeSession(
            group=settings.group,
            node=unit.id,
            bd_seq=spool.bd_seq(settings.name),
            primary_host=settings.primary_host,
            node_metrics=metric.node_metrics(aliases, blocks=settings.record == "blocks"),
            devices=metric.device_metrics(unit, aliases),
        )
        self._short_links = ShortLinks()
        self._password = read_password(settings)
        self._loop = SessionLoop(
            make_client=self._make_client,
            session=self._session,
            on_event=self._on_event,
            now_ms=now_ms,
            on_will=self._keep_bd_seq,
            on_link=self._on_link,
            tick_s=TICK_S,
        )
        self._record = RecordPump(
            settings=settings,
            unit=unit,
            spool=spool,
            session=self._session,
            link=self._loop,
            now_ms=now_ms,
            monotonic_ms=monotonic_ms,
            counters=self.counters,
        )

    @property
    def connected(self) -> bool:
        """Whether the link to the broker stands."""
        return self._loop.connected

    async def run(self) -> None:
        """Keep the uplink up until cancelled; then say goodbye."""
        now = self._now_ms()
        self._session.set_value(None, DESCRIPTION, self._unit.to_json(), now)
        if self._settings.record == "blocks":
            self._session.set_value(None, SPOOL, self._spool.uuid.hex(), now)
        self._record.declare(now)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._loop.run(), name=f"uplink {self.name}")
            tasks.create_task(self._record.run(), name=f"record lane {self.name}")

    def show(self, scans: Sequence[Scans]) -> None:
        """Offer the newest scans to the live lane."""
        now = self._now_ms()
        send, keep = self._live.choose(scans, self._monotonic_ms())
        for machine, readings in keep.items():
            for r in readings:
                self._session.set_value(machine, r.name, r.value, r.timestamp_ms, r.quality)
        for machine, readings in send.items():
            if not self._loop.perform(self._session.data(machine, readings, now)):
                self.counters["live_dropped"] += len(readings)
        self._record.wake()

    def machine_lost(self, machine: str) -> None:
        """Tell the broker that a machine's link is lost."""
        self._loop.perform(self._session.device_lost(machine, self._now_ms()))

    def machine_back(self, machine: str) -> None:
        """Tell the broker that a machine is back."""
        self._loop.perform(self._session.device_back(machine, self._now_ms()))

    def _make_client(self, on_message: Callable[[str, bytes], None]) -> MqttClient:
        s = self._settings
        tls = None if s.tls is None else TlsSettings(ca=s.tls.ca_file, certificate=s.tls.cert_file, key=s.tls.key_file)
        return MqttClient(
            host=s.host,
            port=s.port,
            client_id=s.client_id or f"{s.group}-{self._unit.id}-{s.name}",
            on_message=on_message,
            username=s.username,
            password=self._password,
            tls=tls,
            keepalive_s=s.keepalive_s,
            poll_ms=POLL_MS,
        )

    def _keep_bd_seq(self) -> None:
        if self._session.bd_seq is not None:
            self._spool.set_bd_seq(self.name, self._session.bd_seq)

    def _on_link(self, up: bool) -> None:
        at = time.monotonic()
        if up:
            self._short_links.up(at)
            self._live.forget()
            self._record.reconnected()
            return
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return  # left, not lost
        self.counters["link_lost"] += 1
        if self._short_links.down(at):
            # The broker keeps one connection per client id: two agents take it from each other for ever.
            log.error(
                "uplink %s: thrown out again and again; is another agent running as %s?", self.name, self._unit.id
            )

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Command):
            return
        try:
            self._obey(event)
        except CommandError as error:
            self.counters["refused_command"] += 1
            log.warning("uplink %s: %s refused: %s", self.name, event.name, error)

    def _obey(self, command: Command) -> None:
        if command.name == WATCHED and isinstance(command.value, int):
            at = self._monotonic_ms()
            if command.value > 0 and not self._live.watched(at):
                self._live.forget()
            self._live.watch(command.value, at)
        elif command.name == ACKNOWLEDGED:
            said = read_acknowledgement(command.value)
            self._check_collector(said.collector)
            if self._settings.store not in {None, said.store}:
                raise CommandError(f"store {said.store!r}; obeyed: {self._settings.store!r}")
            if said.spool != self._spool.uuid.hex():
                raise CommandError(f"spool {said.spool!r}; ours is {self._spool.uuid.hex()!r}")
            self._record.order(said)
        elif command.name == RESEND:
            asked = read_resend(command.value)
            self._check_collector(asked.collector)
            self._record.order(asked)
        else:
            raise CommandError(f"{command.value!r:.80} is nothing to obey")

    def _check_collector(self, name: str) -> None:
        if name != self._settings.collector:
            raise CommandError(f"collector {name!r}; obeyed: {self._settings.collector!r}")


def read_password(settings: UplinkSettings) -> str | None:
    """Return the uplink's password, None where it has none; :class:`SettingsError` where its file cannot be read."""
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        line = f"uplink {settings.name}: password_file = {str(settings.password_file)!r}: {error}"
        raise SettingsError([f"{line}; allowed: a readable text file"]) from error
