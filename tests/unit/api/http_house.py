"""A service over made history, and the questions that are asked of it over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from api.service import Service
from api.settings import ApiSettings
from tests.unit.api.made_plant import T0, MadeStore, made_unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

END = T0 + 2_400_000
MINE = made_unit()
OTHER = made_unit("zn-01", "zinc")


class Controls:
    def __init__(self) -> None:
        self.on = {"mn-01": {"stop_feeder": False}}

    async def list(self) -> Mapping[str, Mapping[str, bool]]:
        return self.on

    async def set(self, unit: str, name: str, on: bool) -> None:
        if name not in self.on[unit]:
            raise KeyError(name)
        self.on[unit][name] = on


class House:
    def __init__(self, folder: Path) -> None:
        self.now_ms = END
        self.store = MadeStore()
        self.store.make(MINE, [("run", 1200), ("nofeed", 1200)])
        self.store.make(OTHER, [("run", 2400)])
        self.service = Service(
            settings=ApiSettings(data_dir=folder),
            store=self.store,
            registry=None,
            now_ms=lambda: self.now_ms,
            demo_controls=Controls(),
        )
        transport = httpx.ASGITransport(app=create_app(service=self.service))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
        return answer.json()

    async def post(self, path: str, body: Mapping[str, Any], status: int = 200) -> Any:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def begin(self) -> None:
        """Let history run, as at a start."""
        await self.service.replay_history(units=[OTHER, MINE], start_ms=T0, end_ms=END)
        self.service.caught_up = True
        for unit in (OTHER, MINE):
            self.service.watch.prime(unit, self.store.latest(unit.id))

    async def end(self) -> None:
        await self.client.aclose()
        self.service.database.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    await made.begin()
    yield made
    await made.end()
