"""The boards' questions as Grafana sends them: macros and variables put in place, one by one."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.build import texts
from dashboards.queries import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SPANS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# As wide as a panel of a telephone.
_POINTS = 200
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class Question(NamedTuple):
    board: str
    panel: str
    ref: str
    query: str
    table: bool


@cache
def boards() -> Mapping[str, dict[str, Any]]:
    """Return every board's JSON by the name of its file."""
    return {name: json.loads(text) for name, text in texts().items()}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel, rows and what collapsed rows hold among them."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def chosen(**values: Sequence[str]) -> dict[str, str]:
    """Return variables as Grafana writes them: ``All`` as it is set, values escaped, several as a group."""
    return {name: _value(values.get(name)) for name in VARIABLES}


def _value(values: Sequence[str] | None) -> str:
    if values is None:
        return ".*"
    escaped = [_SPECIAL.sub(lambda found: "\\" + found[0], value) for value in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


def put_in(query: str, *, variables: Mapping[str, str], start_ms: int, end_ms: int, interval: str = "1m") -> str:
    """Return a query with Grafana's macros and the variables in their places."""
    query = query.replace("$timeFilter", f"time >= {start_ms}ms and time <= {end_ms}ms")
    query = query.replace("$__interval", interval)
    query = query.replace("${__from}", str(start_ms)).replace("${__to}", str(end_ms))
    for name, value in variables.items():
        query = query.replace(f"${name}", value)
    return query


def questions(name: str, *, variables: Mapping[str, str], now_ms: int) -> Iterator[Question]:
    """Yield the questions of every panel of a board over the time it opens with."""
    board = boards()[name]
    span_ms = _milliseconds(board["time"]["from"].removeprefix("now-"))
    start_ms = now_ms - span_ms
    for panel in panels(board):
        for target in panel.get("targets", []):
            if "query" in target:
                query = put_in(
                    target["query"],
                    variables=variables,
                    start_ms=start_ms,
                    end_ms=now_ms,
                    interval=f"{max(span_ms // _POINTS, _milliseconds(panel.get('interval', '1s')))}ms",
                )
                table = target["resultFormat"] == "table"
                yield Question(name, panel["title"], target["refId"], query, table)


def _milliseconds(text: str) -> int:
    return int(text[:-1]) * _SPANS_MS[text[-1]]
