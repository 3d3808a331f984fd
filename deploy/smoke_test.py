# ruff: noqa: INP001, T201 - a script, whose words are for people
"""Asks a running centre whether it is well: units live, their history in the store, boards in Grafana.

Standard library only: it runs where Docker runs.
``python3 deploy/smoke_test.py --units 4 --token-file FILE [--grafana URL --grafana-password-file FILE]``
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE_S = 2.0


def ask(address: str, authorization: str) -> Any:  # noqa: ANN401 - JSON
    """Return the answer's JSON; OSError where there is none."""
    request = urllib.request.Request(address, headers={"Authorization": authorization})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - an address of our own
        return json.load(answer)


def units_are_live(api: str, bearer: str, wanted: int) -> str:
    """Return what is wrong; empty: nothing."""
    links = {u["id"]: u["connection"] for u in ask(f"{api}/api/v1/units", bearer)["items"]}
    live = [name for name, link in links.items() if link == "live"]
    return "" if len(live) >= wanted else f"{len(live)} of {wanted} units are live: {links}"


def history_is_in_the_store(api: str, bearer: str) -> str:
    """Return the units whose generator has no history; every unit has a generator."""
    empty = []
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    for unit in ask(f"{api}/api/v1/units", bearer)["items"]:
        query = f"machine=genset&signal=power&start={start}&aggregate=raw"
        history = ask(f"{api}/api/v1/units/{unit['id']}/history?{query}", bearer)
        if not history["value"]:
            empty.append(unit["id"])
    return f"no history of {', '.join(empty)}" if empty else ""


def grafana_has_boards(grafana: str, basic: str) -> str:
    """Return what is wrong with data source and boards; empty: nothing."""
    sources = ask(f"{grafana}/api/datasources", basic)
    boards = ask(f"{grafana}/api/search?type=dash-db", basic)
    if not sources or not boards:
        return f"Grafana has {len(sources)} data sources and {len(boards)} boards"
    sick = [
        s["name"] for s in sources if ask(f"{grafana}/api/datasources/uid/{s['uid']}/health", basic)["status"] != "OK"
    ]
    return f"Grafana cannot read {', '.join(sick)}" if sick else ""


def wait(what: str, seconds: float, look: Callable[[], str]) -> bool:
    """Look until nothing is wrong; say so, or what is."""
    end = time.monotonic() + seconds
    while True:
        try:
            wrong = look()
        except (OSError, ValueError, KeyError) as error:
            wrong = f"{type(error).__name__}: {error}"
        if not wrong:
            print(f"well: {what}")
            return True
        if time.monotonic() > end:
            print(f"NOT WELL: {what}: {wrong}")
            return False
        time.sleep(PAUSE_S)


def main() -> int:
    """Return 0 where everything is well."""
    parser = argparse.ArgumentParser(description="ask a running centre whether it is well")
    parser.add_argument("--api", default="http://127.0.0.1:8080", help="(default: %(default)s)")
    parser.add_argument("--token-file", type=Path, required=True, help="the service's token")
    parser.add_argument("--units", type=int, default=0, help="how many must be live (default: %(default)s)")
    parser.add_argument("--grafana", help="such as http://127.0.0.1:3000")
    parser.add_argument("--grafana-password-file", type=Path, help="of its user admin")
    parser.add_argument("--seconds", type=float, default=180, help="how long to wait for each (default: %(default)g)")
    args = parser.parse_args()
    bearer = f"Bearer {args.token_file.read_text().strip()}"
    checks = [
        (f"{args.units} units are live", lambda: units_are_live(args.api, bearer, args.units)),
        ("their history is in the store", lambda: history_is_in_the_store(args.api, bearer)),
    ]
    if args.grafana:
        secret = f"admin:{args.grafana_password_file.read_text().strip()}"
        basic = f"Basic {base64.b64encode(secret.encode()).decode()}"
        checks.append(("Grafana reads the store", lambda: grafana_has_boards(args.grafana, basic)))
    done = [wait(what, args.seconds, look) for what, look in checks]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
