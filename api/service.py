r"""The service's composition root.

::

    broker -> broker_link (HostSession) -> live/follower -> live/readings ----> live/frames -> live/stream -> viewers
                                                   |                                  ^
                                             live/watch --1 Hz--> live/judge (plant.classifier, totaliser)
                                                                       |
    store, registry -> live/catch_up -> live/replay ---------------> alerting/engine -> alerting/book -> notify/outbox
               \-> units/ (history, states, latest)                                                        |
                                                                                    people <- notify/sender
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from api import memory
from api.alerting.book import AlertBook
from api.alerting.database import AlertDatabase
from api.alerting.engine import AlertEngine, Mode
from api.alerting.late_review import LateReview
from api.beginning import catch_up_then_watch
from api.broker_link import BrokerLink
from api.fleet.fleet import Fleet
from api.health.health import Health
from api.inputs.effects import spread
from api.inputs.inputs import Inputs
from api.live.catch_up import replay_to
from api.live.clock import SECOND_MS, whole_second
from api.live.follower import Follower
from api.live.frames import Frames
from api.live.judge import Judge
from api.live.known_units import KnownUnits
from api.live.production_day import ProductionDay
from api.live.readings import LiveReadings
from api.live.recount import Recounts
from api.live.roster import Roster
from api.live.said import Said
from api.live.shift import shift_figures
from api.live.stream import Stream
from api.live.watch import Watch
from api.mirror.mirror import Mirror
from api.notify.outbox import Outbox
from api.notify.sender import Sender, apprise_channels
from api.rounds import go_round
from api.tasks import Tasks
from api.units.first_look import read_days
from api.units.state_answers import states_between
from api.units.state_history import StateHistories

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.mirror.target import Target
    from api.settings import ApiSettings
    from api.units.demo_controls import DemoControls
    from orewatch.plant.states import Interval
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore
    from orewatch.storage.registry import Registry


class Service:
    """Everything behind the pages and the HTTP contract, for one process.

    ``store`` and ``registry`` may be None (live only); ``target``: where states and alerts are mirrored, if anywhere.
    ``now_ms`` is the clock of this composition root.
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
        target: Target | None = None,
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
        self.inputs = Inputs(path=settings.data_dir / "inputs.db", now_ms=now_ms, on_change=partial(spread, self))
        self.said = Said(units=self.inputs.in_force.units, inputs=self.inputs.in_force.of)
        self.day = ProductionDay(start_h=settings.production_day_start_h, shifts=settings.shifts)
        self.roster = Roster()
        self.recounts = Recounts(store=store, day_start_ms=self.day.start_ms, inputs=self.inputs.in_force.of)
        self.readings = LiveReadings()
        self.stream = Stream(max_viewers=settings.max_viewers)
        self.states = StateHistories(store=store, inputs=self.inputs.in_force.since)
        self.fleet = Fleet(service=self)
        self.review = LateReview(
            book=self.book,
            outbox=self.outbox,
            idle_after_s=settings.idle_after_s,
            language=settings.language,
            base_url=settings.base_url,
            now_ms=now_ms,
            inputs=self.inputs.in_force.since,
        )
        self._built = False
        self._below: dict[str, bool] = {}
        self.tasks = Tasks()
        self._replayed = False
        self.caught_up = False
        self.known = KnownUnits(registry=registry, roster=self.roster)
        self.known.adopt()
        self.judge = self.new_judge(whole_second(now_ms()))
        self.build_live()
        self.mirror = None if target is None else Mirror(service=self, target=target)
        self.health = Health(service=self)

    async def replay_history(self, *, units: Sequence[Unit], start_ms: int, end_ms: int) -> None:
        """Run states and alerts over stored history, in event time, with the outbox muted. Before :meth:`start`.

        The judge's memory at ``end_ms`` is where the live tick goes on, without a break.
        """
        for unit in units:
            self.roster.describe(unit)
        self.judge = self.new_judge(whole_second(start_ms))
        if self.store is not None:
            await replay_to(
                self.judge,
                self.store,
                whole_second(end_ms),
                recorded_ms=self.now_ms(),
                mode=Mode.HISTORY,
                below=self.is_below,
                inputs=self.inputs.in_force.since,
            )
            self._keep_states(start_ms)
        self._replayed = True
        self.build_live()
        memory.save(self.database, self.judge, replayed_from_ms=start_ms)

    async def start(self) -> None:
        """Follow the broker, start the tick and the outbox. Returns once ready; catching up goes on behind."""
        if not self._replayed:
            self._remember()
        memory.reconcile(self.judge, self.book)
        self.tasks.begin(self.link.run, "follow the broker")
        self.tasks.begin(partial(catch_up_then_watch, self), "watch")
        self.tasks.begin(partial(go_round, self), "rounds")
        self.tasks.begin(self.sender.run, "outbox")
        self.tasks.begin(self.fleet.months.run, "months")
        if self.mirror is not None:
            self.tasks.begin(self.mirror.run, "mirror")
        self.tasks.begin(partial(read_days, list(self.roster), self.states_between, self.now_ms), "days ahead")

    async def stop(self) -> None:
        """Stop cleanly: viewers told, broker left, memory kept."""
        self.stream.end()
        await self.link.stop()
        await self.tasks.end()
        if self.caught_up:
            memory.save(self.database, self.judge)
        if self.mirror is not None:
            self.mirror.close()
        self.database.close()
        self.inputs.close()

    @property
    def watching(self) -> bool:
        """The tick runs, and the last one was not long ago."""
        return self.caught_up and self.now_ms() - self.watch.judged_ms < 10 * SECOND_MS

    def look_at(self, unit_id: str) -> None:
        """Somebody looks at a unit: ask it at once to send every second."""
        self.link.renew_leases(self.stream.watched_units() | {unit_id})

    async def states_between(self, unit: Unit, start_ms: int, end_ms: int) -> list[Interval]:
        """Return a unit's states over ``[start_ms, end_ms)``."""
        return await states_between(self, unit, start_ms, end_ms)

    def shift_figures(self, unit: Unit, now_ms: int) -> dict[str, Any]:
        """Return the running shift of a unit; times in ms."""
        number = self.judge.number(unit.id)
        tally = None if number is None else self.judge.tallies[number]
        return shift_figures(self.day.shift_at(now_ms), tally, self.inputs.in_force.of(unit.id))

    def new_judge(self, start_ms: int) -> Judge:
        """Return a judge of the roster's units that knows nothing before ``start_ms``."""
        return Judge(
            units=list(self.roster),
            start_ms=start_ms,
            engine=self.engine,
            idle_after_s=self.settings.idle_after_s,
            not_producing_after_h=self.settings.not_producing_after_h,
            day_start_ms=self.day.start_ms,
            shifts_ms=self.day.changes_ms,
            on_below=self._set_below,
            inputs=self.inputs.in_force.of,
        )

    def build_live(self) -> None:
        """Build what stands around the present judge: frames, watch, follower and the broker's link."""
        alerts = self.engine.standing.now
        self.frames = Frames(
            roster=self.roster,
            readings=self.readings,
            judge=self.judge,
            alerts=alerts,
            fleet=self.fleet,
            inputs=self.inputs.in_force.of,
            shift=self.shift_figures,
        )
        self.watch = Watch(
            roster=self.roster,
            readings=self.readings,
            judge=self.judge,
            stream=self.stream,
            frames=self.frames,
            now_ms=self.now_ms,
            said=self.said,
        )
        self.follower = Follower(
            roster=self.roster,
            readings=self.readings,
            now_ms=self.now_ms,
            on_unit=self.watch.take_unit,
            on_heard=self.watch.take_heard,
            on_reading=self.watch.take_reading,
            on_late=self._late,
        )
        self.link = BrokerLink(
            settings=self.settings, roster=self.roster, now_ms=self.now_ms, on_event=self.follower.take
        )
        self._built = True
        for unit_id, below in self._below.items():
            self.watch.set_below(unit_id, below)

    def is_below(self, unit_id: str) -> bool:
        """Say whether a unit counts as underperforming."""
        return self._below.get(unit_id, False)

    def _set_below(self, unit_id: str, below: bool) -> None:
        if self.is_below(unit_id) != below:
            self._below[unit_id] = below
            if self._built:
                self.watch.set_below(unit_id, below)

    def _lost_t(self, unit_id: str, onset_ms: int, until_ms: int) -> float | None:
        return self.judge.lost_t(unit_id, onset_ms, until_ms)

    def _late(self, unit_id: str, first_ms: int, last_ms: int) -> None:
        self.states.late(unit_id, first_ms, last_ms)
        self.review.late(unit_id, first_ms, last_ms)
        if self.mirror is not None:
            self.mirror.late(unit_id, first_ms, last_ms)

    def _remember(self) -> None:
        now_ms = self.now_ms()
        judge = memory.restored(self.database, now_ms, self.new_judge)
        if judge is None:
            back_ms = memory.back_ms(len(self.roster)) if self.store is not None else 0
            judge = self.new_judge(whole_second(now_ms - back_ms))
            self.recounts.ask(unit.id for unit in self.roster)
        self.judge = judge
        if replayed_ms := memory.replayed_from(self.database, judge.now_ms):
            self._keep_states(replayed_ms)
        self.build_live()

    def _keep_states(self, start_ms: int) -> None:
        """What was just replayed from the store need not be read from it again for the first page."""
        for number, unit in enumerate(self.judge.units):
            self.states.keep(unit.id, self.judge.classifier.intervals(number), start_ms, self.judge.now_ms)
