r"""The service's composition root.

::

    broker -> SessionLoop -> HostSession -> live/follower -> live/readings ----> live/frames -> live/stream -> viewers
                                                   |                                  ^
                                             live/watch --1 Hz--> live/judge (plant.classifier, totaliser)
                                                                       |
    store, registry -> live/replay (catching up) -----------------> alerting/engine -> alerting/book -> notify/outbox
               \-> units/ (history, states, latest)                                                        |
                                                                                    people <- notify/sender
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from api.alerting.book import AlertBook
from api.alerting.database import AlertDatabase
from api.alerting.engine import AlertEngine, Mode
from api.alerting.models import AlertKind
from api.live.clock import SECOND_MS
from api.live.follower import Follower
from api.live.frames import Frames
from api.live.judge import Judge
from api.live.lease import WatchLeases
from api.live.production_day import ProductionDay
from api.live.readings import LiveReadings
from api.live.replay import replay
from api.live.roster import Roster
from api.live.stream import Stream
from api.live.watch import Watch
from api.notify.outbox import Outbox
from api.notify.sender import Sender, apprise_channels
from api.units.state_history import StateHistories, joined
from orewatch.plant.states import StateReason
from orewatch.sparkplug.client import MqttClient, TlsSettings
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.storage.database import DatabaseError
from orewatch.storage.query import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from api.settings import ApiSettings
    from api.units.demo_controls import DemoControls
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore
    from orewatch.storage.registry import Registry

log = logging.getLogger(__name__)

CARRY_UNIT = ""  # one row for everything: it is consistent only as a whole
CARRY_S = 60.0
ROUND_S = 5.0
# What a start without memory looks back over, and what a longer absence is not caught up beyond.
FRESH_MS = 4 * 3_600_000
LONGEST_MS = 26 * 3_600_000
# Scans younger than this may still be in blocks that are not sealed.
UNSEALED_MS = 180_000
# How much of a unit's newest states comes from the watch rather than from the store.
TAIL_MS = 600_000


class Service:
    """Everything behind the pages and the HTTP contract, for one process.

    ``store`` and ``registry`` may be None (live only). ``now_ms`` is the clock of this composition root.
    Usable in-process: ``await service.start()``; ``create_app(service=service)``; ``await service.stop()``.
    """

    def __init__(
        self,
        *,
        settings: ApiSettings,
        store: HistoryStore | None,
        registry: Registry | None,
        now_ms: Callable[[], int],
        demo_controls: DemoControls | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.registry = registry
        self.now_ms = now_ms
        self.demo_controls = demo_controls
        self.started_ms = now_ms()
        self.database = AlertDatabase.open(settings.data_dir / "alerts.db")
        self.book = AlertBook(database=self.database)
        urls = [url.get_secret_value() for url in settings.notify]
        channels = apprise_channels(urls)
        self.outbox = Outbox(database=self.database, channels=list(channels))
        self.sender = Sender(outbox=self.outbox, channels=channels, now_ms=now_ms)
        self.engine = AlertEngine(
            book=self.book,
            outbox=self.outbox,
            language=settings.language,
            min_priority=settings.notify_min_priority,
            base_url=settings.base_url,
            lost_t=self._lost_t,
        )
        self.day = ProductionDay(start_h=settings.production_day_start_h, shifts=settings.shifts)
        self.roster = Roster()
        self.readings = LiveReadings()
        self.stream = Stream(max_viewers=settings.max_viewers)
        self.states = StateHistories(
            store=store,
            below=lambda unit, start_ms, end_ms: self.book.spans(unit, AlertKind.UNDERPERFORMING, start_ms, end_ms),
        )
        self._below: dict[str, bool] = {}
        self._revision = -1
        self._tasks: list[asyncio.Task[None]] = []
        self._replayed = False
        self.caught_up = False
        self.registry_errors = 0
        self._adopt_registry()
        self.judge = self._new_judge(list(self.roster), self._floor(now_ms()))
        self._build_live()

    async def replay_history(self, *, units: Sequence[Unit], start_ms: int, end_ms: int) -> None:
        """Run states and alerts over stored history, in event time, with the outbox muted. Before :meth:`start`.

        The judge's memory at ``end_ms`` is where the live tick goes on, without a break.
        """
        for unit in units:
            self.roster.describe(unit)
        self.judge = self._new_judge(list(self.roster), self._floor(start_ms))
        await self._replay_to(self._floor(end_ms), Mode.HISTORY)
        self._replayed = True
        self._build_live()
        self._save()

    async def start(self) -> None:
        """Follow the broker, start the tick and the outbox. Returns once ready; catching up goes on behind."""
        if not self._replayed:
            self._restore()
        self._reconcile()
        self._spawn(self.loop.run(), "follow the broker")
        self._spawn(self._catch_up_then_watch(), "watch")
        self._spawn(self._rounds(), "rounds")
        self._spawn(self.sender.run(), "outbox")

    async def stop(self) -> None:
        """Stop cleanly: viewers told, broker left, memory kept."""
        self.stream.end()
        await self.loop.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self.caught_up:
            self._save()
        self.database.close()

    async def states_between(self, unit: Unit, start_ms: int, end_ms: int) -> list[Interval]:
        """Return a unit's states: from the store; the last minutes, which it may not hold yet, from the watch."""
        number = self.roster.number(unit.id)
        live: list[Interval] = []
        from_ms = max(start_ms, self.now_ms() - TAIL_MS)
        if number is not None and number < len(self.judge.units) and self.caught_up and from_ms < end_ms:
            live = self.judge.classifier.intervals(number, from_ms, end_ms)
            live = [one for one in live if one.reason is not StateReason.LEARNING]
        # What is live is provisional: values are held up to their longest silence.
        tail = [replace(one, end_ms=one.end_ms or end_ms, provisional=True) for one in live]
        tail_ms = tail[0].start_ms if tail else end_ms
        settled = await asyncio.to_thread(self.states.intervals, unit, start_ms, tail_ms, self.now_ms())
        return joined(settled, tail)

    @property
    def watching(self) -> bool:
        """The tick runs, and the last one was not long ago."""
        return self.caught_up and self.now_ms() - self.watch.judged_ms < 10 * SECOND_MS

    def look_at(self, unit_id: str) -> None:
        """Somebody looks at a unit: ask it at once to send every second."""
        if self.loop.connected:
            self.leases.renew(self.stream.watched_units() | {unit_id}, self.now_ms())

    def _build_live(self) -> None:
        self.frames = Frames(
            roster=self.roster, readings=self.readings, judge=self.judge, alerts=self.engine.standing.now
        )
        self.watch = Watch(
            roster=self.roster,
            readings=self.readings,
            judge=self.judge,
            stream=self.stream,
            frames=self.frames,
            now_ms=self.now_ms,
        )
        self.follower = Follower(
            roster=self.roster,
            readings=self.readings,
            now_ms=self.now_ms,
            on_unit=self.watch.take_unit,
            on_heard=self.watch.take_heard,
            on_reading=self.watch.take_reading,
            on_late=self.states.late,
        )
        self.session = HostSession(host=self.settings.broker.client_id, groups=self.settings.groups, announce=False)
        self.loop = SessionLoop(
            make_client=self._make_client,
            session=self.session,
            on_event=self.follower.take,
            now_ms=self.now_ms,
            on_link=self._on_link,
            back_off_s=(0.5, 15.0),
        )
        self.leases = WatchLeases(
            roster=self.roster,
            lease_s=self.settings.watch_lease_s,
            command=lambda group, node, name, value, kind, now: self.session.command(
                group, node, None, name, value, kind, now
            ),
            perform=self.loop.perform,
        )
        for unit_id, below in self._below.items():
            self.watch.set_below(unit_id, below)

    def _make_client(self, on_message: Callable[[str, bytes], None]) -> MqttClient:
        broker = self.settings.broker
        return MqttClient(
            host=broker.host,
            port=broker.port,
            client_id=broker.client_id,
            on_message=on_message,
            username=broker.username,
            password=None if broker.password is None else broker.password.get_secret_value(),
            tls=TlsSettings(ca=broker.ca_file) if broker.tls else None,
        )

    def _on_link(self, up: bool) -> None:
        log.info("broker link %s", "up" if up else "lost")
        self.leases.forget()

    def _new_judge(self, units: Sequence[Unit], start_ms: int) -> Judge:
        return Judge(
            units=units,
            start_ms=start_ms,
            engine=self.engine,
            idle_after_s=self.settings.idle_after_s,
            not_producing_after_h=self.settings.not_producing_after_h,
            day_start_ms=self.day.start_ms,
            shifts_ms=self.day.changes_ms,
            on_below=self._set_below,
        )

    def _set_below(self, unit_id: str, below: bool) -> None:
        if self._below.get(unit_id, False) != below:
            self._below[unit_id] = below
            if hasattr(self, "watch"):
                self.watch.set_below(unit_id, below)

    def _lost_t(self, unit_id: str, onset_ms: int, until_ms: int) -> float | None:
        return self.judge.lost_t(unit_id, onset_ms, until_ms)

    def _adopt_registry(self) -> None:
        """Take in units that the collector knows; a registry that cannot be read is no reason to stop."""
        if self.registry is None:
            return
        try:
            revision = self.registry.revision()
            if revision == self._revision:
                return
            for unit in self.registry.units():
                group = self.registry.group_of(unit.id)
                if group is not None and self.roster.group(unit.id) is None:
                    self.roster.set_group(unit.id, group)
                if self.roster.unit(unit.id) is None and self.roster.describe(unit) and hasattr(self, "watch"):
                    self.watch.take_unit(unit)
            self._revision = revision
        except DatabaseError as error:
            self.registry_errors += 1
            log.warning("the registry cannot be read: %s", error)

    def _restore(self) -> None:
        kept = self.database.carries().get(CARRY_UNIT)
        now_ms = self.now_ms()
        if kept is not None and 0 <= now_ms - kept[0] <= LONGEST_MS:
            try:
                self.judge = self._new_judge(list(self.roster), kept[0])
                self.judge.restore(orjson.loads(kept[1]))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                log.warning("what was remembered cannot be read, beginning anew: %s", error)
                kept = None
        if kept is None or not 0 <= now_ms - kept[0] <= LONGEST_MS:
            start_ms = now_ms - FRESH_MS if self.store is not None and len(self.roster) else now_ms
            self.judge = self._new_judge(list(self.roster), self._floor(start_ms))
        self._build_live()

    def _reconcile(self) -> None:
        """The book is what people saw: memory follows it where a crash left them apart."""
        standing = self.book.standing()
        self.judge.forget_cleared({(record.unit, record.kind) for record in standing})
        for record in standing:
            self.judge.adopt(record.unit, record.kind, record.onset_ms, record.raised_ms)

    async def _catch_up_then_watch(self) -> None:
        began_ms = self.now_ms()
        if self.store is not None and len(self.judge.units):
            try:
                latest = {unit.id: await asyncio.to_thread(self.store.latest, unit.id) for unit in self.judge.units}
                for unit in self.judge.units:
                    self.watch.prime(unit, latest[unit.id])
                newest = [max((x.time_ms for x in own.values()), default=0) for own in latest.values()]
                recent = [at_ms for at_ms in newest if at_ms > began_ms - UNSEALED_MS]
                end_ms = self._floor(min([began_ms, *(recent or [max(newest)])]))
                await self._replay_to(end_ms, Mode.CATCH_UP)
            except StoreError as error:
                log.warning("the store does not answer, so nothing was caught up: %s", error)
        now_ms = self.now_ms()
        # What nobody looked at says nothing of the units.
        if now_ms - self.judge.now_ms > 2 * SECOND_MS:
            self.judge.look_away(self._floor(now_ms))
        if told := self.engine.tell_of_standing(began_ms, now_ms):
            log.info("%d alert(s) found while catching up still stand", told)
        self.watch.judged_ms = self.judge.now_ms
        self.caught_up = True
        await self.watch.run()

    async def _replay_to(self, end_ms: int, mode: Mode) -> None:
        if self.store is None:
            return
        steps = replay(
            self.judge,
            self.store,
            end_ms,
            recorded_ms=self.now_ms(),
            mode=mode,
            below=lambda unit_id: self._below.get(unit_id, False),
        )
        # A step in a thread at a time: pages and the stream stay quick meanwhile.
        while await asyncio.to_thread(next, steps, None) is not None:
            pass

    async def _rounds(self) -> None:
        """What is done now and then: leases, shelving that ends, the registry, memory to disk."""
        saved_ms = self.now_ms()
        while True:
            now_ms = self.now_ms()
            self._adopt_registry()
            if self.loop.connected:
                self.leases.renew(self.stream.watched_units(), now_ms)
            for record in self.book.release_due(now_ms):
                self.engine.standing.touch(now_ms)
                if record.active:
                    self.engine.tell(record, "released", now_ms)
            if self.caught_up and now_ms - saved_ms >= CARRY_S * SECOND_MS:
                saved_ms = now_ms
                self._save()
            await asyncio.sleep(ROUND_S)

    def _save(self) -> None:
        text = orjson.dumps(self.judge.to_dict(), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        self.database.put_carry([(CARRY_UNIT, self.judge.now_ms, text.decode())])

    @staticmethod
    def _floor(at_ms: int) -> int:
        return at_ms // SECOND_MS * SECOND_MS

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"api: {name}")
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    @staticmethod
    def _ended(task: asyncio.Task[None]) -> None:
        with suppress(asyncio.CancelledError):
            if error := task.exception():
                log.error("%s ended: %r", task.get_name(), error, exc_info=error)
