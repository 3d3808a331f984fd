"""The service looks at itself and at what the collector wrote down; nothing here decides anything."""

from __future__ import annotations

import logging
import threading
from statistics import median
from typing import TYPE_CHECKING, Final

from api.health.signs import ClockSign, MirrorSign, OutboxSign, Signs, StoreSign
from api.live.edge_clock import CLOCK_OFF_MS
from orewatch.storage.database import DatabaseError
from orewatch.storage.disk import Disk
from orewatch.storage.query import MINUTE_MS, StoreError

if TYPE_CHECKING:
    from api.service import Service
    from orewatch.storage.query import HistoryStore
    from orewatch.storage.vitals import Vitals

log = logging.getLogger(__name__)

STORE_EACH_S: Final = 30.0
SPEAKING_MS: Final = 120_000
LEAST_UNITS: Final = 3
MOST_OF: Final = 2 / 3


class Look:
    """Keeps what one look cannot tell: since when the collector's record is the same, how the store last was."""

    def __init__(self, *, service: Service) -> None:
        self._service = service
        self._disk = Disk(service.settings.data_dir)
        self._record: Vitals | None = None
        self._changed_s = 0.0
        self._heard = False
        self._store_asked_s: float | None = None
        self._asking: threading.Thread | None = None
        self.store = StoreSign(up=None if service.store is not None else False, why="could not be opened at the start")

    def at(self, at_s: float) -> Signs:
        """Return the signs as of now; ``at_s`` is a clock that nobody sets (s). Now and then it asks the store, too."""
        service = self._service
        now_ms = service.now_ms()
        self._read_record(at_s)
        self._ask_store(at_s)
        return Signs(
            now_ms=now_ms,
            watching=service.watching,
            caught_up=service.caught_up,
            broker_connected=service.link.connected,
            collector=self._record,
            collector_age_s=None if self._record is None else at_s - self._changed_s,
            collector_heard=self._heard,
            store=self.store,
            disk=self._disk.look(at_s),
            outbox=self._outbox(now_ms),
            mirror=self._mirror(now_ms),
            clock=clock_sign(
                [
                    (readings.last_seen_ms, readings.clock.newest_ms)
                    for readings in service.readings.as_mapping().values()
                ],
                now_ms,
            ),
        )

    def _read_record(self, at_s: float) -> None:
        registry = self._service.registry
        if registry is None:
            return
        try:
            record = registry.vitals("collector")
        except DatabaseError as error:
            log.warning("the collector's vital signs cannot be read: %s", error)
            return
        # Compared, not subtracted: the collector's clock may be another than ours, and either may be set.
        if record is not None and (self._record is None or record.at_ms != self._record.at_ms):
            self._changed_s, self._heard = at_s, self._record is not None
        self._record = record if record is not None else self._record

    def _ask_store(self, at_s: float) -> None:
        store = self._service.store
        due = self._store_asked_s is None or at_s - self._store_asked_s >= STORE_EACH_S
        unit = next(iter(self._service.roster), None)
        if store is None or unit is None or not due or (self._asking is not None and self._asking.is_alive()):
            return
        self._store_asked_s = at_s
        # A daemon: a store that hangs must keep neither the event loop nor the end of the process.
        self._asking = threading.Thread(
            target=self._try_store, args=(store, unit.id), name="api: try the store", daemon=True
        )
        self._asking.start()

    def _try_store(self, store: HistoryStore, unit_id: str) -> None:
        """Ask what every page asks: that answers only if all of the way to the store is well."""
        try:
            store.latest(unit_id)
        except StoreError as error:
            self.store = StoreSign(up=False, why=str(error))
        else:
            self.store = StoreSign(up=True)

    def _mirror(self, now_ms: int) -> MirrorSign | None:
        mirror = self._service.mirror
        if mirror is None:
            return None
        # A minute is written when it is over.
        behind_s = None if mirror.minute_ms is None else max(0, now_ms - mirror.minute_ms - MINUTE_MS) / 1000
        return MirrorSign(behind_s=behind_s, owed=mirror.owed)

    def _outbox(self, now_ms: int) -> OutboxSign:
        waiting, oldest_ms = self._service.outbox.waiting()
        return OutboxSign(waiting=waiting, oldest_s=0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000)


def clock_sign(units: list[tuple[int | None, int | None]], now_ms: int) -> ClockSign:
    """Return what the units' clocks say of ours.

    ``units``: when each was last heard and how late its last message was by its own clock (ms), None where that is
    not known. Who is off alone has a wrong clock; where most are off in the same direction, it is ours.
    """
    lags = [lag for seen_ms, lag in units if lag is not None and seen_ms is not None and now_ms - seen_ms < SPEAKING_MS]
    if len(lags) < LEAST_UNITS:
        return ClockSign(units=len(lags))
    middle = median(lags)
    sides = [lag for lag in lags if abs(lag) > CLOCK_OFF_MS and (lag > 0) == (middle > 0)]
    off = abs(middle) > CLOCK_OFF_MS and len(sides) >= MOST_OF * len(lags)
    return ClockSign(units_ahead_s=-middle / 1000 if off else 0.0, units=len(lags))
