"""The service and its own health together: alerts in the lists, figures that stay the units', and who sees what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.health.health import Health
from api.health.points import service_fields
from api.live.stream import CHANGES
from api.service import Service
from api.settings import ApiSettings
from orewatch.storage.registry import Registry
from tests.unit.api.made_plant import T0, MadeStore, made_unit
from tests.unit.api.made_signs import WAITING, vitals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "sixteen-characters"
UNIT = made_unit()


class House:
    def __init__(self, folder: Path) -> None:
        self.now_ms = T0
        self.at_s = 0.0
        self.registry = Registry.open(folder / "journal.db")
        self.store = MadeStore()
        self.store.make(UNIT, [("run", 60)])
        self.service = Service(
            settings=ApiSettings(data_dir=folder, token=SecretStr(TOKEN)),
            store=self.store,
            registry=self.registry,
            now_ms=lambda: self.now_ms,
        )
        self.service.roster.describe(UNIT)
        self.service.health = Health(service=self.service, at_s=lambda: self.at_s)
        transport = httpx.ASGITransport(app=create_app(service=self.service))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def lives(self, **more: Any) -> None:
        """The collector writes its signs down."""
        self.registry.put_vitals("collector", vitals(at_ms=self.now_ms, **more))

    async def go(self, seconds: float, *, collector: bool = True, **more: Any) -> None:
        for _ in range(round(seconds / 5)):
            self.at_s += 5
            self.now_ms += 5000
            if collector:
                self.lives(**more)
            self.service.health.go_round()
            await asyncio.sleep(0)

    async def get(self, path: str, *, token: bool = True) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
        return (await self.client.get(path, headers=headers)).json()

    async def alerts(self) -> list[tuple[str, str, bool]]:
        items = (await self.get("/api/v1/alerts?unit=orewatch"))["items"]
        return [(one["kind"], one["reason"], one["active"]) for one in items]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    made.service.health.end()
    await made.client.aclose()
    made.service.database.close()
    made.service.inputs.close()
    made.registry.close()


async def test_a_collector_that_falls_silent_is_one_alert_from_its_last_word(house: House) -> None:
    await house.go(300)
    assert await house.alerts() == []
    last_ms = house.now_ms
    await house.go(600, collector=False)
    assert await house.alerts() == [("collector_silent", "no_record", True)]
    alert = (await house.get("/api/v1/alerts"))["items"][0]
    onset = house.service.book.get(alert["id"]).onset_ms
    assert abs(onset - last_ms) <= 5000
    assert alert["tonnes_lost"] is None
    await house.go(120)
    assert await house.alerts() == [("collector_silent", "no_record", False)]


async def test_a_collector_that_never_was_is_not_missed(house: House) -> None:
    await house.go(1200, collector=False)
    assert await house.alerts() == []


async def test_a_clock_set_back_is_no_silence(house: House) -> None:
    await house.go(60)
    house.now_ms -= 7_200_000
    await house.go(600)
    assert await house.alerts() == []


async def test_a_service_that_starts_beside_a_dead_collector_waits_before_it_says_so(house: House) -> None:
    house.lives()
    house.now_ms += 86_400_000
    await house.go(100, collector=False)
    assert await house.alerts() == []
    await house.go(60, collector=False)
    assert await house.alerts() == [("collector_silent", "no_record", True)]


async def test_a_service_that_starts_anew_beside_a_dead_collector_does_not_say_that_it_lives(house: House) -> None:
    """Nor that a store takes again what it did not take when the collector was last heard."""
    await house.go(600, projections=(WAITING,))
    await house.go(300, collector=False)
    before = await house.alerts()
    assert before == [("collector_silent", "no_record", True), ("store_down", "unwritable", True)]
    house.service.health = Health(service=house.service, at_s=lambda: house.at_s)
    assert (await house.get("/readyz"))["checks"]["collector"]["ok"] is None
    await house.go(600, collector=False)
    assert await house.alerts() == before
    assert (await house.get("/readyz"))["checks"]["collector"]["ok"] is False
    await house.go(120)
    assert [active for *_, active in await house.alerts()] == [False, False]


async def test_what_is_about_units_stays_so(house: House) -> None:
    await house.go(600, projections=(WAITING,))
    assert await house.alerts() == [("store_down", "unwritable", True)]
    summary = await house.get("/api/v1/fleet/summary")
    assert (summary["alerts_active"], summary["units"]) == (0, 1)
    assert (await house.get("/api/v1/units"))["items"][0]["alerts_active"] == 0
    for looked_at in (None, CHANGES):
        told = orjson.loads(house.service.frames.of(looked_at, house.now_ms))["alerts"]
        assert (told["active"], told["own"]) == (1, 1)
    assert (await house.client.get("/api/v1/units/orewatch")).status_code in {401, 404}


async def test_the_store_is_asked_now_and_then_and_its_words_are_told_to_who_may_hear_them(house: House) -> None:
    await house.go(60)
    await asyncio.sleep(0.05)
    assert (await house.get("/readyz"))["checks"]["store"]["ok"] is True
    house.store.down = True
    for _ in range(2):
        await house.go(40)
        await asyncio.sleep(0.05)
    told = (await house.get("/readyz"))["checks"]["store"]
    assert (told["ok"], told["detail"]) == (
        False,
        "history cannot be read; live values and alerts go on: made to be down",
    )
    public = await house.get("/readyz", token=False)
    assert public["checks"]["store"] == {"ok": False, "detail": "history cannot be read; live values and alerts go on"}
    assert "store" in public["degraded"]
    answer = await house.client.get("/readyz")
    assert answer.status_code == 503, "no broker, so it is not ready, whatever the store is"


async def test_points_go_on_where_the_rounds_began_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[float] = []

    class Points:
        """As :class:`HealthPoints`: closed, it takes nothing any more."""

        dropped = 2
        closed = False

        def write(self, _fields: object, now_ms: int) -> None:
            assert not self.closed
            written.append(now_ms)

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr("api.health.points.open_health", lambda _settings: Points())
    house.service.health.points._wanted = True
    await house.go(5)
    await asyncio.sleep(0.05)
    house.service.health.end()
    await house.go(60)
    await asyncio.sleep(0.05)
    assert len(written) >= 2
    assert house.service.health.points.dropped == 4


async def test_the_service_s_point_has_the_fields_of_the_contract(house: House) -> None:
    await house.go(10)
    fields = service_fields(house.service, house.service.health.signs())
    assert set(fields) == {
        "units",
        "units_silent",
        "alerts_active",
        "outbox_waiting",
        "outbox_oldest_s",
        "tick_ms",
        "viewers",
        "disk_free_bytes",
        "broker_connected",
        "store_up",
    }
    assert (fields["units"], fields["units_silent"], fields["broker_connected"]) == (1, 1, False)
