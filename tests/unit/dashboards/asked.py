"""The boards' questions as Grafana sends them: macros and variables put in place, one by one."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.build import as_json, dashboards
from dashboards.queries import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SPANS_MS = {"h": 3_600_000, "d": 86_400_000}
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
    return {name: json.loads(as_json(board)) for name, board in dashboards().items()}


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel, rows and what collapsed rows hold among them."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def chosen(**values: Sequence[str]) -> dict[str, str]:
    """Return variables as Grafana writes them into a query: ``All`` as it is set, values escaped, several as a group."""
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
    for name, value in variables.items():
        query = query.replace(f"${name}", value)
    return query


def questions(name: str, *, variables: Mapping[str, str], now_ms: int) -> Iterator[Question]:
    """Yield the questions of every panel of a board over the time it opens with."""
    board = boards()[name]
    number, letter = re.fullmatch(r"now-(\d+)([hd])", board["time"]["from"]).groups()  # type: ignore[union-attr]
    start_ms = now_ms - int(number) * _SPANS_MS[letter]
    for panel in panels(board):
        for target in panel.get("targets", []):
            if "query" in target:
                query = put_in(
                    target["query"],
                    variables=variables,
                    start_ms=start_ms,
                    end_ms=now_ms,
                    interval=panel.get("interval", "1m"),
                )
                table = target["resultFormat"] == "table"
                yield Question(name, panel["title"], target["refId"], query, table)
