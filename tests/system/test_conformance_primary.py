"""The rules of Sparkplug B 3.0 for an edge node that waits for a primary host, on a real ``orewatch agent``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.system.processes import Command
from tests.system.wire_peers import DEVICES, UNIT_TOML, Client, Plc, named, read, turning
from tests.system.wire_relay import DISCONNECT, SUBSCRIBE, Connection, Packet, Relay, now_ms, until

if TYPE_CHECKING:
    from tests.servers import Broker

HOST, GROUP, NODE = "conformance-primary", "primary", "cu-01"
STATE = f"spBv1.0/STATE/{HOST}"
BIRTHS = ["NBIRTH", *(f"DBIRTH {d}" for d in DEVICES)]
QUIET_S = 0.7
# What must not bring births while the node waits, in the order in which it is told: (topic, payload).
NOT_ONLINE: dict[str, tuple[str, bytes]] = {
    "nothing": ("spBv1.0/STATE/nobody", b"{}"),
    "another host": (f"{STATE}-2", b'{"online": true, "timestamp": %d}'),
    "the host's name in another case": (STATE.upper().replace("SPBV", "spBv"), b'{"online": true, "timestamp": %d}'),
    "the topic of version 2": (f"STATE/{HOST}", b"ONLINE"),
    "the host offline": (STATE, b'{"online": false, "timestamp": %d}'),
    "no JSON": (STATE, b"ONLINE"),
    "online as text": (STATE, b'{"online": "true", "timestamp": %d}'),
    "no timestamp": (STATE, b'{"online": true}'),
    "a timestamp before the last": (STATE, b'{"online": true, "timestamp": 1000}'),
}


@dataclass
class Waiting:
    """What passed, and the marks between."""

    connections: list[Connection] = field(repr=False)
    heard: list[Packet] = field(repr=False)
    marks: dict[str, int] = field(default_factory=dict)

    def after(self, mark: str, end: str | None = None) -> list[Packet]:
        """What the node published between two marks, whichever the connection."""
        until_ms = self.marks[end] if end else now_ms()
        found = [p for c in self.connections for p in c.published()]
        return [p for p in found if self.marks[mark] <= p.at_ms < until_ms]


@pytest.fixture(scope="module")
def waiting(mosquitto: Broker, tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    folder = tmp_path_factory.mktemp("primary")
    mill, belt = Plc(turning), Plc(turning)
    with Relay((mosquitto.host, mosquitto.port)) as relay, Client(mosquitto, "conformance-primary") as host:
        uplink = f'primary_host = "{HOST}"\nrecord = "plain"'
        ports = {"broker": relay.port, "mill": mill.port, "belt": belt.port}
        file = folder / "cu-01.toml"
        file.write_text(UNIT_TOML.format(rate=0.1, group=GROUP, uplink=uplink, **ports))
        with Command("primary-agent", ["agent", "--config", str(file)], folder=folder) as agent:
            record = Waiting(relay.connections, host.heard)
            try:
                _play(record, relay, host)
            except AssertionError as error:
                error.add_note(agent.said()[-4000:])
                raise
            finally:
                mill.stop()
                belt.stop()
                host.publish(STATE, b"", 1, retain=True)
    return record


def _play(record: Waiting, relay: Relay, host: Client) -> None:
    def mark(name: str) -> None:
        record.marks[name] = now_ms()

    def tell(*, online: bool, at_ms: int) -> None:
        host.state(HOST, online=online, timestamp=at_ms)

    def born(number: int) -> bool:
        births = [p for p in relay.last.published() if "BIRTH" in p.verb]
        return len(relay.connections) == number and len(births) >= len(BIRTHS)

    until(lambda: relay.connections and any(p.kind == SUBSCRIBE for p in relay.last.sent), what="a subscription")
    for name, (topic, data) in NOT_ONLINE.items():
        mark(name)
        host.publish(topic, data % now_ms() if b"%d" in data else data, 1)
        time.sleep(0.2)
    time.sleep(QUIET_S)
    mark("online")
    first = now_ms()
    tell(online=True, at_ms=first)
    until(lambda: born(1), 5, "births when the host is online")
    until(lambda: len(relay.last.published("DDATA")) > 5, what="data")
    mark("online again")
    tell(online=True, at_ms=first)
    time.sleep(0.3)
    mark("old offline")
    tell(online=False, at_ms=first - 1)
    time.sleep(QUIET_S)
    mark("offline")
    gone = now_ms()
    tell(online=False, at_ms=gone)
    until(lambda: len(relay.connections) == 2 and len(relay.last.sent) > 2, what="a new connection")
    time.sleep(QUIET_S)
    mark("old online")
    tell(online=True, at_ms=gone - 1)
    time.sleep(QUIET_S)
    mark("back online")
    tell(online=True, at_ms=now_ms())
    until(lambda: born(2), 5, "births when the host is back")
    start = record.marks["back online"]

    def flushed() -> bool:
        times = [m.timestamp for p in relay.last.published("DDATA") for m in read(p).metrics if m.is_historical]
        return bool(times) and max(times) >= start - 300

    until(flushed, what="the flush of what was kept")
    time.sleep(0.3)
    mark("end")


def test_the_hosts_state_is_subscribed_besides_the_commands(waiting: Waiting) -> None:
    for connection in waiting.connections:
        filters = [f for p in connection.sent if p.kind == SUBSCRIBE for f in p.filters]
        assert (STATE, 1) in filters
        assert (f"spBv1.0/{GROUP}/NCMD/{NODE}", 1) in filters


@pytest.mark.parametrize("what", NOT_ONLINE)
def test_nothing_is_published_before_the_host_is_online(waiting: Waiting, what: str) -> None:
    marks = [*NOT_ONLINE, "online"]
    assert waiting.after(what, marks[marks.index(what) + 1]) == []


def test_online_with_a_new_timestamp_brings_births_then_data(waiting: Waiting) -> None:
    verbs = [p.verb for p in waiting.after("online", "offline")]
    assert verbs[: len(BIRTHS)] == BIRTHS
    assert "DDATA mill" in verbs


def test_online_told_again_brings_no_second_birth(waiting: Waiting) -> None:
    assert not [p for p in waiting.after("online again", "old offline") if "BIRTH" in p.verb]


def test_an_offline_older_than_the_online_is_ignored(waiting: Waiting) -> None:
    verbs = [p.verb for p in waiting.after("old offline", "offline")]
    assert "DDATA mill" in verbs
    assert "NDEATH" not in verbs


def test_offline_brings_ndeath_and_a_disconnect_and_no_data_after(waiting: Waiting) -> None:
    first, second = waiting.connections
    death = first.published()[-1]
    assert (death.verb, first.sent[-1].kind) == ("NDEATH", DISCONNECT)
    assert named(death, "bdSeq").long_value == 0
    assert not read(death).HasField("seq")
    assert death.at_ms - waiting.marks["offline"] < 1000
    assert named(second.connect, "bdSeq").long_value == 1


def test_the_death_is_told_once(waiting: Waiting) -> None:
    deaths = [p for p in waiting.heard if p.topic == f"spBv1.0/{GROUP}/NDEATH/{NODE}"]
    assert [named(p, "bdSeq").long_value for p in deaths if p.at_ms < waiting.marks["end"]] == [0]


def test_after_the_reconnect_nothing_is_published_until_online_with_a_newer_time(waiting: Waiting) -> None:
    assert [p.verb for p in waiting.connections[1].published() if p.at_ms < waiting.marks["back online"]] == []


def test_back_online_brings_births_of_the_new_session_first(waiting: Waiting) -> None:
    published = waiting.connections[1].published()
    assert [p.verb for p in published[: len(BIRTHS)]] == BIRTHS
    assert named(published[0], "bdSeq").long_value == 1


def test_what_was_kept_meanwhile_is_sent_as_history_in_order(waiting: Waiting) -> None:
    kept = [
        (m.timestamp, m.is_historical)
        for p in waiting.connections[1].published("DDATA")
        for m in read(p).metrics
        if m.timestamp < waiting.marks["back online"] - 200
    ]
    gap = [at for at, _ in kept if at >= waiting.marks["offline"]]
    assert all(historical for _, historical in kept)
    # Ten scans a second: the time offline is covered.
    assert len(set(gap)) >= (waiting.marks["back online"] - waiting.marks["offline"]) / 1000 * 7


def test_live_values_come_beside_the_history_and_are_none(waiting: Waiting) -> None:
    found = [
        m.is_historical
        for p in waiting.after("back online", "end")
        if p.verb == "DDATA mill"
        for m in read(p).metrics
        if m.timestamp > waiting.marks["back online"] + 200
    ]
    assert False in found


def test_seq_goes_on_over_live_values_and_history(waiting: Waiting) -> None:
    for connection in waiting.connections:
        told = [read(p).seq for p in connection.published() if p.verb != "NDEATH"]
        assert told == [i % 256 for i in range(len(told))]
