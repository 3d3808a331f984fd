"""One eventful life of ``orewatch collector`` among nodes of another make, recorded for the conformance tests."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orewatch.storage.registry import Registry
from tests.system.processes import Command
from tests.system.wire_peers import BOOLEAN, DOUBLE, INT64, REBIRTH, Client, metric, payload
from tests.system.wire_relay import Connection, Packet, Relay, now_ms, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orewatch.sparkplug import sparkplug_b_pb2 as pb
    from orewatch.storage.registry import CounterKey, NodeRecord
    from tests.servers import Broker

HOST, GROUP = "conformance-host", "foreign"
STATE = f"spBv1.0/STATE/{HOST}"
REORDER_S = 0.8


class Node:
    """An edge node made by hand: each message is what its arguments say, right or wrong."""

    def __init__(self, client: Client, name: str) -> None:
        self.name, self.bd_seq, self.seq = name, 0, 0
        self._client = client

    def send(
        self, verb: str, *metrics: pb.Metric, device: str = "", seq: int | None = -1, at_ms: int | None = None
    ) -> None:
        """Publish; ``seq`` -1 is the next one in turn."""
        if seq == -1:
            self.seq, seq = (self.seq + 1) % 256, self.seq
        topic = f"spBv1.0/{GROUP}/{verb}/{self.name}" + (f"/{device}" if device else "")
        self._client.publish(topic, payload(*metrics, seq=seq, timestamp=at_ms))

    def nbirth(self) -> None:
        self.seq = 0
        at = now_ms()
        bd_seq = metric("bdSeq", self.bd_seq, INT64, timestamp=at)
        rebirth = metric(REBIRTH, False, BOOLEAN, timestamp=at)
        self.send("NBIRTH", bd_seq, rebirth, metric("load", 0.0, DOUBLE, alias=1, timestamp=at))

    def born(self, *devices: str) -> None:
        self.nbirth()
        for number, device in enumerate(devices or ("pump",), 2):
            self.send("DBIRTH", metric("flow", 1.0, DOUBLE, alias=number, timestamp=now_ms()), device=device)

    def ndata(self, **more: int | None) -> None:
        self.send("NDATA", metric(None, 2.0, alias=1, timestamp=now_ms()), **more)  # type: ignore[arg-type]

    def ddata(self, alias: int = 2, device: str = "pump", seq: int | None = -1) -> None:
        self.send("DDATA", metric(None, 3.0, alias=alias, timestamp=now_ms()), device=device, seq=seq)

    def death(self, bd_seq: int | None = None, at_ms: int | None = None) -> None:
        value = self.bd_seq if bd_seq is None else bd_seq
        self.send("NDEATH", metric("bdSeq", value, INT64, timestamp=now_ms()), seq=None, at_ms=at_ms)


def _gap(node: Node, *, filled: bool) -> None:
    node.born()
    missing = node.seq
    node.ddata(seq=missing + 1)
    node.ddata(seq=missing + 2)
    if filled:
        time.sleep(REORDER_S / 4)
        node.ddata(seq=missing)
        node.seq = missing + 3
        node.ddata()


def _wrapping(node: Node) -> None:
    node.born()
    for _ in range(260):
        node.ddata()


def _after_a_device_death(node: Node) -> None:
    node.born()
    node.send("DDEATH", device="pump")
    node.ddata()


def _born_twice(node: Node) -> None:
    node.born()
    node.ddata()
    node.born()
    node.ddata()


def _reconnected(node: Node) -> None:
    node.born()
    node.ddata()
    node.death()
    node.bd_seq = 1
    node.born()
    node.ddata()


def _late_will(node: Node) -> None:
    _reconnected(node)
    node.death(bd_seq=0)
    node.ddata()


def _device_again(node: Node) -> None:
    node.born()
    node.send("DDEATH", device="pump")
    node.send("DBIRTH", metric("flow", 1.0, DOUBLE, alias=2, timestamp=now_ms()), device="pump")
    node.ddata()


def _history(node: Node) -> None:
    node.born()
    old = metric(None, 9.0, alias=2, timestamp=now_ms() - 3_600_000, is_historical=True)
    node.send("DDATA", old, metric(None, None, alias=2, timestamp=now_ms()), device="pump")


def _then(*steps: Callable[[Node], None]) -> Callable[[Node], None]:
    def run(node: Node) -> None:
        for step in steps:
            step(node)

    return run


# What a node does, and whether the host must ask it for its births.
MUST_ASK: dict[str, Callable[[Node], None]] = {
    "NDATA before NBIRTH": Node.ndata,
    "DDATA before NBIRTH": Node.ddata,
    "DBIRTH before NBIRTH": lambda n: n.send("DBIRTH", metric("flow", 1.0, DOUBLE, timestamp=now_ms()), device="pump"),
    "DDATA before its DBIRTH": _then(Node.nbirth, Node.ddata),
    "an alias no birth gave": _then(Node.born, lambda n: n.ddata(alias=77)),
    "an alias of another device": _then(lambda n: n.born("pump", "fan"), lambda n: n.ddata(alias=3)),
    "a name no birth gave": _then(Node.born, lambda n: n.send("NDATA", metric("new", 1.0, timestamp=now_ms()))),
    "DDATA after DDEATH": _after_a_device_death,
    "DDATA after NDEATH": _then(Node.born, Node.death, Node.ddata),
    "a message that never comes": lambda n: _gap(n, filled=False),
}
MUST_NOT_ASK: dict[str, Callable[[Node], None]] = {
    "all in order": _then(Node.born, Node.ndata, Node.ddata),
    "seq going round": _wrapping,
    "a message that comes late": lambda n: _gap(n, filled=True),
    "a birth without a death": _born_twice,
    "a new session": _reconnected,
    "the will of an older session": _late_will,
    "a device that comes back": _device_again,
    "history and null": _history,
    "a command of somebody": lambda n: n.send("NCMD", metric("x", 1, timestamp=now_ms()), seq=None),
    "a verb in another case": lambda n: n.send("ndata", metric(None, 2.0, alias=1, timestamp=now_ms())),
    "a death of a node never born": Node.death,
}


@dataclass
class HostLife:
    """What passed, the marks, and what the collector's registry said at ``nodes_*``."""

    connections: list[Connection] = field(repr=False)
    heard: list[Packet] = field(repr=False)
    marks: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, NodeRecord] = field(default_factory=dict, repr=False)
    counters: dict[CounterKey, int] = field(default_factory=dict, repr=False)
    exit_code: int | None = None
    late_joiner: list[Packet] = field(default_factory=list, repr=False)

    def asked(self, node: str) -> list[Packet]:
        """The NCMDs a node was sent by the collector."""
        found = [p for c in self.connections for p in c.published("NCMD")]
        return [p for p in found if p.topic == f"spBv1.0/{GROUP}/NCMD/{node}"]

    def states(self) -> list[tuple[bool, int]]:
        """What the collector published of itself."""
        found = [json.loads(p.payload) for c in self.connections for p in c.published("STATE")]
        return [(s["online"], s["timestamp"]) for s in found]


