"""The inputs behind the pages' tests: the service's own routes, rules and book, over the plant on paper.

What is asked and answered is therefore what the service asks and answers. Tests refuse, stall and count here.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from api import problems
from api.inputs.entry import Entry, InputKind
from api.inputs.inputs import Inputs
from api.inputs.routes import router
from api.live.production_day import ProductionDay
from api.live.shift import shift_figures
from orewatch.plant.stop_codes import StopEffect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from orewatch.plant.unit import Unit
    from tests.system.pages.server import FakeService

NOT_CODED = {"RUNNING", "UNDERPERFORMING", "STARTUP", "COMMS_LOSS", "CLOCK_BAD"}


class FakeInputs:
    """Entries of the fake service. ``posts``: every body that came, with its path; ``fail``: what is answered first."""

    def __init__(self, fake: FakeService) -> None:
        self._fake = fake
        self.day = ProductionDay(start_h=7.0, shifts=2)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.book = Inputs(path=Path(":memory:"), now_ms=self._fake.now_ms, on_change=lambda _: None)
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.fail: list[int] = []

    def entries(self, unit: str, kind: str) -> list[Entry]:
        """Return the entries that count, in order of time."""
        return list(self.book.book.current(unit, InputKind(kind)))

    def say(
        self,
        unit: str,
        kind: str,
        *,
        from_ms: int,
        to_ms: int | None = None,
        by: str = "B",
        corrects: int | None = None,
        **own: Any,
    ) -> Entry:
        """Write an entry, as if somebody elsewhere had."""
        entry = Entry(
            unit=unit,
            kind=InputKind(kind),
            key=uuid.uuid4().hex,
            from_ms=from_ms,
            to_ms=to_ms,
            own=own,
            by=by,
            recorded_ms=self._fake.now_ms(),
            corrects=corrects,
        )
        return self.book.add(entry, self._fake.units[unit])[0]

    def tell(self, unit: str) -> None:
        """Let the unit's state follow what people said, as the judge would."""
        told, stop = self._fake.told[unit], self.book.in_force.of(unit).stop_at(self._fake.now_ms())
        if told.state in NOT_CODED:
            return
        told.code = None if stop is None else stop.code
        if stop is not None and stop.effect is StopEffect.DELAY:
            told.state, told.reason = "PLANNED_STOP", "coded"

    def service(self) -> Any:
        """Return what the routes ask of a service."""
        fake = self._fake

        def figures(unit: Unit, now_ms: int) -> dict[str, Any]:
            return shift_figures(self.day.shift_at(now_ms), None, self.book.in_force.of(unit.id))

        return SimpleNamespace(
            roster=SimpleNamespace(unit=fake.units.get),
            inputs=self.book,
            day=self.day,
            now_ms=fake.now_ms,
            shift_figures=figures,
        )


def inputs_app(fake: FakeService) -> ASGIApp:
    """Return the routes of the inputs, behind the fake's refusals and its token."""
    app = FastAPI()
    problems.install(app)
    app.include_router(router)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        status = 0
        if fake.refusing:
            status = 503
        elif fake.token is not None and request.cookies.get("session") != "good":
            status = 401
        elif request.method == "POST":
            body = await request.json()
            fake.inputs.posts.append((request.url.path, body))
            status = fake.inputs.fail.pop(0) if fake.inputs.fail else 0
        if status:
            await JSONResponse({"title": "refused by the test"}, status)(scope, receive, send)
            return
        app.state.service = fake.inputs.service()
        scope = {**scope, "app": app}
        again = [{"type": "http.request", "body": await request.body(), "more_body": False}]

        async def replayed() -> Any:
            return again.pop() if again else await receive()

        await app(scope, replayed, send)
        if request.method == "POST":
            fake.inputs.tell(request.url.path.split("/")[4])

    return guarded
