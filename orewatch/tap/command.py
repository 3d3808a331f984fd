"""``orewatch tap``: one readable line per message that passes the broker.

A tap only listens: it says nothing of itself and acknowledges nothing. Only with ``--names`` does it ask
units for their births.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orewatch.sparkplug.actions import Publish, Subscribe
from orewatch.sparkplug.client import MqttClient, MqttError, TlsSettings
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.declarations import REBIRTH
from orewatch.sparkplug.payload import Metric, Payload, encode
from orewatch.sparkplug.topics import NAMESPACE, Topic, TopicError, Verb, check_id
from orewatch.tap.lines import Tap

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

AGAIN_S: Final = 2.0
FAILED: Final = 1


async def tap(
    *,
    client: Callable[[Callable[[str, bytes], None]], MqttClient],
    filters: list[str],
    write: Callable[[str], None],
    now_ms: Callable[[], int],
    all_metrics: bool = False,
    ask_names: bool = False,
    count: int | None = None,
) -> int:
    """Listen until cancelled, or until ``count`` messages; return the exit code. Reconnects by itself.

    ``ask_names``: ask each node whose birth was not seen for it, once.
    """
    lines = Tap(all_metrics=all_metrics)
    asked: set[tuple[str, str]] = set()
    left = count
    done = asyncio.Event()

    def on_message(topic: str, payload: bytes) -> None:
        nonlocal left
        if left == 0:
            return
        write(lines.line(topic, payload, now_ms()))
        if ask_names:
            for group, node in lines.strangers - asked:
                link.send(rebirth_request(group, node, now_ms()))
            asked.update(lines.strangers)
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


def rebirth_request(group: str, node: str, now_ms: int) -> Publish:
    """Return the NCMD that asks a node for its births."""
    wish = Metric(name=REBIRTH, datatype=DataType.BOOLEAN, value=True, timestamp_ms=now_ms)
    topic = str(Topic(group, Verb.NCMD, node))
    return Publish(topic, encode(Payload(timestamp_ms=now_ms, metrics=(wish,))))


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
    parser.add_argument("--certificate", type=Path, help="your certificate, PEM (implies --tls)")
    parser.add_argument("--key", type=Path, help="its key, PEM")
    parser.add_argument("--names", action="store_true", help="ask units whose birth was missed for it, once each")
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
    tls = None
    if args.tls or args.ca or args.certificate:
        tls = TlsSettings(ca=args.ca, certificate=args.certificate, key=args.key)

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
        ask_names=args.names,
        count=args.count,
    )
    try:
        return asyncio.run(listening)
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
