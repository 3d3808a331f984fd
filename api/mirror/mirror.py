r"""The mirror: the service's own truth, projected into InfluxDB so that boards can show states and alerts.

::

    watch ---------------------> live_minutes --+
    ledger <- notes (clock, journal, inputs)    +--> target: raw level, level of hours
       \--> from_history (store, classifier) ---+
    alert book -> owed_alerts -> alert_points --+
    roster -----> infos -----------------------+

Live minutes are shown at once and never queued: each hour is computed anew from history when it is over, and again
whenever what it rests on changes. So nothing depends on this process having run, or on the store having been up.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from api.alerting.models import AlertKind
from api.live.pace import FORGET_MS
from api.mirror.alert_points import alert_point
from api.mirror.from_history import Computed, compute
from api.mirror.infos import Infos
from api.mirror.ledger import Due, Ledger
from api.mirror.live_minutes import LiveMinutes
from api.mirror.notes import Notes
from api.mirror.owed_alerts import OwedAlerts
from api.mirror.places import Place, Places
from api.units.state_history import SETTLING_MS
from orewatch.plant.performance import WINDOW_MS
from orewatch.plant.unit import OREWATCH
from orewatch.storage.database import DatabaseError
from orewatch.storage.query import HOUR_MS, MINUTE_MS, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.alerting.book import AlertRecord
    from api.mirror.target import Target
    from api.service import Service
    from orewatch.storage.point_writer import PointWriter
    from orewatch.storage.points import Point

log = logging.getLogger(__name__)

ROUND_S: Final = 5.0
# How much of a round history may take: pages ask the same store.
BUSY_S: Final = 2.0
FAILED_S: Final = 30.0
# A resend comes in many blocks: an hour is computed when no more of it have come for a while.
QUIET_MS: Final = 90_000
# So many hours are computed side by side: most of it is waiting for the store.
AT_ONCE: Final = 3
DAY_MS: Final = 24 * HOUR_MS


class Stretch(NamedTuple):
    """Minutes of a unit that were not written as they passed."""

    unit: str
    start_ms: int
    end_ms: int


class StoppedError(RuntimeError):
    """The store does not take or give anything now; ``wait_s``: not to be asked before."""

    def __init__(self, detail: str, wait_s: float) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Mirror:
    """Owns the target and the ledger. Only the event loop calls it; whatever takes its time is done in threads.

    ``owed``: hours and alerts that could be written now; ``waiting``: hours that are not complete yet.
    ``last_written_ms``: when the store last took anything, 0 before.
    """

    def __init__(self, *, service: Service, target: Target) -> None:
        self._service = service
        self._target = target
        self._ledger = Ledger.open(service.settings.data_dir / "mirror.db")
        self._places = Places(ledger=self._ledger)
        self._alerts = OwedAlerts(book=service.book)
        self._notes = Notes(
            ledger=self._ledger,
            alerts=self._alerts,
            arrivals=target.arrivals,
            inputs=service.inputs.database,
            raw_ms=round(service.settings.influx_raw_days * DAY_MS),
        )
        self._live = LiveMinutes(service=service, places=self._places, alerts=self._alerts)
        self._infos = Infos(service=service, ledger=self._ledger, places=self._places)
        self._minute_ms = self._ledger.marks().get("minute")
        self._gaps: deque[Stretch] = deque()
        self._standing: set[int] = set()
        self._stopped = ""
        self.owed = 0
        self.waiting = 0
        self.last_written_ms = 0
        self.failures = 0

    @property
    def written(self) -> Mapping[str, int]:
        """Points written since the start, by level."""
        return {"raw": self._target.minutes.written, "hours": self._target.hours.written}

    @property
    def refused(self) -> Mapping[str, int]:
        """Points that the store refused for good since the start, by reason."""
        return self._target.minutes.refused + self._target.hours.refused

    @property
    def passed_over(self) -> Mapping[str, int]:
        """What was owed and never will be written, by reason."""
        return +self._notes.passed_over

    @property
    def minute_ms(self) -> int | None:
        """The last minute that was written as it passed; None before the first."""
        return self._minute_ms

    def late(self, unit_id: str, first_ms: int, last_ms: int) -> None:
        """Late data came of a unit."""
        self._notes.hint(unit_id, first_ms, last_ms)

    def close(self) -> None:
        """Close target and ledger."""
        self._target.close()
        self._ledger.close()

    async def run(self) -> None:
        """Go round, for ever."""
        while True:
            pause_s = await self.round()
            await asyncio.sleep(pause_s)

    async def round(self) -> float:
        """Write what there is to write; returns how many seconds later to come again. Never raises for the store."""
        now_ms = self._service.now_ms()
        units = list(self._service.roster)
        try:
            await asyncio.to_thread(self._places.follow, units, now_ms)
            changed = await asyncio.to_thread(self._notes.note, [unit.id for unit in units], now_ms)
            for span in changed:
                self._service.states.late(*span)
            await self._write_minute(now_ms)
            await self._write_alerts(now_ms)
            await self._write(self._target.hours, await asyncio.to_thread(self._infos.points, units, now_ms))
            await asyncio.to_thread(self._infos.settle)
            pause_s = await self._write_history(now_ms)
        except StoppedError as stop:
            self._tell(str(stop))
            pause_s = max(ROUND_S, stop.wait_s)
        except (sqlite3.OperationalError, DatabaseError) as error:
            self.failures += 1
            self._tell(f"its own files: {error}")
            pause_s = FAILED_S
        else:
            self._tell("")
        await self._count(now_ms)
        return pause_s

    def _tell(self, stopped: str) -> None:
        """Say once that it stopped, and once that it goes on."""
        if bool(stopped) != bool(self._stopped):
            if stopped:
                log.warning("states and alerts cannot be written, they are computed anew once they can: %s", stopped)
            else:
                log.info("states and alerts are written again")
        self._stopped = stopped

    async def _count(self, now_ms: int) -> None:
        try:
            due, hours = await asyncio.to_thread(self._ledger.owed, self._due(now_ms))
            self.owed = due + await asyncio.to_thread(self._alerts.count)
        except sqlite3.OperationalError:
            self.failures += 1
        else:
            self.waiting = hours - due

    def _due(self, now_ms: int) -> Due:
        """Return of which hours all has come and is in the store."""
        before_ms = min(now_ms, self._notes.complete_ms) - HOUR_MS - SETTLING_MS + 1
        return Due(before_ms, now_ms - QUIET_MS, now_ms)

    async def _write(self, writer: PointWriter, points: Sequence[Point]) -> None:
        if not points:
            return
        outcome = await asyncio.to_thread(writer.write, points)
        if outcome.retry:
            raise StoppedError(outcome.detail, outcome.wait_s)
        self.last_written_ms = self._service.now_ms()

    async def _write_minute(self, now_ms: int) -> None:
        """Write the minute that is over, once the watch has judged all of it."""
        at_ms = now_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
        service = self._service
        if not (service.watching and service.judge.now_ms >= at_ms + MINUTE_MS) or at_ms == self._minute_ms:
            return
        if self._minute_ms is not None and self._minute_ms > at_ms:
            log.warning("the clock was set back: minutes from %d on are written again", at_ms)
            self._minute_ms = None
        if self._minute_ms != at_ms - MINUTE_MS:
            self._live.forget()
        try:
            await self._write(self._target.minutes, await self._live.points(at_ms))
        except StoppedError:
            self._live.forget()
            raise
        if self._minute_ms is not None and self._minute_ms < at_ms - MINUTE_MS:
            self._note_gap(self._minute_ms + MINUTE_MS, at_ms)
        self._minute_ms = at_ms
        await asyncio.to_thread(self._ledger.set_mark, "minute", at_ms)

    def _note_gap(self, start_ms: int, end_ms: int) -> None:
        """Note minutes that were not written as they passed and whose hour is not owed yet, or not for a while."""
        start_ms = max(start_ms, end_ms // HOUR_MS * HOUR_MS - HOUR_MS)
        edges = [start_ms, *range(-(-start_ms // HOUR_MS) * HOUR_MS, end_ms, HOUR_MS), end_ms]
        self._gaps = deque(
            Stretch(unit.id, first_ms, last_ms)
            for first_ms, last_ms in pairwise(edges)
            if first_ms < last_ms
            for unit in self._service.roster
        )

    async def _write_alerts(self, now_ms: int) -> None:
        # A unit that has been described since the round began has no place yet.
        known = {unit.id for unit in self._service.roster if unit.id in self._places} | {OREWATCH}
        while owed := await asyncio.to_thread(self._alerts.some, known):
            points = []
            for one in owed:
                record = one.record
                here = self._places.at(record.unit, record.raised_ms) if record.unit != OREWATCH else Place("", "", "")
                points.append(alert_point(record, here, self._service.engine.lost_t(record, now_ms)))
            await self._write(self._target.hours, points)
            for one in owed:
                await asyncio.to_thread(self._touch, one.record, now_ms)
            await asyncio.to_thread(self._alerts.settle, owed)

    def _touch(self, record: AlertRecord, now_ms: int) -> None:
        """Pace is judged afterwards and dated back; what was found in the past was not shown as it passed."""
        if record.kind is not AlertKind.UNDERPERFORMING and not record.historical:
            return
        if record.cleared_ms is not None:
            self._standing.discard(record.id)
            # Its end is dated back, too: what came after that was shown as slow.
            last_ms = max(record.cleared_ms, min(record.changed_ms, record.cleared_ms + FORGET_MS + WINDOW_MS))
        elif record.id in self._standing:
            # Told each hour for what it costs: that is no news of states.
            return
        else:
            self._standing.add(record.id)
            last_ms = now_ms
        self._notes.touch(record.unit, record.onset_ms, last_ms, now_ms)

    async def _write_history(self, now_ms: int) -> float:
        """Compute and write gaps and owed hours for a while; returns the pause that is due then."""
        began = asyncio.get_running_loop().time()
        while (spent_s := asyncio.get_running_loop().time() - began) < BUSY_S:
            if self._gaps:
                stretches = list(islice(self._gaps, AT_ONCE))
                await self._compute(stretches)
                for _ in stretches:
                    self._gaps.popleft()
                continue
            owed = await asyncio.to_thread(self._ledger.due, self._due(now_ms), AT_ONCE)
            if not owed:
                return ROUND_S
            await self._compute([Stretch(one.unit, one.hour_ms, one.hour_ms + HOUR_MS) for one in owed])
            await asyncio.to_thread(self._ledger.settle, owed)
        # There is more: half of the time belongs to whoever else asks the store.
        return max(ROUND_S - spent_s, spent_s)

    async def _compute(self, stretches: Sequence[Stretch]) -> None:
        """Compute and write stretches; all of them or, raising, none for certain."""
        computed = await asyncio.gather(*map(self._computed, stretches))
        await self._write(self._target.minutes, [point for one in computed for point in one.minutes])
        await self._write(self._target.hours, [point for one in computed for point in one.hours])

    async def _computed(self, stretch: Stretch) -> Computed:
        unit = self._service.roster.unit(stretch.unit)
        if unit is None or unit.id not in self._places:
            self._notes.passed_over["unknown_unit"] += 1
            return Computed([], [])
        try:
            return await compute(self._service, self._places, self._alerts, unit, stretch.start_ms, stretch.end_ms)
        except StoreError as error:
            raise StoppedError(str(error), ROUND_S) from error
