"""One readable line per message. Names come from the births seen; until then metrics show by their alias."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Final

from orewatch.sparkplug.declarations import BD_SEQ, REBIRTH
from orewatch.sparkplug.payload import GOOD, STALE, Metric, Payload, PayloadError, decode
from orewatch.sparkplug.state import read_state
from orewatch.sparkplug.topics import Topic, TopicError, Verb, parse_topic
from orewatch.telemetry.block import MAGIC, BlockError, read_header

MAX_NODES: Final = 10_000
MAX_TEXT: Final = 60
_VERB_WIDTH: Final = 6
_BIRTHS: Final = frozenset({Verb.NBIRTH, Verb.DBIRTH})
_COMMANDS: Final = frozenset({Verb.NCMD, Verb.DCMD})
_QUALITY: Final = {0: "bad", STALE: "stale"}


class Tap:
    """Turns messages into lines, remembering names and units from births.

    Args:
        all_metrics: show every metric of births and long messages instead of the first few.
    """

    def __init__(self, *, all_metrics: bool = False) -> None:
        self._shown = sys.maxsize if all_metrics else 8
        self._names: dict[tuple[str, str], dict[int, tuple[str, str]]] = {}
        self.strangers: set[tuple[str, str]] = set()  # nodes (group, node) that sent data before a birth was seen

    def line(self, topic: str, payload: bytes, now_ms: int) -> str:
        """Return the line for one message received at ``now_ms``; nothing in it can move a terminal's cursor."""
        return "".join(c if c.isprintable() else "?" for c in self._line(topic, payload, now_ms))

    def _line(self, topic: str, payload: bytes, now_ms: int) -> str:
        clock = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
        try:
            parsed = parse_topic(topic)
        except TopicError as error:
            return f"{clock}  ?       {error} ({len(payload):,} bytes)"
        if parsed.verb is Verb.STATE:
            return f"{clock}  STATE   host {parsed.node} {_state(payload)}"
        who = parsed.node if parsed.device is None else f"{parsed.node}/{parsed.device}"
        head = f"{clock}  {parsed.verb.value:{_VERB_WIDTH}}  {who}"
        try:
            decoded = decode(payload)
        except PayloadError as error:
            return f"{head}  cannot be read: {error}"
        seq = "" if decoded.seq is None else f" #{decoded.seq}"
        return f"{head}{seq}  {self._say(parsed, decoded, len(payload))}"

    def _say(self, topic: Topic, payload: Payload, size: int) -> str:
        if topic.verb in _BIRTHS:
            return self._birth(topic, payload, size)
        if topic.verb is Verb.NDEATH:
            told = next((m.value for m in payload.metrics if m.name == BD_SEQ), None)
            return f"died (session {told!r})"
        if topic.verb is Verb.DDEATH:
            return "lost: the link to the machine is gone"
        known = self._names.get((topic.group, topic.node), {})
        if not known and topic.verb not in _COMMANDS and len(self.strangers) < MAX_NODES:
            self.strangers.add((topic.group, topic.node))
        said = [self._metric(m, known, payload.timestamp_ms, command=topic.verb in _COMMANDS) for m in payload.metrics]
        return self._join(said) or "nothing"

    def _birth(self, topic: Topic, payload: Payload, size: int) -> str:
        key = (topic.group, topic.node)
        if topic.verb is Verb.NBIRTH or key not in self._names:
            if len(self._names) >= MAX_NODES:
                self._names.clear()
            self._names[key] = {}
        known = self._names[key]
        for metric in payload.metrics:
            if metric.alias is not None and metric.name is not None:
                known[metric.alias] = metric.name, str(metric.properties.get("engUnit") or "")
        session = next((f", session {m.value!r}" for m in payload.metrics if m.name == BD_SEQ), "")
        shown = [m for m in payload.metrics if m.name not in {BD_SEQ, REBIRTH}]
        values = self._join([self._metric(m, known, payload.timestamp_ms) for m in shown])
        return f"born{session}: {len(shown)} metrics, {size:,} bytes: {values}"

    def _metric(
        self, metric: Metric, known: dict[int, tuple[str, str]], sent_ms: int | None, *, command: bool = False
    ) -> str:
        name, unit = metric.name, str(metric.properties.get("engUnit") or "")
        if metric.alias is not None:
            found, its_unit = known.get(metric.alias, (f"alias {metric.alias}", ""))
            name, unit = name or found, unit or its_unit
        if command and name == REBIRTH:
            return "asked for its births"
        text = f"{name} {'= ' if command else ''}{_value(metric)}"
        # «1» is the unit of what has none.
        if unit not in {"", "1"} and metric.value is not None:
            text += f" {unit}"
        notes = []
        if metric.quality not in {None, GOOD} and metric.value is not None:
            notes.append(_QUALITY.get(metric.quality or 0, f"quality {metric.quality}"))
        if metric.is_historical and metric.timestamp_ms is not None:
            notes.append(f"history of {_when(metric.timestamp_ms)}")
        elif sent_ms is not None and metric.timestamp_ms is not None and sent_ms - metric.timestamp_ms > 60_000:  # noqa: PLR2004
            notes.append(f"from {_when(metric.timestamp_ms)}")
        return f"{text} ({', '.join(notes)})" if notes else text

    def _join(self, parts: list[str]) -> str:
        more = len(parts) - self._shown
        return ", ".join(parts[: self._shown]) + (f" … and {more} more" if more > 0 else "")


def _when(time_ms: int) -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms"


def _state(payload: bytes) -> str:
    state = read_state(payload)
    if state is None:
        return f"said something that is no state: {payload!a:.60}"
    return f"is {'online' if state.online else 'offline'} (since {_when(state.timestamp_ms)})"


def _value(metric: Metric) -> str:
    value = metric.value
    if value is None:
        return _QUALITY.get(GOOD if metric.quality is None else metric.quality, "null")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return _block(value) if value.startswith(MAGIC) else f"{len(value):,} bytes"
    if isinstance(value, str):
        return _text(value)
    return repr(value)[:MAX_TEXT]


def _block(data: bytes) -> str:
    try:
        header = read_header(data)
    except BlockError as error:
        return f"a block that cannot be read: {error}"
    span = f"{_when(header.first_ms)} to {_when(header.last_ms)[11:]}"
    per_value = len(data) / header.values if header.values else 0.0
    return (
        f"no. {header.number} of {header.unit}: {span}, {header.values:,} values "
        f"in {len(data):,} bytes ({per_value:.2f} each)"
    )


def _text(text: str) -> str:
    """A short text as it is; JSON that tells acknowledged blocks as words."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if isinstance(raw, dict) and isinstance(raw.get("ids"), list):
        ranges = [f"{r[0]}-{r[-1]}" for r in raw["ids"] if isinstance(r, list) and r]
        return f"blocks {', '.join(ranges[:8])} are in the store of {raw.get('collector')}"
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= MAX_TEXT else f'"{line[:MAX_TEXT]}…" ({len(text):,} characters)'
