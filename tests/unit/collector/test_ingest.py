"""What the host session tells reaches the writer sorted, and nothing is dropped without a count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from collector.acknowledge import acknowledgements
from collector.arrivals import Arrival, Birth, Death, Declared
from collector.counters import Counters
from collector.ingest import LETTERS_PER_S, Ingest
from orewatch.sparkplug.actions import (
    Data,
    DeathCause,
    DeviceBorn,
    NodeBorn,
    NodeDied,
    RebirthAsked,
    Rejected,
    RejectReason,
)
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.payload import Metric
from orewatch.storage.dead_letters import DeadLetter
from orewatch.storage.ranges import ranges
from orewatch.storage.registry import CounterKey
from tests.unit.collector.collector_harness import KEY, NOW_MS, SCHEMA, UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.arrivals import Item


class Told:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.counters = Counters()
        self.ingest = Ingest(submit=self.submit, counters=self.counters, now_ms=lambda: NOW_MS)

    def submit(self, item: Item) -> bool:
        self.items.append(item)
        return True

    def count(self, name: str, reason: str = "", unit: str = UNIT) -> int:
        return self.counters.totals().get(CounterKey(unit, name, reason), 0)

    def born(self, *metrics: Metric) -> None:
        named = {m.name or "": m for m in metrics}
        self.ingest.on_event(NodeBorn(group=KEY.group, node=UNIT, metrics=named, timestamp_ms=NOW_MS, bd_seq=3))

    def data(self, device: str | None, *values: tuple[str, object]) -> Data:
        names = tuple(name for name, _ in values)
        data = Data(
            group=KEY.group,
            node=UNIT,
            device=device,
            received_ms=NOW_MS + 5,
            names=names,
            datatypes=(DataType.BYTES,) * len(names),
            values=[value for _, value in values],  # type: ignore[misc]
            timestamps_ms=[NOW_MS] * len(names),
        )
        self.ingest.on_event(data)
        return data


BLOCK = Metric(name="Record/Block", datatype=DataType.BYTES, alias=1)


def text(name: str, value: str) -> Metric:
    return Metric(name=name, datatype=DataType.STRING, value=value)


@pytest.fixture
def told() -> Told:
    return Told()


def test_our_own_node_is_heard_by_its_blocks(told: Told) -> None:
    depth = Metric(name="Record/Depth", datatype=DataType.INT64, value=4, alias=2)
    told.born(BLOCK, depth, text("Record/Schemas", json.dumps([SCHEMA.text, 5])), text("Unit/Description", "{}"))
    (birth,) = told.items
    assert isinstance(birth, Birth)
    assert birth.schemas == [SCHEMA.text]
    assert (birth.record.description, birth.record.depth, birth.record.bd_seq) == ("{}", 4, 3)
    assert birth.record.aliases[""]["Record/Block"] == (1, int(DataType.BYTES))
    told.items.clear()
    told.data(None, ("Record/Block", b"one"), ("Record/Depth", 9), ("Record/Block", b"two"), ("Record/Block", None))
    assert [i.data for i in told.items if isinstance(i, Arrival)] == [b"one", b"two"]
    assert told.ingest.spools == {UNIT: (9, None)}
    assert told.ingest.seen == {UNIT: NOW_MS + 5}
    told.items.clear()
    told.data("jaw", ("motor_current", 3.0))
    assert told.items == []
    assert (told.count("live_values"), told.count("blocks_received")) == (1, 2)


def test_a_foreign_node_is_heard_by_its_metrics(told: Told) -> None:
    told.born(Metric(name="t", datatype=DataType.DOUBLE, properties={"engUnit": "Cel"}))
    device = {"x": Metric(name="x", datatype=DataType.DOUBLE, alias=7, properties={"engUnit": "kW"})}
    told.ingest.on_event(DeviceBorn(group=KEY.group, node=UNIT, device="mill", metrics=device, timestamp_ms=NOW_MS))
    declared = [i for i in told.items if isinstance(i, Declared)]
    assert [(d.device, d.units) for d in declared] == [(None, {"t": "Cel"}), ("mill", {"x": "kW"})]
    births = [i for i in told.items if isinstance(i, Birth)]
    assert [b.schemas for b in births] == [[], None]
    assert births[1].record.aliases["mill"] == {"x": (7, int(DataType.DOUBLE))}
    data = told.data("mill", ("x", 1.0))
    assert told.items[-1] is data
    assert told.count("plain_values") == 1


def test_a_node_that_becomes_foreign_is_heard_anew(told: Told) -> None:
    told.born(BLOCK)
    told.born(Metric(name="t", datatype=DataType.DOUBLE))
    data = told.data(None, ("t", 1.0))
    assert told.items[-1] is data


@pytest.mark.parametrize("value", ["{", "{}", '"x"', json.dumps(["x"] * 300)])
def test_a_birth_whose_schemas_cannot_be_read_is_counted(told: Told, value: str) -> None:
    told.born(BLOCK, text("Record/Schemas", value))
    assert told.count("schemas_rejected", "malformed") == 1
    assert isinstance(told.items[0], Birth)


def test_deaths_are_kept_unless_it_was_us_who_left(told: Told) -> None:
    told.ingest.on_event(NodeDied(group=KEY.group, node=UNIT, at_ms=NOW_MS, cause=DeathCause.HOST_OFFLINE))
    assert told.items == []
    told.ingest.on_event(NodeDied(group=KEY.group, node=UNIT, at_ms=NOW_MS))
    assert told.items == [Death(KEY, NOW_MS)]


def rejected(reason: RejectReason) -> Rejected:
    return Rejected(reason=reason, topic="spBv1.0/x", payload=b"raw", detail="why", group=KEY.group, node=UNIT)


def test_rejections_are_counted_and_those_worth_looking_at_are_kept(told: Told) -> None:
    for reason in RejectReason:
        told.ingest.on_event(rejected(reason))
    letters = [i for i in told.items if isinstance(i, DeadLetter)]
    assert all(told.count("rejected", reason.value) == 1 for reason in RejectReason)
    assert {"malformed", "too_large", "changed_type"} <= {letter.reason for letter in letters}
    assert not {"before_birth", "duplicate"} & {letter.reason for letter in letters}
    assert letters[0].data == b"raw"


def test_a_flood_of_rejections_is_kept_in_part_and_counted_whole(told: Told) -> None:
    for _ in range(LETTERS_PER_S + 30):
        told.ingest.on_event(rejected(RejectReason.MALFORMED))
    assert len(told.items) == LETTERS_PER_S
    assert told.count("rejected", "malformed") == LETTERS_PER_S + 30
    assert told.count("letters_dropped", "too_many") == 30


def test_rebirths_are_counted(told: Told) -> None:
    told.ingest.on_event(RebirthAsked(group=KEY.group, node=UNIT, why="gap"))
    assert told.count("rebirths_asked") == 1


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([], []), ([5], [(5, 5)]), ([3, 1, 2, 2], [(1, 3)]), ([1, 3, 4, 9], [(1, 1), (3, 4), (9, 9)])],
)
def test_acknowledgements_name_ranges(numbers: Sequence[int], expected: list[tuple[int, int]]) -> None:
    assert ranges(numbers) == expected


def test_an_acknowledgement_says_who_and_what() -> None:
    (value,) = acknowledgements(collector="orewatch", store="ab", spool=b"\1" * 16, numbers=[1, 2, 7])
    assert json.loads(value) == {"collector": "orewatch", "store": "ab", "spool": "01" * 16, "ids": [[1, 2], [7, 7]]}
    many = list(acknowledgements(collector="o", store="a", spool=b"\1" * 16, numbers=range(1, 2400, 2)))
    assert len(many) == 3
    assert [n for v in many for n, _ in json.loads(v)["ids"]] == list(range(1, 2400, 2))
