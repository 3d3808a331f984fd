"""The demo's composition root: everything that orewatch is, in one process on loopback.

::

    RunningPlant (Modbus TCP) <- Agent -> Link -> EmbeddedBroker -> Collector -> journal.db
    a unit each                                        |                            |
                                                       +-> Service + pages <--------+   http://127.0.0.1:8080
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import time
import tomllib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from api.app import create_app
from api.server import Server
from api.service import Service
from api.settings import ApiSettings
from api.settings import BrokerSettings as ApiBroker
from collector.collector import Collector
from collector.settings import BrokerSettings, CollectorSettings
from edge_agent.agent import Agent
from edge_agent.settings import AgentSettings
from edge_agent.simulator.plant import Plant
from edge_agent.simulator.running import RunningPlant
from edge_agent.simulator.unit_files import unit_toml
from orewatch.demo.broker import EmbeddedBroker
from orewatch.demo.clock import UnitClock
from orewatch.demo.controls import PlantControls
from orewatch.demo.link import Link
from orewatch.demo.ports import free_port
from orewatch.demo.said import say
from orewatch.demo.seed import DAY_S, UnitFiles, apart, deliver, run_days
from orewatch.storage.registry import NodeRecord, Registry
from orewatch.storage.sqlite import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from orewatch.plant.unit import Unit

log = logging.getLogger(__name__)

PLC_TIMEOUT_S: Final = 10.0
"""PLCs and agents share one event loop here: a busy moment of the machine is no lost PLC."""
SAVE_EVERY_S: Final = 60.0
GROUP: Final = "orewatch"
NO_PORT: Final = 1
"""Nobody is called while the history is made."""


class House:
    """The demo. ``units`` are simulated; everything it keeps lies in ``folder``; ``port`` 0 takes a free one.

    ``say`` is told what happens, a line at a time.
    """

    def __init__(
        self,
        *,
        folder: Path,
        units: Sequence[Unit],
        port: int,
        seed: int,
        now_ms: Callable[[], int],
        say: Callable[[str], None],
    ) -> None:
        self.port = port
        self._folder = folder
        self._units = units
        self._seed = seed
        self._now_ms = now_ms
        self._say = say

    @property
    def seeded(self) -> bool:
        """Whether the first day is there."""
        return self._marker.exists()

    @property
    def _marker(self) -> Path:
        return self._folder / "demo.json"

    @property
    def _journal_path(self) -> Path:
        return self._folder / "journal.db"

    def _files(self, unit: str) -> UnitFiles:
        return UnitFiles(self._folder / "units" / unit)

    async def seed(self, *, seconds: int = DAY_S, with_story: bool = True) -> None:
        """Make the first day, and let states and alerts run over it, muted. A day cut short is begun anew."""
        end_ms = self._now_ms() // 1000 * 1000
        start_ms = end_ms - seconds * 1000
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._folder / "units", ignore_errors=True)
        for leftover in self._folder.glob("*.db*"):
            leftover.unlink()
        days = run_days(
            self._units, self._files, seed=self._seed, end_ms=end_ms, seconds=seconds, with_story=with_story
        )
        done = []
        while unit := await asyncio.to_thread(next, days, None):
            done.append(unit)
            self._say(f"plant history: {len(done)} of {len(self._units)} units ({unit})")
        await asyncio.to_thread(self._deliver, end_ms)
        projecting = asyncio.create_task(apart(project, self._folder, end_ms), name="projecting")
        say(self._folder, self._units, now_ms=end_ms)
        service, close = self._service(broker_port=NO_PORT, port=0, plants={})
        try:
            await service.replay_history(units=self._units, start_ms=start_ms, end_ms=end_ms)
        finally:
            await service.stop()
            close()
            await projecting
        self._say("states and alerts have run over it")
        self._marker.write_text(json.dumps({"seed": self._seed, "end_ms": end_ms}), encoding="utf-8")

    def _deliver(self, end_ms: int) -> None:
        collector = Collector(settings=collector_settings(self._folder, NO_PORT), now_ms=self._now_ms)
        try:
            kept = [deliver(unit, self._files(unit.id), collector.journal, end_ms) for unit in self._units]
            for unit in self._units:
                collector.registry.put(
                    NodeRecord(
                        group=GROUP,
                        node=unit.id,
                        description=unit.to_json(),
                        spool=None,
                        bd_seq=None,
                        born_ms=end_ms,
                        last_seen_ms=end_ms,
                    )
                )
            self._say(f"journal: {sum(b for b, _ in kept)} blocks, {sum(n for _, n in kept) / 1e6:.1f} MB")
        finally:
            collector.close()

    def _service(
        self, *, broker_port: int, port: int, plants: Mapping[str, Plant]
    ) -> tuple[Service, Callable[[], None]]:
        store = EmbeddedStore.open(self._journal_path)
        registry = Registry.open(self._journal_path, read_only=True)
        settings = ApiSettings(
            port=port,
            data_dir=self._folder,
            journal=self._journal_path,
            broker=ApiBroker(port=broker_port),
            groups=(GROUP,),
        )
        service = Service(
            settings=settings,
            store=store,
            registry=registry,
            now_ms=self._now_ms,
            demo_controls=PlantControls(plants) if plants else None,
        )

        def close() -> None:
            registry.close()
            store.close()

        return service, close

    async def run(self, *, until: asyncio.Event, ready: Callable[[str, int], Awaitable[None]] | None = None) -> None:
        """Run everything until ``until`` is set, then stop it in the order of the flow.

        ``ready`` is told the pages' address and the broker's port.
        """
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(EmbeddedBroker(port=free_port()))
            plants: dict[str, Plant] = {}
            workers: list[tuple[str, Awaitable[None]]] = []
            for number, unit in enumerate(self._units):
                plant = self._plant(unit, self._seed + number)
                plants[unit.id] = plant
                running = await self._start_plant(plant, stack)
                link = await stack.enter_async_context(Link(broker_port=broker.port))
                clock = UnitClock(self._now_ms)
                plant.hook("cut_link", link.follow)
                plant.hook("jump_clock", clock.follow)
                agent = Agent(settings=self._agent_settings(unit, running, link), now_ms=clock.now_ms)
                workers.append((f"agent {unit.id}", agent.run()))
                workers.append((f"plant {unit.id}", running.run(now_s=time.monotonic, until=until)))
            settings = collector_settings(self._folder, broker.port)
            collector = Collector(settings=settings, now_ms=self._now_ms)
            workers.append(("collector", collector.run()))
            service, close = self._service(broker_port=broker.port, port=self.port, plants=plants)
            stack.callback(close)
            tasks = [asyncio.ensure_future(work) for _, work in workers]
            for task, (name, _) in zip(tasks, workers, strict=True):
                if isinstance(task, asyncio.Task):
                    task.set_name(name)
            stack.push_async_callback(_stop, tasks)
            await service.start()
            stack.push_async_callback(service.stop)
            server = Server(
                app=create_app(service=service), service=service, host="127.0.0.1", port=self.port, signals=False
            )
            stack.push_async_callback(_end, server, await _listening(server))
            stack.callback(self._save, plants)
            tasks.append(asyncio.create_task(self._save_now_and_then(plants), name="saving the plants"))
            if ready:
                await ready(f"http://127.0.0.1:{server.port}/", broker.port)
            tasks.append(asyncio.create_task(_until(until), name="until stopped"))
            finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            until.set()
            for task in finished:
                task.result()  # a part that ended by itself tells why

    def _plant(self, unit: Unit, seed: int) -> Plant:
        plant = Plant(unit=unit, seed=seed, start_ms=self._now_ms())
        file = self._files(unit.id).plant
        if file.exists():
            plant.restore(json.loads(file.read_text(encoding="utf-8"))["plant"])
        return plant

    @staticmethod
    async def _start_plant(plant: Plant, stack: AsyncExitStack) -> RunningPlant:
        running = RunningPlant(plant=plant)
        running.server.update(plant.read())
        await running.server.start()
        stack.push_async_callback(running.server.stop)
        return running

    def _agent_settings(self, unit: Unit, running: RunningPlant, link: Link) -> AgentSettings:
        files = self._files(unit.id)
        files.folder.mkdir(parents=True, exist_ok=True)
        text = unit_toml(
            unit,
            plc_port=running.server.port,
            plc_timeout_s=PLC_TIMEOUT_S,
            broker_port=link.port,
            spool=files.spool,
            group=GROUP,
        )
        return AgentSettings.model_validate(tomllib.loads(text))

    def _save(self, plants: Mapping[str, Plant]) -> None:
        for unit, plant in plants.items():
            self._files(unit).save_plant(plant, self._now_ms())

    async def _save_now_and_then(self, plants: Mapping[str, Plant]) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            self._save(plants)


def collector_settings(folder: Path, broker_port: int) -> CollectorSettings:
    """Return the settings of the demo's collector."""
    return CollectorSettings(data_dir=folder, groups=[GROUP], broker=BrokerSettings(port=broker_port))


def project(folder: Path, now_ms: int) -> None:
    """Bring the embedded store up to the journal's end."""
    collector = Collector(settings=collector_settings(folder, NO_PORT), now_ms=lambda: now_ms)
    try:
        collector.drain(now_ms)
    finally:
        collector.close()


async def _listening(server: Server) -> asyncio.Task[None]:
    """Start ``server``; OSError where nothing can listen there."""
    serving = asyncio.create_task(server.serve(), name="pages")
    while not server.started:
        if serving.done():
            raise OSError(f"nothing can listen on 127.0.0.1:{server.config.port}")
        await asyncio.sleep(0.01)
    return serving


async def _end(server: Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    await serving


async def _until(event: asyncio.Event) -> None:
    await event.wait()


async def _stop(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task, result in zip(tasks, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, Exception):
            log.error("%s ended badly: %r", task, result)
