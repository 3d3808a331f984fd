"""One eventful life of ``orewatch agent``, recorded on the wire, for the conformance tests to look at."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from tests.system.processes import Command
from tests.system.wire_peers import BOOLEAN, DEVICES, REBIRTH, UNIT_TOML, Client, Plc, metric, payload, turning
from tests.system.wire_relay import Connection, Packet, Relay, now_ms, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Broker

GROUP, NODE = "bench", "cu-01"
HOME = f"spBv1.0/{GROUP}"
NCMD, NDEATH = f"{HOME}/NCMD/{NODE}", f"{HOME}/NDEATH/{NODE}"
ASK = payload(metric(REBIRTH, True, BOOLEAN))

# How peers ask for a rebirth. Every way must be understood.
ASKING: dict[str, bytes] = {
    "with its datatype": ASK,
    "without a datatype": payload(metric(REBIRTH, True)),
    "without timestamps": pb.Payload(metrics=[metric(REBIRTH, True, BOOLEAN)]).SerializeToString(),
    "with a seq": payload(metric(REBIRTH, True, BOOLEAN), seq=7),
    "beside an unknown metric": payload(metric("Somebody/Else", 1), metric(REBIRTH, True)),
}
# What is no such wish: (topic, payload).
NOT_ASKING: dict[str, tuple[str, bytes]] = {
    "false": (NCMD, payload(metric(REBIRTH, False, BOOLEAN))),
    "null": (NCMD, payload(metric(REBIRTH, None, BOOLEAN))),
    "in another case": (NCMD, payload(metric(REBIRTH.lower(), True, BOOLEAN))),
    "to a device": (f"{HOME}/DCMD/{NODE}/mill", ASK),
    "to an unknown device": (f"{HOME}/DCMD/{NODE}/nobody", ASK),
    "to another node": (f"{HOME}/NCMD/cu-02", ASK),
    "to another group": (f"spBv1.0/other/NCMD/{NODE}", ASK),
    "in another namespace": (f"spAv1.0/{GROUP}/NCMD/{NODE}", ASK),
    "no payload at all": (NCMD, b""),
    "cut short": (NCMD, ASK[:-3]),
    "no protobuf": (NCMD, b"\xff" * 40),
    "a write to what cannot be written": (NCMD, payload(metric("Unit/Description", "x"))),
}


@dataclass
class Life:
    """What passed; ``marks``: when what was done, wall clock ms; ``heard``: what other clients were told."""

    connections: list[Connection] = field(repr=False)
    heard: list[Packet] = field(repr=False)
    marks: dict[str, int] = field(default_factory=dict)
    exit_code: int | None = None

    def published(self, *verbs: str) -> list[Packet]:
        """What the node published in all its connections."""
        return [p for c in self.connections for p in c.published(*verbs)]

    def between(self, connection: int, start: str, end: str) -> list[Packet]:
        """What the node published in a connection between two marks."""
        found = self.connections[connection].published()
        return [p for p in found if self.marks[start] <= p.at_ms < self.marks[end]]


def live(broker: Broker, folder: Path) -> Life:
    """Run the life: births, data, rebirths, a lost PLC, a cut, a broker out of reach, a stop, a start, a kill."""
    with ExitStack() as stack:
        relay = stack.enter_context(Relay((broker.host, broker.port)))
        host = stack.enter_context(Client(broker, "conformance-host"))
        mill, belt = Plc(turning), Plc(turning)
        stack.callback(mill.stop)
        stack.callback(belt.stop)
        life = Life(relay.connections, host.heard)
        file = folder / "cu-01.toml"
        file.write_text(
            UNIT_TOML.format(rate=0.05, broker=relay.port, group=GROUP, uplink="", mill=mill.port, belt=belt.port)
        )
        agent = stack.enter_context(Command("agent", ["agent", "--config", str(file)], folder=folder))
        try:
            _first_run(life, relay, host, agent, mill, belt)
            _second_run(life, relay, host, agent)
        except AssertionError as error:
            error.add_note(agent.said()[-4000:])
            raise
        return life


def _first_run(life: Life, relay: Relay, host: Client, agent: Command, mill: Plc, belt: Plc) -> None:
    def mark(name: str) -> None:
        life.marks[name] = now_ms()

    def births() -> int:
        return len(relay.last.published("NBIRTH"))

    def ask(data: bytes, what: str) -> None:
        before = births()
        host.publish(NCMD, data)
        until(lambda: births() > before, 5, what)

    host.wait(f"{HOME}/DBIRTH/{NODE}/{DEVICES[-1]}")
    # Long enough for seq to go round.
    until(lambda: len(relay.last.published()) > 300, 25, "seq going round")
    mill.refused.add(4)
    mark("sensor refused")
    time.sleep(0.5)
    mill.refused.clear()
    time.sleep(0.3)
    for name, data in ASKING.items():
        mark(f"asked {name}")
        ask(data, f"a rebirth, asked {name}")
        time.sleep(0.15)
    for name, (topic, data) in NOT_ASKING.items():
        mark(f"not asked {name}")
        host.publish(topic, data)
        time.sleep(0.15)
    mark("belt lost")
    belt.stop()
    until(lambda: relay.last.published("DDEATH"), what="a DDEATH")
    time.sleep(0.3)
    mark("asked while the belt is lost")
    ask(ASK, "a rebirth while a device is lost")
    time.sleep(0.2)
    mark("belt back")
    belt.start()
    known = len(relay.last.published("DBIRTH"))
    until(lambda: len(relay.last.published("DBIRTH")) > known, what="the belt's DBIRTH")
    time.sleep(0.3)
    mark("cut")
    relay.cut()
    host.wait(NDEATH)
    until(lambda: len(relay.connections) == 2 and births() == 1, what="a new connection")
    time.sleep(0.3)
    mark("out of reach")
    relay.refuse()
    relay.cut()
    # Attempts to connect that reach nobody.
    time.sleep(2.5)
    relay.listen()
    until(lambda: len(relay.connections) == 3 and births() == 1, what="a third connection")
    time.sleep(0.3)
    mark("stop")
    life.exit_code = agent.stop()
    mark("stopped")
    time.sleep(0.3)


def _second_run(life: Life, relay: Relay, host: Client, agent: Command) -> None:
    agent.start()
    until(lambda: len(relay.connections) == 4 and relay.last.published("DDATA"), what="life after a restart")
    known = len(host.of(NDEATH))
    life.marks["killed"] = now_ms()
    agent.kill()
    host.wait(NDEATH, known + 1)
    time.sleep(0.2)
