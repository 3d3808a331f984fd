"""Plain readings of foreign nodes become blocks, and read back as they were said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.arrivals import Declared, NodeKey
from collector.foreign import MAX_DEVICES, ForeignNodes
from collector.foreign_readings import MAX_COLUMNS
from orewatch.plant.catalogue import SignalRef
from orewatch.sparkplug.actions import Data
from orewatch.sparkplug.datatypes import DataType
from orewatch.storage.query import Query
from orewatch.storage.rollup_tables import RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.scan import Quality
from tests.unit.collector.collector_harness import NOW_MS, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEY = NodeKey("g", "kiln-node")
DAY_MS = 86_400_000


class Foreign:
    def __init__(self, folder: Path) -> None:
        self.kept = Kept(folder / "journal.db")
        self.nodes = ForeignNodes(journal=self.kept.journal, counters=self.kept.counters, seconds=1)
        self.tables = RollupTables.open(folder / "rollups.db")
        self.store = EmbeddedStore(journal=self.kept.journal, tables=self.tables)

    def say(
        self,
        rows: Sequence[tuple[str, DataType, object, int]],
        *,
        device: str | None = "kiln",
        qualities: Sequence[int] | None = None,
    ) -> None:
        names, types, values, times = zip(*rows, strict=True) if rows else ((), (), (), ())
        self.nodes.take(
            Data(
                group=KEY.group,
                node=KEY.node,
                device=device,
                received_ms=NOW_MS,
                names=names,
                datatypes=types,
                values=values,
                timestamps_ms=times,
                qualities=qualities,
            )
        )

    def keep(self) -> int:
        blocks = self.nodes.due(NOW_MS, everything=True)
        self.nodes.put_schemas()
        self.kept.intake.take(blocks)
        return len(blocks)

    def series(self, name: str, machine: str = "kiln") -> list[tuple[int, float]]:
        query = Query(
            unit=KEY.node, ref=SignalRef(machine, name), start_ms=NOW_MS - 9 * DAY_MS, end_ms=NOW_MS + 9 * DAY_MS
        )
        found = self.store.series(query)
        return list(zip(found.time_ms.tolist(), found.values.tolist(), strict=True))

    def close(self) -> None:
        self.tables.close()
        self.kept.journal.close()

    def dropped(self, reason: str) -> int:
        return self.kept.count("plain_values_dropped", reason, unit=KEY.node)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    foreign = Foreign(tmp_path)
    yield foreign
    foreign.close()


def test_types_keep_their_values(foreign: Foreign) -> None:
    foreign.nodes.declare(Declared(KEY, "kiln", {"t": "Cel"}, NOW_MS))
    rows = [
        ("t", DataType.DOUBLE, 1 / 3, NOW_MS),
        ("n", DataType.INT64, -123_456_789_012, NOW_MS),
        ("u", DataType.UINT8, 255, NOW_MS),
        ("on", DataType.BOOLEAN, True, NOW_MS),
        ("label", DataType.STRING, "text", NOW_MS),
    ]
    foreign.say(rows)
    foreign.say([("rpm", DataType.FLOAT, 1.5, NOW_MS)], device=None)
    assert foreign.keep() == 1
    assert foreign.series("t") == [(NOW_MS, 1 / 3)]
    assert foreign.series("n") == [(NOW_MS, -123_456_789_012.0)]
    assert (foreign.series("u"), foreign.series("on")) == ([(NOW_MS, 255.0)], [(NOW_MS, 1.0)])
    assert foreign.series("rpm", "node") == [(NOW_MS, 1.5)]
    assert foreign.series("label") == []
    assert foreign.dropped("not_numeric") == 1
    schema = foreign.kept.journal.schema(foreign.kept.journal.blocks(0, 1)[0].header.schema)
    assert schema is not None
    assert {c.name: c.unit for c in schema.groups[0].columns} == {"t": "Cel", "n": "1", "u": "1", "on": "1"}


ROW = st.tuples(st.sampled_from("abc"), st.integers(-5, 5), st.integers(0, 8))


@settings(max_examples=20)
@given(
    messages=st.lists(st.lists(ROW, min_size=1, max_size=4, unique_by=lambda r: (r[0], r[2])), min_size=1, max_size=8)
)
def test_report_by_exception_in_any_order_reads_back(
    tmp_path_factory: pytest.TempPathFactory, messages: list[list[tuple[str, int, int]]]
) -> None:
    foreign = Foreign(tmp_path_factory.mktemp("foreign"))
    expected: dict[str, dict[int, float]] = {}
    for message in messages:
        foreign.say([(n, DataType.DOUBLE, v + 0.1, NOW_MS + t) for n, v, t in message])
        for n, v, t in message:
            expected.setdefault(n, {})[NOW_MS + t] = v + 0.1
    assert foreign.keep() == 1
    for name in "abc":
        assert foreign.series(name) == sorted(expected.get(name, {}).items())
    foreign.close()


def test_what_cannot_be_true_is_left_out_and_counted(foreign: Foreign) -> None:
    for i, (value, time_ms) in enumerate(
        [(1.0, NOW_MS), (math.nan, NOW_MS + 1), (math.inf, NOW_MS + 2), (None, NOW_MS + 3), (2.0, 0), (3.0, 2**42)]
    ):
        foreign.say([("t", DataType.DOUBLE, value, time_ms), ("i", DataType.INT32, i, NOW_MS + i)])
    foreign.keep()
    assert foreign.series("t") == [(NOW_MS, 1.0)]
    assert len(foreign.series("i")) == 6
    assert (foreign.dropped("not_finite"), foreign.dropped("time_before_2020"), foreign.dropped("time_in_future")) == (
        3,
        1,
        1,
    )


def test_even_messages_find_their_columns_whatever_the_order(foreign: Foreign) -> None:
    for order in ("ab", "ba"):
        for second in range(3):
            time_ms = NOW_MS + second + 10 * (order == "ba")
            foreign.say([(n, DataType.DOUBLE, float(ord(n)), time_ms) for n in order])
        foreign.keep()
    for name in "ab":
        assert [value for _, value in foreign.series(name)] == [float(ord(name))] * 6


def test_quality_is_kept(foreign: Foreign) -> None:
    rows = [(name, DataType.DOUBLE, 5.0, NOW_MS) for name in "gbs"]
    foreign.say(rows, qualities=[192, 0, 500])
    foreign.keep()
    newest = foreign.store.latest(KEY.node)
    assert {ref.signal: reading.quality for ref, reading in newest.items()} == {
        "g": Quality.GOOD,
        "b": Quality.BAD,
        "s": Quality.STALE,
    }
    assert foreign.series("b") == []


def test_history_in_one_go_is_cut_by_days(foreign: Foreign) -> None:
    for day in range(5):
        foreign.say([("t", DataType.DOUBLE, float(day), NOW_MS - day * DAY_MS)])
    assert foreign.keep() == 5
    assert len(foreign.series("t")) == 5


def test_numbers_go_on_after_a_restart(foreign: Foreign, tmp_path: Path) -> None:
    foreign.say([("t", DataType.DOUBLE, 1.0, NOW_MS)])
    foreign.keep()
    foreign.close()
    again = Foreign(tmp_path)
    again.say([("t", DataType.DOUBLE, 2.0, NOW_MS + 1)])
    again.keep()
    assert [b.header.number for b in again.kept.journal.blocks(0, 9)] == [1, 2]
    assert again.series("t") == [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)]
    again.close()


def test_blocks_are_made_when_due_and_not_before(foreign: Foreign) -> None:
    foreign.say([("t", DataType.DOUBLE, 1.0, NOW_MS)])
    assert foreign.nodes.due(NOW_MS + 999) == []
    assert len(foreign.nodes.due(NOW_MS + 1000)) == 1
    assert foreign.nodes.due(NOW_MS + 9999) == []
    foreign.say([("t", DataType.DOUBLE, 1.0, NOW_MS)])
    assert len(foreign.nodes.forget(KEY, NOW_MS)) == 1
    assert foreign.nodes.forget(KEY, NOW_MS) == []


def test_made_up_devices_and_ids_are_bounded(foreign: Foreign) -> None:
    for number in range(MAX_DEVICES + 3):
        foreign.say([("t", DataType.DOUBLE, 1.0, NOW_MS)], device=f"d{number}")
    assert foreign.dropped("too_many_devices") == 3
    foreign.say([])
    assert foreign.keep() == 1


def test_metrics_beyond_the_bound_are_counted_as_that(foreign: Foreign) -> None:
    foreign.say([(f"m{i}", DataType.DOUBLE, 1.0, NOW_MS) for i in range(MAX_COLUMNS + 3)])
    foreign.keep()
    assert (foreign.dropped("too_many_metrics"), foreign.dropped("not_numeric")) == (3, 0)
    assert foreign.series(f"m{MAX_COLUMNS - 1}") == [(NOW_MS, 1.0)]


def test_readings_one_by_one_are_cut_into_blocks_that_can_be_read(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.foreign_readings.BLOCK_VALUES", 200)
    monkeypatch.setattr("collector.foreign.BLOCK_VALUES", 200)
    said = [(f"m{i % 50}", DataType.DOUBLE, float(i), NOW_MS + i) for i in range(1000)]
    for row in said:
        foreign.say([row])
    foreign.say([("m0", DataType.DOUBLE, 5.0, NOW_MS)], device="other")
    # Each reading is a row of fifty columns: four rows to a block.
    assert foreign.keep() == 251
    assert all(b.header.values <= 200 for b in foreign.kept.journal.blocks(0, 1000))
    for i in (0, 7, 49):
        assert foreign.series(f"m{i}") == [(t, v) for name, _, v, t in said if name == f"m{i}"]
    assert foreign.series("m0", machine="other") == [(NOW_MS, 5.0)]


def test_even_messages_are_cut_as_well(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.foreign_readings.BLOCK_VALUES", 200)
    monkeypatch.setattr("collector.foreign.BLOCK_VALUES", 200)
    for second in range(30):
        foreign.say([(f"m{i}", DataType.DOUBLE, float(second), NOW_MS + 1000 * second) for i in range(20)])
    assert foreign.keep() == 3
    assert [v for _, v in foreign.series("m3")] == [float(n) for n in range(30)]
