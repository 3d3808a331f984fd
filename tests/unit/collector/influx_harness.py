"""What an InfluxDB holds, row by row, against what the journal says it must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orewatch.storage.influx import InfluxServer, InfluxTarget, quoted
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import FOREVER, Level, Retention
from orewatch.storage.query import HOUR_MS, MINUTE_MS
from orewatch.storage.rollups import roll_up, touched
from orewatch.storage.sqlite import BlockReader
from orewatch.telemetry.scan import Quality, physical

if TYPE_CHECKING:
    from orewatch.storage.journal import Journal
    from orewatch.storage.projection import DecodedBlock

Values = dict[tuple[str, str, str, str, int], float]
TAGS = ("machine", "mineral", "province", "site", "unit")


class Influx:
    """An InfluxDB's database with a writer into it."""

    def __init__(
        self, url: str, database: str, *, retention: Retention = FOREVER, name: str = "influxdb", **who: str
    ) -> None:
        self.server = InfluxServer(target=InfluxTarget(url=url, database=database, timeout_s=10, **who))
        self.writer = InfluxWriter(server=self.server, retention=retention, name=name, jitter=lambda: 0.0)

    def close(self) -> None:
        self.writer.close()
        self.server.close()

    def dump(self) -> dict[tuple[str, str], list[tuple[tuple[str, object], ...]]]:
        """Return every row of every measurement of every level, tags and fields alike."""
        found = {}
        for level in Level:
            (answer,) = self.server.query("SHOW MEASUREMENTS", level=level)
            for name in [str(row[0]) for rows in answer for row in rows.values]:
                (answer_rows,) = self.server.query(f"SELECT * FROM {quoted(name)}", level=level)
                rows = [
                    tuple((c, v) for c, v in zip(part.columns, row, strict=True) if v is not None)
                    for part in answer_rows
                    for row in part.values
                ]
                if rows:
                    found[level.value, name] = sorted(rows, key=repr)
        return found

    def values(self, level: Level = Level.RAW) -> Values:
        """Return every value of one level by measurement, unit, machine, field and time."""
        return {
            (name, str(told["unit"]), str(told["machine"]), field, int(str(told["time"]))): float(str(value))
            for (of, name), rows in self.dump().items()
            if of == level.value and name != "signal_quality"
            for row in rows
            for told in (dict(row),)
            for field, value in row
            if field not in TAGS and field != "time"
        }


def blocks_of(journal: Journal) -> list[DecodedBlock]:
    """Return every block of the journal."""
    reader = BlockReader(journal=journal)
    return [b for b in map(reader.decode, journal.blocks(0, 1_000_000)) if b is not None]


def journal_values(journal: Journal) -> Values:
    """Return what the raw level must hold: of two values at one time the later journaled."""
    values: Values = {}
    for block in blocks_of(journal):
        for scans in block.scans:
            group = block.schema.groups[scans.group]
            table = physical(group, scans.steps)
            good = np.isfinite(table) if scans.quality is None else scans.quality == Quality.GOOD
            for column, ref in enumerate(group.refs()):
                for row in np.flatnonzero(good[:, column]):
                    key = (group.cls, block.header.unit, ref.machine, ref.signal, int(scans.time_ms[row]))
                    values[key] = float(table[row, column])
    return values


def counts(journal: Journal, step_ms: int) -> Values:
    """Return how many values each window must have counted."""
    values: Values = {}
    blocks = blocks_of(journal)
    for unit in {b.header.unit for b in blocks}:
        own = [b for b in blocks if b.header.unit == unit]
        for part in roll_up(own, {s for b in own for s in touched(b, step_ms)}, step_ms):
            for at, name in enumerate(part.names):
                for time_ms, count in zip(part.time_ms.tolist(), part.count[:, at].tolist(), strict=True):
                    if count:
                        values[part.cls, unit, part.machine, name, time_ms] = float(count)
    return values


def assert_whole(journal: Journal, influx: Influx, *, raw: bool = True) -> None:
    """Fail unless the InfluxDB holds what the journal holds: scans, minutes and hours, no more and no less."""
    if raw:
        assert influx.values() == journal_values(journal)
    for step_ms, level, suffix in ((MINUTE_MS, Level.MINUTES, "_1m"), (HOUR_MS, Level.HOURS, "_1h")):
        counted = {
            (name.removesuffix(suffix), unit, machine, field.removeprefix("count_"), time_ms): value
            for (name, unit, machine, field, time_ms), value in influx.values(level).items()
            if field.startswith("count_")
        }
        assert counted == counts(journal, step_ms)
