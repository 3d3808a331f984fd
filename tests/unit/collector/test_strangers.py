"""Whatever one node sends, what others send is kept: from the wire to the journal, nothing stands in between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from collector.collector import Collector
from collector.settings import CollectorSettings
from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.host import HostSession
from orewatch.storage.registry import CounterKey
from tests.unit.collector.collector_harness import NOW_MS, block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.sparkplug.actions import Data

LARGEST = 2**64 - 1
GROUP_OF_A_HUGE_PERIOD = '{"v":1,"groups":[["m","c",' + "9" * 400 + ',[["s","1",1,"analog"]]]]}'
HALF_A_PAIR = '{"v":1,"groups":[["m\\ud800","c",1,[["s","1",1,"analog"]]]]}'


def birth(time_ms: int = NOW_MS, bd_seq: int = 0, **texts: str) -> bytes:
    wire = pb.Payload(timestamp=time_ms, seq=0)
    wire.metrics.add(name="bdSeq", datatype=DataType.UINT64, timestamp=NOW_MS, long_value=bd_seq)
    wire.metrics.add(name="speed", datatype=DataType.DOUBLE, timestamp=NOW_MS, double_value=0.0)
    wire.metrics.add(name="Record/Depth", datatype=DataType.UINT64, timestamp=NOW_MS, long_value=bd_seq)
    if texts:
        wire.metrics.add(name="Record/Block", datatype=DataType.BYTES, timestamp=NOW_MS, is_null=True)
    for name, text in texts.items():
        wire.metrics.add(name=f"Record/{name}", datatype=DataType.STRING, timestamp=NOW_MS, string_value=text)
    return wire.SerializeToString()


def data(value: float, time_ms: int = NOW_MS, seq: int = 1) -> bytes:
    wire = pb.Payload(timestamp=NOW_MS, seq=seq)
    wire.metrics.add(name="speed", timestamp=time_ms, double_value=value)
    return wire.SerializeToString()


class Wire:
    """A collector without a broker: messages go in by hand, and are written at once."""

    def __init__(self, folder: Path) -> None:
        self.collector = Collector(settings=CollectorSettings(data_dir=folder), now_ms=lambda: NOW_MS)
        self._session = HostSession(host="orewatch")
        self._session.connected(NOW_MS)

    def say(self, verb: str, node: str, payload: bytes) -> None:
        for action in self._session.received(f"spBv1.0/g/{verb}/{node}", payload, NOW_MS):
            self.collector._on_event(action)  # type: ignore[arg-type]

    def written(self) -> dict[str, int]:
        """Write what waits; returns values stored by unit."""
        assert self.collector.writer.flush(everything=True)
        totals = self.collector.counters.totals()
        return {key.unit: total for key, total in totals.items() if key.name == "values_stored"}

    def count(self, unit: str, name: str, reason: str = "") -> int:
        return self.collector.counters.totals().get(CounterKey(unit, name, reason), 0)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path)
    yield wire
    wire.collector.close()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(birth(time_ms=LARGEST), id="a birth's time"),
        pytest.param(birth(bd_seq=LARGEST), id="bdSeq and depth"),
        pytest.param(birth(Schemas="[" * 200_000), id="deep JSON"),
        pytest.param(birth(Schemas=json.dumps(["[" * 100_000])), id="a deep schema"),
        pytest.param(birth(Schemas=json.dumps([GROUP_OF_A_HUGE_PERIOD])), id="a huge number in a schema"),
        pytest.param(birth(Schemas=json.dumps([HALF_A_PAIR])), id="half a surrogate pair in a schema"),
        pytest.param(birth(Description="[" * 100_000), id="a deep description"),
    ],
)
def test_a_birth_of_no_sense_harms_nobody(wire: Wire, payload: bytes) -> None:
    wire.say("NBIRTH", "strange", payload)
    wire.say("NBIRTH", "sound", birth())
    wire.say("NDATA", "sound", data(1.0))
    assert wire.written() == {"sound": 1}
    assert {n.node for n in wire.collector.registry.nodes()} == {"strange", "sound"}
    assert not [key for key in wire.collector.counters.totals() if key.name == "faults"]


@pytest.mark.parametrize("time_ms", [LARGEST, 2**63, 2**53 + 1])
def test_a_time_that_is_none_is_refused_alone(wire: Wire, time_ms: int) -> None:
    for node in ("strange", "sound"):
        wire.say("NBIRTH", node, birth())
    wire.say("NDATA", "strange", data(1.0, time_ms))
    wire.say("NDATA", "strange", data(2.0, seq=2))
    wire.say("NDATA", "sound", data(3.0))
    assert wire.written() == {"strange": 1, "sound": 1}
    assert wire.count("strange", "rejected", "bad_value") == 1
    assert [letter.unit for letter in wire.collector.journal.dead_letters()] == ["strange"]


def test_an_event_on_which_we_fail_is_counted(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(event: Data) -> None:
        raise ZeroDivisionError(event.node)

    wire.say("NBIRTH", "strange", birth())
    with monkeypatch.context() as patch:
        patch.setattr(wire.collector.ingest, "_data", fails)
        wire.say("NDATA", "strange", data(1.0))
    wire.say("NDATA", "strange", data(2.0, seq=2))
    assert wire.written() == {"strange": 1}
    assert wire.count("", "faults", "message") == 1


def test_a_message_too_large_to_be_read_is_counted_and_kept(wire: Wire) -> None:
    wire.collector.ingest.oversized("spBv1.0/g/NDATA/strange", 10 << 20)
    wire.collector.ingest.oversized("", 10 << 20)
    wire.written()
    assert wire.count("strange", "rejected", "too_large") == wire.count("", "rejected", "too_large") == 1
    assert "10485760 bytes" in wire.collector.journal.dead_letters(unit="strange")[0].detail


def test_a_block_under_another_units_name_is_rejected(wire: Wire) -> None:
    declared = birth(Schemas="[]")
    wire.say("NBIRTH", "strange", declared)
    stolen = pb.Payload(timestamp=NOW_MS, seq=1)
    stolen.metrics.add(name="Record/Block", timestamp=NOW_MS, bytes_value=block(1))
    wire.say("NDATA", "strange", stolen.SerializeToString())
    assert wire.written() == {}
    assert wire.count("strange", "dead_letters", "other_unit") == 1
