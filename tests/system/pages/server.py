"""A small service that speaks the HTTP contract, for the tests of the pages: it can stall and refuse at will."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from api.session import Gate, Sessions
from api.static_files import pages
from orewatch.plant.catalogue import SignalRef
from tests.servers import free_port
from tests.system.pages import alerts_fake, fleet_fake
from tests.system.pages.inputs_fake import FakeInputs, inputs_app
from tests.system.pages.plant import HOUR_MS, UNITS, alert, detail, iso, standings, summary, told_frame, value_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

SCENARIOS = ("starve", "block_chute", "stop_feeder", "hot_bearing", "throughput_loss", "harder_ore", "cut_link")


class FakeService:
    """What the pages see. Tests change its attributes while it runs."""

    def __init__(self) -> None:
        self.inputs = FakeInputs(self)
        self.reset()

    def reset(self) -> None:
        self.token: str | None = None
        self.stalled = False  # connections stay open and die
        self.refusing = False  # every question gets 503
        self.away = False  # pages and their files get 502, as from a gateway before a service that is gone
        self.period_s = 1.0
        self.skew_ms = 0
        self.units = dict(UNITS)
        self.told = standings()
        self.fleet_extra: dict[str, dict[str, Any]] = {}  # by unit: columns that are not what the plant would say
        self.fleet_gap = False
        self.tables = 0
        self.on: set[tuple[str, str]] = set()
        self.inputs.reset()
        self.alerts_changed = 1
        self.questions: list[str] = []  # what was asked of the alerts
        self.alerts = [
            alert(self.now_ms(), 1, "mn-01", "idle", "medium", 2_460_000),
            alert(self.now_ms(), 2, "zn-01", "underperforming", "low", 7_000_000),
        ]
        self.alerts.append(
            {**alert(self.now_ms(), 3, "mn-01", "idle", "medium", 9 * HOUR_MS), "state": "NORM", "active": False}
        )
        self.alerts[-1]["cleared_at"] = iso(self.now_ms() - 8 * HOUR_MS)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.skew_ms

    def alerts_told(self) -> dict[str, int]:
        active = [a["unit"] for a in self.alerts if a["active"]]
        return {"active": len(active), "own": active.count("orewatch"), "changed": self.alerts_changed}

    def frame(self, unit: str | None) -> dict[str, Any]:
        now = self.now_ms()
        wanted = self.units if unit is None else {unit: self.units[unit]} if unit in self.units else {}
        return {
            "t": now,
            "units": {u: told_frame(self.units[u], self.told[u], now, signals=unit is not None) for u in wanted},
            "alerts": self.alerts_told(),
        }


def make_app(fake: FakeService) -> Starlette:  # noqa: C901, PLR0915 - one closure per route
    def now() -> int:
        return fake.now_ms()

    async def units(_: Request) -> Response:
        return JSONResponse({"items": [summary(u, fake.told[u.id], now()) for u in fake.units.values()], "next": None})

    async def unit(request: Request) -> Response:
        one = fake.units.get(request.path_params["unit"])
        return (
            JSONResponse(detail(one, fake.told[one.id], now())) if one else JSONResponse({"title": "no such unit"}, 404)
        )

    async def latest(request: Request) -> Response:
        one = fake.units[request.path_params["unit"]]
        told = told_frame(one, fake.told[one.id], now(), signals=True)["signals"]
        items = [
            {
                "machine": r.partition(".")[0],
                "signal": r.partition(".")[2],
                "unit": "",
                "value": v,
                "time": iso(t),
                "quality": q,
            }
            for r, (v, t, q) in told.items()
        ]
        return JSONResponse({"items": items, "next": None})

    async def history(request: Request) -> Response:
        query = request.query_params
        one = fake.units[request.path_params["unit"]]
        ref = SignalRef(query["machine"], query["signal"])
        start, end = (round(datetime.fromisoformat(query[name]).timestamp() * 1000) for name in ("start", "end"))
        step = int(float(query["step"]) * 1000)
        # An hour's hole six hours ago, and the last minute not yet recorded.
        times = [t for t in range(start, end - 60_000, step) if not 5 * HOUR_MS < now() - t < 6 * HOUR_MS]
        stop = now() - fake.told[one.id].for_ms if fake.told[one.id].rate == 0 else now()
        told = fake.told[one.id]
        values = []
        for t in times:
            rate = one.target_tph * 0.97 if t < stop else 0.0
            values.append(value_at(one, type(told)(told.state, told.reason, told.for_ms, rate, told.tonnes), ref, t))
        answer = {
            "unit": one.id,
            "machine": ref.machine,
            "signal": ref.signal,
            "aggregate": "mean",
            "step_s": step / 1000,
            "table": "1m",
        }
        return JSONResponse({**answer, "time": [iso(t) for t in times], "value": values})

    async def states(request: Request) -> Response:
        one = request.path_params["unit"]
        since = now() - fake.told[one].for_ms
        begin = now() - 24 * HOUR_MS
        plan = [
            ("RUNNING", "producing", 4.2),
            ("STARVED", "hopper_empty", 0.5),
            ("RUNNING", "producing", 3.1),
            ("PLANNED_STOP", "planned", 1.2),
            ("STARTUP", "started", 0.25),
            ("RUNNING", "producing", 2.9),
            ("COMMS_LOSS", "silent", 1.0),
            ("RUNNING", "producing", 2.4),
            ("BLOCKED", "plugged", 0.3),
            ("RUNNING", "producing", 24),
        ]
        items = []
        at = begin
        for state, reason, hours in plan:
            to = min(since, at + round(hours * HOUR_MS))
            if to > at:
                items.append({"state": state, "reason": reason, "from": iso(at), "to": iso(to), "provisional": False})
            at = to
        told = fake.told[one]
        items.append(
            {
                "state": told.state,
                "reason": told.reason,
                "code": told.code,
                "from": iso(max(begin, since)),
                "to": iso(now()),
                "provisional": True,
            }
        )
        return JSONResponse({"items": items, "next": None})

    async def demo(_: Request) -> Response:
        return JSONResponse(
            {"units": {u: {"scenarios": [{"name": s, "on": (u, s) in fake.on} for s in SCENARIOS]} for u in fake.units}}
        )

    async def scenario(request: Request) -> Response:
        body = await request.json()
        (fake.on.add if body["on"] else fake.on.discard)((request.path_params["unit"], body["name"]))
        return Response(status_code=204)

    async def session(request: Request) -> Response:
        if (await request.json())["token"] != fake.token:
            return JSONResponse({"title": "wrong token"}, 403)
        response = Response(status_code=204)
        response.set_cookie("session", "good", httponly=True, samesite="strict")
        return response

    async def live(request: Request) -> Response:
        wanted = request.query_params.get("unit")
        changes = fleet_fake.Changes(fake, request.query_params.get("since"))

        async def frames() -> AsyncIterator[str]:
            dead = False
            while not await request.is_disconnected():
                if fake.refusing:
                    return
                # As behind a link that swallows packets: what once stalled says nothing any more, yet stays open.
                dead = dead or fake.stalled
                if not dead:
                    frame = changes.frame() if "changes" in request.query_params else fake.frame(wanted)
                    yield f"event: frame\nid: {frame['t']}\ndata: {json.dumps(frame)}\n\n"
                await asyncio.sleep(fake.period_s)

        return StreamingResponse(frames(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def summary_route(_: Request) -> Response:
        return JSONResponse({"units": len(fake.units), "at": iso(now())})

    def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            if fake.refusing:
                return JSONResponse({"title": "starting"}, 503)
            if fake.token is not None and request.cookies.get("session") != "good":
                return JSONResponse({"title": "a token is needed"}, 401)
            return await endpoint(request)

        return guard

    api: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/units": units,
        "/units/{unit}": unit,
        "/units/{unit}/latest": latest,
        "/units/{unit}/history": history,
    }
    api |= {
        "/units/{unit}/states": states,
        "/demo": demo,
        "/live": live,
        "/fleet/summary": summary_route,
    }
    api |= fleet_fake.routes(fake) | alerts_fake.questions(fake)
    posts = alerts_fake.deeds(fake) | {"/demo/units/{unit}/scenarios": scenario}
    app = Starlette(
        routes=[
            *(Route(f"/api/v1{path}", guarded(end)) for path, end in api.items()),
            *(Route(f"/api/v1{path}", guarded(end), methods=["POST"]) for path, end in posts.items()),
            Route("/api/v1/session", session, methods=["POST"]),
            Mount("/", rest(fake, pages_as_served(now))),
        ]
    )
    app.add_middleware(GZipMiddleware, minimum_size=500)
    return app


def rest(fake: FakeService, files: ASGIApp) -> ASGIApp:
    """Return what answers everything else: the inputs as the service knows them, and the pages."""

    inputs = inputs_app(fake)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = inputs if scope.get("path", "").startswith("/api/") else files
        if fake.away:
            chosen = Response("bad gateway", 502)
        await chosen(scope, receive, send)

    return either


def pages_as_served(now: Callable[[], int]) -> Gate:
    """Return the pages' own files as the real service sends them: compressed, tagged, with its headers."""
    files = FastAPI()
    files.include_router(pages())
    return Gate(files, sessions=Sessions(token=None, now_ms=now))


@contextmanager
def serving(fake: FakeService) -> Iterator[str]:
    """Serve in a thread; yield the address."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(make_app(fake), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, name="pages-server", daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        fake.refusing = True
        thread.join(10)
