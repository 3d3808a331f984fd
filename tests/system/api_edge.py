"""A small edge node over real MQTT, and a service over real HTTP, for the system tests of the api."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from api.app import create_app
from api.server import Server
from api.service import Service
from api.settings import ApiSettings, BrokerSettings
from edge_agent.declarations import alias_names, device_metrics, node_metrics
from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.actions import Command
from orewatch.sparkplug.client import MqttClient
from orewatch.sparkplug.edge_node import EdgeNodeSession, Reading
from orewatch.sparkplug.session_loop import SessionLoop
from orewatch.telemetry.node_metrics import DESCRIPTION, SCHEMAS, WATCHED
from orewatch.telemetry.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from orewatch.plant.unit import Unit
    from orewatch.sparkplug.actions import Event
    from orewatch.storage.query import HistoryStore
    from tests.servers import Broker


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.02)


class Edge:
    """One unit's edge node; ``send`` publishes live values."""

    def __init__(self, unit: Unit, broker: Broker) -> None:
        self.unit = unit
        self.watched: list[int] = []
        aliases = {name: number for number, name in enumerate(alias_names(unit), 1)}
        self.session = EdgeNodeSession(
            group="orewatch",
            node=unit.id,
            bd_seq=None,
            node_metrics=node_metrics(aliases),
            devices=device_metrics(unit, aliases),
        )
        self.session.set_value(None, DESCRIPTION, unit.to_json(), now_ms())
        self.session.set_value(None, SCHEMAS, json.dumps([schema_of(unit).text]), now_ms())
        self.loop = SessionLoop(
            make_client=lambda on_message: MqttClient(
                host=broker.host, port=broker.port, client_id=f"edge-{unit.id}", on_message=on_message
            ),
            session=self.session,
            on_event=self._event,
            now_ms=now_ms,
            back_off_s=(0.1, 0.5),
        )

    def _event(self, event: Event) -> None:
        if isinstance(event, Command) and event.name == WATCHED and isinstance(event.value, int):
            self.watched.append(event.value)

    def send(self, machine: str, values: dict[str, float], at_ms: int | None = None, *, late: bool = False) -> None:
        signals = self.unit.machines[machine].signals
        readings = [
            Reading(
                name=name,
                value=bool(value) if signals[name].kind is SignalKind.DIGITAL else float(value),
                timestamp_ms=at_ms or now_ms(),
                is_historical=late,
            )
            for name, value in values.items()
        ]
        self.loop.perform(self.session.data(machine, readings, now_ms()))


@asynccontextmanager
async def edge(unit: Unit, broker: Broker) -> AsyncIterator[Edge]:
    made = Edge(unit, broker)
    task = asyncio.create_task(made.loop.run())
    try:
        await until(lambda: made.session.born)
        yield made
    finally:
        await made.loop.stop()
        await task


class Served:
    """A running service and its address."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self.url = url

    def client(self, **more: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False, **more)


@asynccontextmanager
async def served(
    folder: Path,
    broker: Broker | None,
    *,
    store: HistoryStore | None = None,
    clock: Callable[[], int] = now_ms,
    **more: Any,
) -> AsyncIterator[Served]:
    port = broker.port if broker else 1
    settings = ApiSettings(data_dir=folder, port=0, broker=BrokerSettings(port=port), **more)
    service = Service(settings=settings, store=store, registry=None, now_ms=clock)
    server = Server(app=create_app(service=service), service=service, host="127.0.0.1", port=0, signals=False)
    await service.start()
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield Served(service, f"http://127.0.0.1:{server.port}")
    finally:
        server.should_exit = True
        await task
        await service.stop()


async def frames(client: httpx.AsyncClient, path: str, **more: Any) -> AsyncGenerator[dict[str, Any]]:
    """Yield the live frames of ``path``, each with its ``id`` as ``event_id``."""
    async with client.stream("GET", path, timeout=10, **more) as response:
        assert response.status_code == 200, await response.aread()
        event_id = 0
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                event_id = int(line[4:])
            elif line.startswith("data: "):
                yield json.loads(line[6:]) | {"event_id": event_id}
