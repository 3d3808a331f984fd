"""The service, as people and programs reach it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

from orewatch.doctor.finding import failed, note, ok, warning

if TYPE_CHECKING:
    from orewatch.doctor.finding import Finding

AREA: Final = "service"
TIMEOUT_S: Final = 10.0
NEEDED: Final = ("broker", "watching")


def address_of(host: str, port: int) -> str:
    """Return where this machine reaches a service that listens on ``host``."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reached}:{port}"


def check_api(address: str, token: str | None) -> list[Finding]:
    """Ask it whether it is ready, and pass on what it says is missing."""
    request = urllib.request.Request(  # noqa: S310 - made of host and port
        f"{address}/readyz", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - see above
            body = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 503:  # noqa: PLR2004 - not ready
            remedy = "see who listens there: it is not this orewatch"
            return [failed(AREA, "reach", f"{address} answered {error.code}", remedy)]
        body = error.read()
    except HTTPException:
        return [failed(AREA, "reach", f"{address} speaks no HTTP", "see who listens there")]
    except OSError as error:
        remedy = "start orewatch api, or mend host and port"
        return [failed(AREA, "reach", f"{address}: {getattr(error, 'reason', error)}", remedy)]
    try:
        told: dict[str, Any] = json.loads(body)
        checks = told["checks"].items()
        found = [ok(AREA, "reach", address)]
        ready = told["status"] == "ready"
        found.append(ok(AREA, "ready") if ready else failed(AREA, "ready", "it is not ready", "see its findings below"))
        return found + [_passed_on(name, check) for name, check in checks]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [failed(AREA, "reach", f"{address} answers as no orewatch does", "see who listens there")]


def _passed_on(name: str, check: dict[str, Any]) -> Finding:
    detail, remedy = str(check.get("detail", "")), str(check.get("remedy", ""))
    if check["ok"]:
        return ok(AREA, name, detail)
    if check["ok"] is None:
        return note(AREA, name, detail or "not known yet", remedy)
    return (failed if name in NEEDED else warning)(AREA, name, detail, remedy or "see GET /readyz with the token")
