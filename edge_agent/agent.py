"""The agent on the unit: its composition root.

::

    Source --samples--> Conditioner --scans--+--> Spool (journaled first) --blocks--> Uplink.record lane ~~> broker
    Source -^                                +--> Uplink.live lane ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~> broker
                                                  Spool <--acknowledged ids-- Uplink <~~~~~~~~~~~~~~~~~~~~~~ broker

Reading is paced by a clock that is never set; scans carry the edge's wall time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from edge_agent.conditioning import Conditioner
from edge_agent.settings import ModbusSettings
from edge_agent.sources.modbus import ModbusSource
from edge_agent.sources.replay import ReplaySource
from edge_agent.spool import Spool
from edge_agent.troubles import Troubles
from edge_agent.unit_file import build_unit
from edge_agent.uplink import Uplink
from orewatch.plant.catalogue import SignalRef
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.settings import AgentSettings
    from edge_agent.sources.source import Sample, Source
    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

SLOWEST_TICK_S: Final = 1.0
READ_PART: Final = 0.8
"""The part of a tick that a source may take before its answer is left for the next one."""
MEBI: Final = 2**20


def wall_clock_ms() -> int:
    """Return the edge's clock, milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def open_spool(settings: AgentSettings, unit: Unit) -> Spool:
    """Open the spool that ``settings`` name; :class:`edge_agent.spool_file.SpoolError`."""
    s = settings.spool
    return Spool.open(
        s.path,
        unit=unit,
        schema=schema_of(unit),
        uplinks=[u.name for u in settings.uplink],
        block_bytes=s.block_bytes,
        block_seconds=s.block_seconds,
        max_bytes=int(s.max_mb * MEBI),
        keep_bytes=int(s.keep_acknowledged_mb * MEBI),
        synchronous=s.synchronous,
    )


def make_sources(settings: AgentSettings, unit: Unit) -> list[Source]:
    """Make the sources that ``settings`` name; nothing is connected yet."""
    out: list[Source] = []
    for s in settings.source:
        if isinstance(s, ModbusSettings):
            refs = [SignalRef(r.machine, r.signal) for r in s.register_]
            out.append(ModbusSource(settings=s, period_s={ref: unit.signal(ref).rate_s for ref in refs}))
        else:
            out.append(ReplaySource(settings=s))
    return out


class Agent:
    """One unit's agent.

    Args:
        settings: the unit's file.
        sources: read these instead of those that ``settings`` name.
        now_ms: the edge's wall clock.
    """

    def __init__(
        self,
        *,
        settings: AgentSettings,
        sources: Sequence[Source] | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.unit = build_unit(settings)
        self.counters: Counter[str] = Counter()
        self._settings = settings
        self._now_ms = now_ms
        self._sources = list(make_sources(settings, self.unit) if sources is None else sources)
        self._schema = schema_of(self.unit)
        self._conditioner = Conditioner(self._schema)
        fastest = min((g.period_s for g in self._schema.groups), default=SLOWEST_TICK_S)
        self._tick_s = min(SLOWEST_TICK_S, fastest)
        self._reading: dict[str, asyncio.Task[Sequence[Sample]]] = {}
        self._lost: frozenset[str] = frozenset()
        self._troubles = Troubles(at_ms=_steady_ms())
        self.uplinks: list[Uplink] = []

    async def run(self) -> None:
        """Run until cancelled; :class:`edge_agent.spool_file.SpoolError` where the spool cannot be opened."""
        spool = open_spool(self._settings, self.unit)
        try:
            self.uplinks = [
                Uplink(settings=s, unit=self.unit, spool=spool, now_ms=self._now_ms) for s in self._settings.uplink
            ]
            async with asyncio.TaskGroup() as tasks:
                for uplink in self.uplinks:
                    tasks.create_task(uplink.run(), name=f"uplink {uplink.name}")
                tasks.create_task(self._scan(spool), name="scanning")
        finally:
            for task in self._reading.values():
                task.cancel()
            for source in self._sources:
                await source.close()
            self._tell(spool, last=True)
            spool.close()

    async def _scan(self, spool: Spool) -> None:
        period = self._tick_s
        # The first tick waits for a whole period of the wall clock: a restart within one never scans it twice.
        due = time.monotonic() + period - self._now_ms() / 1000 % period
        while True:
            await asyncio.sleep(due - time.monotonic())
            await self._tick(spool)
            due += period
            behind = time.monotonic() - due
            if behind > period:
                # A suspended or overloaded machine: what was missed is missed.
                self.counters["missed_ticks"] += int(behind // period)
                due += behind // period * period

    async def _tick(self, spool: Spool) -> None:
        samples = await self._read(on_grid(self._now_ms(), round(self._tick_s * 1000)))
        scans = self._conditioner.scans(samples)
        # Away from the event loop: a memory card may take its time.
        if not await asyncio.to_thread(spool.append, scans, self._now_ms()):
            self.counters["held_in_memory"] += 1
        self.counters["scans"] += sum(len(s) for s in scans)
        self._follow_links()
        for uplink in self.uplinks:
            uplink.show(scans)
        self._tell(spool)

    def _tell(self, spool: Spool, *, last: bool = False) -> None:
        """Say in the log what was counted: nothing goes wrong in silence."""
        counters = {"agent": self.counters, "conditioning": self._conditioner.counters, "spool": spool.failures}
        counters |= {f"source {s.name}": s.counters for s in self._sources}
        counters |= {f"uplink {u.name}": u.counters for u in self.uplinks}
        line = self._troubles.line(counters, _steady_ms(), last=last)
        if line:
            log.warning("unit %s: %s", self.unit.id, line)

    async def _read(self, now_ms: int) -> list[Sample]:
        """Ask every source that is not still answering, and gather what is there in time."""
        for source in self._sources:
            if source.name not in self._reading:
                task = asyncio.create_task(self._samples(source, now_ms), name=f"source {source.name}")
                self._reading[source.name] = task
        if not self._reading:
            return []
        done, _ = await asyncio.wait(self._reading.values(), timeout=self._tick_s * READ_PART)
        samples: list[Sample] = []
        for name, task in list(self._reading.items()):
            if task in done:
                del self._reading[name]
                samples += task.result()
            else:
                self.counters["late_source"] += 1
        return samples

    async def _samples(self, source: Source, now_ms: int) -> Sequence[Sample]:
        try:
            return await source.read(now_ms)
        except Exception:
            # A defect in one source must not silence the others; the loop's edge is the one place that catches all.
            if not self.counters["source_defect"]:
                log.exception("source %s failed unexpectedly; it is asked again at the next tick", source.name)
            self.counters["source_defect"] += 1
            return ()

    def _follow_links(self) -> None:
        """A machine is lost when every source that brings its signals is down."""
        up = frozenset(m for s in self._sources if not s.down for m in s.machines)
        lost = frozenset(m for s in self._sources if s.down for m in s.machines) - up
        for machine in sorted(lost ^ self._lost):
            for uplink in self.uplinks:
                if machine in lost:
                    uplink.machine_lost(machine)
                else:
                    uplink.machine_back(machine)
        self._lost = lost


def on_grid(now_ms: int, tick_ms: int) -> int:
    """Return the tick's own time where ``now_ms`` is at most a tenth of a tick behind it, else ``now_ms``.

    A few milliseconds of scheduling are no information, and regular times cost no bytes.
    """
    late = now_ms % tick_ms
    return now_ms - late if late * 10 <= tick_ms else now_ms
