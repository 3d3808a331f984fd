"""``orewatch tap``: one readable line per message that passes the broker.

A tap only listens: it says nothing of itself, asks nobody for births, and acknowledges nothing.
Names come from the births it has seen; until then metrics show by their alias.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orewatch.sparkplug.actions import Subscribe
from orewatch.sparkplug.client import MqttClient, MqttError, TlsSettings
from orewatch.sparkplug.declarations import BD_SEQ, REBIRTH
from orewatch.sparkplug.payload import GOOD, STALE, Metric, Payload, PayloadError, decode
from orewatch.sparkplug.state import read_state
from orewatch.sparkplug.topics import NAMESPACE, Topic, TopicError, Verb, check_id, parse_topic
from orewatch.telemetry.block import MAGIC, BlockError, read_header

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MAX_NODES: Final = 10_000
MAX_TEXT: Final = 60
AGAIN_S: Final = 2.0
FAILED: Final = 1
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


async def tap(
    *,
    client: Callable[[Callable[[str, bytes], None]], MqttClient],
    filters: list[str],
    write: Callable[[str], None],
    now_ms: Callable[[], int],
    all_metrics: bool = False,
    count: int | None = None,
) -> int:
    """Listen until cancelled, or until ``count`` messages; return the exit code. Reconnects by itself."""
    lines = Tap(all_metrics=all_metrics)
    left = count
    done = asyncio.Event()

    def on_message(topic: str, payload: bytes) -> None:
        nonlocal left
        if left == 0:
            return
        write(lines.line(topic, payload, now_ms()))
        if left is not None:
            left -= 1
            if left == 0:
                done.set()

    link = client(on_message)
    finished = asyncio.create_task(done.wait(), name="tap count")
    try:
        while not done.is_set():
            if not await _connect(link, finished, write):
                return FAILED
            for text in filters:
                link.subscribe(Subscribe(text))
            lost = asyncio.create_task(link.closed(), name="tap link")
            await asyncio.wait([lost, finished], return_when=asyncio.FIRST_COMPLETED)
            await link.disconnect()
            await lost
    finally:
        finished.cancel()
        await link.disconnect()
    return 0


async def _connect(link: MqttClient, finished: asyncio.Task[bool], write: Callable[[str], None]) -> bool:
    """Try until the broker answers; False when it never will."""
    told = ""
    while not finished.done():
        try:
            await link.connect(None)
        except MqttError as error:
            again = "" if error.permanent else "; trying again"
            if str(error) != told:
                write(f"orewatch tap: {error}{again}")
            told = str(error)
            if error.permanent:
                return False
            await asyncio.wait([finished], timeout=AGAIN_S)
        else:
            return True
    return True


def topic_filters(group: str | None, unit: str | None) -> list[str]:
    """What to subscribe to for one group, one unit, or everything."""
    where = "+" if group is None else check_id(group, "group")
    if unit is None:
        return [f"{NAMESPACE}/#"] if group is None else [f"{NAMESPACE}/{where}/#", f"{NAMESPACE}/STATE/+"]
    return [f"{NAMESPACE}/{where}/+/{check_id(unit, 'unit')}/#"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``orewatch tap``."""
    parser = subparsers.add_parser("tap", help="show live messages, one readable line each")
    parser.add_argument("--host", default="127.0.0.1", help="the broker (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="its port (default: %(default)s)")
    parser.add_argument("--group", help="one Sparkplug group only")
    parser.add_argument("--unit", help="one unit only")
    parser.add_argument("--username")
    parser.add_argument("--password-file", type=Path, help="a file that holds the password")
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    parser.add_argument("--ca", type=Path, help="the authority that signed the broker's certificate (implies --tls)")
    parser.add_argument("--all", action="store_true", help="show every metric of a message")
    parser.add_argument("--count", type=int, help="stop after so many messages")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    try:
        filters = topic_filters(args.group, args.unit)
        password = None if args.password_file is None else args.password_file.read_text().strip()
    except (TopicError, OSError) as error:
        print(f"orewatch tap: {error}", file=sys.stderr)  # noqa: T201 - for people
        return 2
    tls = TlsSettings(ca=args.ca) if args.tls or args.ca else None

    def client(on_message: Callable[[str, bytes], None]) -> MqttClient:
        return MqttClient(
            host=args.host,
            port=args.port,
            client_id=f"orewatch-tap-{secrets.token_hex(4)}",
            on_message=on_message,
            username=args.username,
            password=password,
            tls=tls,
        )

    def write(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - this is what the command is for

    listening = tap(
        client=client,
        filters=filters,
        write=write,
        now_ms=lambda: time.time_ns() // 1_000_000,
        all_metrics=args.all,
        count=args.count,
    )
    try:
        return asyncio.run(listening)
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
