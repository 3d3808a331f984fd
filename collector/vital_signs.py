"""The collector looks at itself every few seconds: broker, queue, journal, disk, projections, certificates."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from orewatch.certificates import CertificateError, not_after_ms
from orewatch.storage.dead_letters import Verdict
from orewatch.storage.disk import Disk
from orewatch.storage.vitals import CertificateSigns, Vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from collector.counters import Counters
    from collector.intake import Intake
    from collector.project import Projector
    from collector.settings import BrokerSettings
    from collector.writer import Writer
    from orewatch.storage.journal import Journal
    from orewatch.storage.registry import Registry

log = logging.getLogger(__name__)

PROCESS: Final = "collector"
EACH_S: Final = 5.0
RATE_S: Final = 30.0
SELDOM_S: Final = 60.0
"""Letters are counted and certificates read so seldom."""


class VitalSigns:
    """Takes the signs and writes them down. ``at_s`` is a clock that nobody sets; one thread calls :meth:`keep`."""

    def __init__(
        self,
        *,
        journal: Journal,
        registry: Registry,
        counters: Counters,
        intake: Intake,
        projectors: Sequence[Projector],
        data_dir: Path,
        broker: BrokerSettings,
        connected: Callable[[], bool],
        now_ms: int,
        queue_bound_bytes: int,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._counters = counters
        self._intake = intake
        self._projectors = projectors
        self._certificates = [(n, p) for n in ("certificate", "ca") if (p := getattr(broker, n)) is not None]
        self._connected = connected
        self._started_ms = now_ms
        self._queue_bound_bytes = queue_bound_bytes
        self._disk = Disk(data_dir)
        self._link = (False, now_ms)
        self._rates: deque[tuple[float, int, int]] = deque()
        self._kept_s: float | None = None
        self._seldom_s: float | None = None
        self._letters: dict[str, int] = {}
        self._ends: dict[str, CertificateSigns] = {}
        self._told: set[str] = set()
        self.health_points_dropped = 0
        self.newest: Vitals | None = None

    def keep(self, writer: Writer, now_ms: int, at_s: float) -> None:
        """Write the signs down where that is due; :class:`JournalError`."""
        if self._kept_s is not None and at_s - self._kept_s < EACH_S:
            return
        self._kept_s = at_s
        self.newest = self.take(writer.queued_bytes, now_ms, at_s)
        self._registry.put_vitals(PROCESS, self.newest)

    def take(self, queue_bytes: int, now_ms: int, at_s: float) -> Vitals:
        """Return the signs as of now; :class:`JournalError`."""
        if self._seldom_s is None or at_s - self._seldom_s >= SELDOM_S:
            self._seldom_s = at_s
            self._letters = {verdict.value: self._journal.letters_kept(verdict) for verdict in Verdict}
            self._read_ends()
        connected = self._connected()
        if connected != self._link[0]:
            self._link = connected, now_ms
        blocks_s, values_s = self._speeds(at_s)
        room = self._disk.look(at_s)
        return Vitals(
            at_ms=now_ms,
            started_ms=self._started_ms,
            broker_connected=connected,
            broker_since_ms=self._link[1],
            queue_bytes=queue_bytes,
            queue_bound_bytes=self._queue_bound_bytes,
            held_blocks=self._intake.held,
            blocks_s=blocks_s,
            values_s=values_s,
            commits=self._intake.commits.histogram(),
            journal_bytes=file_bytes(self._journal.database.path),
            journal_position=self._journal.newest_position(),
            disk_free_bytes=room.free if room else None,
            disk_total_bytes=room.total if room else None,
            disk_hours_left=room.hours_left if room else None,
            letters=self._letters,
            rejected=self._counters.sum("rejected"),
            projections=tuple(projector.signs(now_ms) for projector in self._projectors),
            certificates=tuple(self._ends.values()),
            health_points_dropped=self.health_points_dropped,
        )

    def _speeds(self, at_s: float) -> tuple[float | None, float | None]:
        """Return blocks and values stored in a second, over the last half minute; None before two looks."""
        self._rates.append((at_s, self._counters.sum("blocks_received"), self._counters.sum("values_stored")))
        while len(self._rates) > 2 and at_s - self._rates[1][0] >= RATE_S:  # noqa: PLR2004 - a span has two ends
            self._rates.popleft()
        (then_s, blocks, values), (_, blocks_now, values_now) = self._rates[0], self._rates[-1]
        took_s = at_s - then_s
        return ((blocks_now - blocks) / took_s, (values_now - values) / took_s) if took_s > 0 else (None, None)

    def _read_ends(self) -> None:
        """Read when certificates end; of one that cannot be read, as while it is replaced, the last that is known."""
        for name, path in self._certificates:
            try:
                end_ms = not_after_ms(path, authorities=name == "ca")
            except CertificateError as error:
                if name not in self._told:
                    self._told.add(name)
                    log.warning("broker.%s: %s", name, error)
            else:
                self._told.discard(name)
                self._ends[name] = CertificateSigns(name=name, not_after_ms=end_ms)


def file_bytes(path: Path) -> int:
    """Return how large an SQLite file is, with what waits beside it to be taken in."""
    size = 0
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            size += part.stat().st_size
        except OSError:
            continue
    return size
