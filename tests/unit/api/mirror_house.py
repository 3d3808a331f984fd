"""A service with a made plant that mirrors into a real InfluxDB, second by second of a clock of its own."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from api.live.follower import Told
from api.live.readings import GOOD
from api.mirror.target import Target
from api.service import Service
from api.settings import ApiSettings
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from tests.unit.api.made_plant import T0, MadeStore, made_unit

if TYPE_CHECKING:
    from pathlib import Path

    from orewatch.plant.unit import Unit

HOUR0 = -(-T0 // HOUR_MS) * HOUR_MS
_databases = itertools.count()
Row = dict[str, Any]


class MirrorHouse:
    """``units`` do what ``store`` says of them; ``reported`` False: nothing of it reaches the live lane."""

    def __init__(self, folder: Path, url: str, *units: Unit, now_ms: int = HOUR0) -> None:
        self.folder, self.url = folder, url
        self.database = f"mirror{next(_databases)}"
        self.units = units or (made_unit(),)
        self.store = MadeStore()
        self.now_ms = now_ms
        self.reported = True
        self.server = InfluxServer(target=InfluxTarget(url=url, database=self.database))
        self.make_levels()
        self.service = self.started()

    def make_levels(self) -> None:
        for statement in (
            f"CREATE DATABASE {self.database}",
            f"CREATE RETENTION POLICY hours ON {self.database} DURATION INF REPLICATION 1",
        ):
            self.server.http.post("/query", params={"q": statement}).raise_for_status()

    def started(self, journal: Path | None = None) -> Service:
        server = InfluxServer(target=InfluxTarget(url=self.url, database=self.database, timeout_s=2.0))
        service = Service(
            settings=ApiSettings(data_dir=self.folder),
            store=self.store,
            registry=None,
            now_ms=lambda: self.now_ms,
            target=Target.open(server, journal or self.folder / "journal.db"),
        )
        for unit in self.units:
            service.roster.describe(unit)
        service.judge = service.new_judge(self.now_ms // 1000 * 1000)
        service.build_live()
        service.caught_up = True
        return service

    def killed(self) -> None:
        """End the service as a power cut would: nothing is said, nothing is saved."""
        assert self.service.mirror is not None
        self.service.mirror.close()
        self.service.database.close()
        self.service.inputs.close()

    def close(self) -> None:
        self.killed()
        self.server.close()

    async def run(self, seconds: int) -> None:
        """Let time pass: readings come, the watch ticks, the mirror goes round shortly after each minute."""
        for _ in range(seconds):
            if self.reported:
                for unit in self.units:
                    self._report(unit)
            self.now_ms += 1000
            self.service.watch.tick()
            if self.now_ms % MINUTE_MS == 2000:
                await self.round()

    async def round(self) -> float:
        assert self.service.mirror is not None
        return await self.service.mirror.round()

    def _report(self, unit: Unit) -> None:
        service = self.service
        for ref, (times, values) in self.store.series_of.get(unit.id, {}).items():
            place = int(np.searchsorted(times, self.now_ms))
            if place < len(times) and times[place] == self.now_ms:
                readings = service.readings.of(unit.id)
                readings.put(str(ref), float(values[place]), self.now_ms, GOOD)
                readings.last_seen_ms = self.now_ms
                service.watch.take_heard(unit.id, self.now_ms, False)
                service.watch.take_reading(Told(unit.id, ref, self.now_ms, float(values[place])))

    def rows(self, measurement: str, *, level: str = "autogen", unit: str | None = None) -> list[Row]:
        where = "" if unit is None else f" WHERE unit = '{unit}'"
        (answer,) = self.server.query(f'SELECT * FROM "{level}"."{measurement}"{where}')
        return [
            defaultdict(lambda: None, zip(part.columns, row, strict=True)) for part in answer for row in part.values
        ]

    def minutes(self, unit: str = "mn-01") -> dict[int, Row]:
        return {row["time"]: row for row in self.rows("unit_state", unit=unit)}

    def hours(self, unit: str = "mn-01") -> dict[int, Row]:
        return {row["time"]: row for row in self.rows("unit_state_1h", level="hours", unit=unit)}

    async def told(self, unit: Unit, start_ms: int, end_ms: int) -> dict[int, tuple[str, str]]:
        """Return what ``/units/{id}/states`` says at the start of each minute."""
        intervals = await self.service.states_between(unit, start_ms, end_ms)
        return {
            at_ms: (one.state.value, one.reason.value)
            for at_ms in range(start_ms, end_ms, MINUTE_MS)
            for one in intervals
            if one.start_ms <= at_ms < (one.end_ms or end_ms)
        }

    def down(self, seconds: int) -> None:
        """Let time pass while the service does not run; it starts anew after it."""
        self.killed()
        self.now_ms += 1000 * seconds
        self.service = self.started()
