"""The alerts and the shell, spoken by the tests' small service: filters, pages, and what people do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from tests.system.pages.plant import HOUR_MS, alert, iso

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from tests.system.pages.server import FakeService

    Endpoint = Callable[[Request], Awaitable[Response]]

AFTER = {
    "acknowledge": {"UNACK": "ACKED", "RTNUN": "NORM"},
    "shelve": dict.fromkeys(("UNACK", "ACKED", "RTNUN"), "SHLVD"),
}
MINUTE_MS = 60_000


def raise_alert(fake: FakeService, unit: str, kind: str, priority: str, **fields: Any) -> dict[str, Any]:
    """Raise one now, as the rules would."""
    number = 1 + max(a["id"] for a in fake.alerts)
    raised = alert(fake.now_ms(), number, unit, kind, priority, 300_000) | fields
    fake.alerts.append(raised)
    fake.alerts_changed += 1
    return raised


def clear(fake: FakeService, number: int) -> None:
    """End one: what nobody took stays open until somebody does."""
    found = _find(fake, number)
    found |= {"active": False, "cleared_at": iso(fake.now_ms())}
    found["state"] = {"UNACK": "RTNUN", "ACKED": "NORM"}.get(found["state"], found["state"])
    fake.alerts_changed += 1


def closed(fake: FakeService, count: int) -> None:
    """Give the service alerts of days past."""
    for number in range(1000, 1000 + count):
        ago = (number - 990) * HOUR_MS
        one = alert(fake.now_ms(), number, "pb-01", "idle", "medium", ago)
        fake.alerts.append(
            {**one, "state": "NORM", "active": False, "cleared_at": iso(fake.now_ms() - ago + HOUR_MS // 2)}
        )


def questions(fake: FakeService) -> dict[str, Endpoint]:
    async def select(request: Request) -> Response:
        query = request.query_params
        states = set(query["state"].split(",")) if "state" in query else None
        fake.questions.append(str(request.url.query))
        found = [
            a
            for a in fake.alerts
            if query.get("unit") in {None, a["unit"]}
            and query.get("kind") in {None, a["kind"]}
            and (states is None or a["state"] in states or ("active" in states and a["active"]))
        ]
        found.sort(key=lambda a: (a["raised_at"], a["id"]), reverse=True)
        begin, limit = int(query.get("after", 0)), int(query.get("limit", 100))
        more = len(found) > begin + limit
        return JSONResponse({"items": found[begin : begin + limit], "next": str(begin + limit) if more else None})

    async def one(request: Request) -> Response:
        found = _find(fake, int(request.path_params["alert"]))
        return JSONResponse(found) if found else JSONResponse({"detail": "there is no such alert"}, 404)

    return {"/alerts": select, "/alerts/{alert:int}": one}


def deeds(fake: FakeService) -> dict[str, Endpoint]:
    async def act(request: Request) -> Response:
        body, what = await request.json(), request.path_params["what"]
        found = _find(fake, int(request.path_params["alert"]))
        now, by = fake.now_ms(), body["by"]
        if what in AFTER and found["state"] not in AFTER[what]:
            return JSONResponse({"detail": f"{what}: not possible in state {found['state']}"}, 409)
        if what == "acknowledge":
            found |= {"state": AFTER[what][found["state"]], "acknowledged_by": by, "acknowledged_at": iso(now)}
        elif what == "shelve":
            found |= {"state": "SHLVD", "shelved_until": iso(now + body["minutes"] * MINUTE_MS)}
            _note(found, now, by, f"shelved for {body['minutes']} min: {body['reason']}")
        elif what == "unshelve":
            found |= {"state": "UNACK" if found["active"] else "NORM", "shelved_until": None}
            _note(found, now, by, "unshelved")
        else:
            _note(found, now, by, body["text"])
        fake.alerts_changed += 1
        return JSONResponse(found)

    return {"/alerts/{alert:int}/{what}": act}


def _find(fake: FakeService, number: int) -> dict[str, Any]:
    return next((a for a in fake.alerts if a["id"] == number), {})


def _note(found: dict[str, Any], now: int, by: str, text: str) -> None:
    found["notes"] = [*found["notes"], {"at": iso(now), "by": by, "text": text}]