def live(broker: Broker, folder: Path) -> HostLife:
    """Run the life: STATE, nodes that behave and misbehave, a cut, a stop."""
    file = folder / "collector.toml"
    with Relay((broker.host, broker.port)) as relay, Client(broker, "conformance-nodes") as client:
        file.write_text(
            f'data_dir = "{folder}/data"\nhost_id = "{HOST}"\nreorder_s = {REORDER_S}\n[broker]\nport = {relay.port}\n'
        )
        life = HostLife(relay.connections, client.heard)
        with Command("collector", ["collector", "--config", str(file)], folder=folder) as collector:
            try:
                _play(life, relay, client, collector, broker, folder / "data" / "journal.db")
            except AssertionError as error:
                error.add_note(collector.said()[-4000:])
                raise
    return life


def _play(life: HostLife, relay: Relay, client: Client, collector: Command, broker: Broker, journal: Path) -> None:
    def mark(name: str) -> None:
        life.marks[name] = now_ms()

    def published() -> int:
        return len(relay.last.published("STATE"))

    client.wait(STATE)
    will = json.loads(relay.last.connect.payload)
    mark("denied")
    client.state(HOST, online=False, timestamp=will["timestamp"])
    until(lambda: published() >= 2, 5, "STATE online again")
    time.sleep(0.05)
    mark("others")
    client.state("somebody-else", online=False, timestamp=now_ms())
    client.state(HOST.upper(), online=False, timestamp=now_ms())
    client.publish(STATE, b"OFFLINE", 1)
    time.sleep(0.4)
    mark("nodes")
    for name, play in {**MUST_NOT_ASK, **MUST_ASK}.items():
        play(Node(client, name))
    mark("nodes done")
    _deaths(client, broker, mark)
    time.sleep(max(0.0, REORDER_S + 0.4 - (now_ms() - life.marks["nodes done"]) / 1000))
    mark("nodes judged")
    _answers(life, client, mark)
    with Client(broker, "late-joiner") as late:
        late.wait(STATE)
        life.late_joiner = late.of(STATE)
    mark("cut")
    relay.cut()
    until(lambda: len(relay.connections) == 2 and published() >= 1, what="a new connection")
    mark("connected again")
    Node(client, "all in order").ddata()
    until(lambda: relay.last.published("NCMD"), 5, "a rebirth request after the cut")
    time.sleep(0.4)
    mark("stop")
    life.exit_code = collector.stop()
    mark("stopped")
    time.sleep(0.3)
    registry = Registry.open(journal, read_only=True)
    life.nodes = {n.node: n for n in registry.nodes()}
    life.counters = registry.counters()
    registry.close()


def _deaths(client: Client, broker: Broker, mark: Callable[[str], None]) -> None:
    """Nodes that die: politely, by their will, by another session's will, and one that comes back."""
    an_hour_ago = now_ms() - 3_600_000
    for name in ("dies", "does not die", "dies and returns"):
        Node(client, name).born()
    will = (f"spBv1.0/{GROUP}/NDEATH/dies by its will", payload(metric("bdSeq", 0, INT64), timestamp=an_hour_ago))
    lonely = Client(broker, "conformance-lonely", will, listen=False)
    Node(lonely, "dies by its will").born()
    mark("deaths")
    Node(client, "dies").death(at_ms=an_hour_ago)
    Node(client, "does not die").death(bd_seq=200)
    Node(client, "dies and returns").death()
    Node(client, "dies and returns").born()
    lonely.vanish()
    client.wait(f"spBv1.0/{GROUP}/NDEATH/dies by its will")
    mark("dead")


def _answers(life: HostLife, client: Client, mark: Callable[[str], None]) -> None:
    """A node that answers with its births is left alone; one that does not is asked again, ever more slowly."""
    mark("answers")
    polite = Node(client, "answers")
    polite.ndata()
    until(lambda: life.asked("answers"), 5, "a rebirth request")
    polite.born()
    for _ in range(10):
        polite.ddata()
    for _ in range(60):
        Node(client, "is deaf").ndata(seq=0)
        time.sleep(0.05)
    mark("answers judged")
