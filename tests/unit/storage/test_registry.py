"""The registry: nodes, units and counters, for other processes to read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orewatch.plant.unit import unit_from_circuit
from orewatch.storage.registry import CounterKey, Registry
from tests.unit.collector.collector_harness import NOW_MS, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAD = unit_from_circuit(unit_id="pb-01", circuit="lead", site="Nakhlak", province="Isfahan", model="M1")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry.open(tmp_path / "journal.db")
    yield registry
    registry.close()


def test_units_describe_themselves_and_foreign_nodes_do_not(registry: Registry, tmp_path: Path) -> None:
    registry.put(
        record("pb-01", description=LEAD.to_json(), group="g1"), record("kiln"), record("odd", description="{")
    )
    reader = Registry.open(tmp_path / "journal.db", read_only=True)
    assert reader.units() == [LEAD]
    assert (reader.unit("pb-01"), reader.unit("kiln"), reader.unit("odd"), reader.unit("?")) == (LEAD, None, None, None)
    assert (reader.group_of("pb-01"), reader.group_of("?")) == ("g1", None)
    assert [n.node for n in reader.nodes()] == ["kiln", "odd", "pb-01"]
    reader.close()


def test_the_revision_tells_only_of_news(registry: Registry) -> None:
    assert registry.revision() == 0
    born = record(description="a", aliases={"": {"x": (1, 10)}, "jaw": {"y": (None, 11)}})
    registry.put(born)
    assert registry.revision() == 1
    registry.put(replace(born, bd_seq=7, born_ms=NOW_MS + 5))
    assert registry.revision() == 1
    registry.put(replace(born, description="b"))
    assert registry.revision() == 2
    registry.put(replace(born, description="b", aliases={}))
    assert registry.revision() == 3


def test_a_node_is_given_back_as_it_was_put(registry: Registry) -> None:
    born = record(aliases={"jaw": {"y": (3, 11), "z": (None, 12)}}, depth=5, dropped=1, spool="aa")
    registry.put(born)
    assert registry.node("pb-01") == born
    registry.seen({"pb-01": NOW_MS + 9, "unheard of": 1})
    registry.spool_state({"pb-01": (6, None)})
    registry.died("pb-01", NOW_MS + 10)
    assert registry.node("pb-01") == replace(born, last_seen_ms=NOW_MS + 9, depth=6, died_ms=NOW_MS + 10)
    registry.seen({"pb-01": NOW_MS})
    assert registry.nodes()[0].last_seen_ms == NOW_MS + 9


def test_counters_are_totals(registry: Registry) -> None:
    key = CounterKey("pb-01", "blocks", "stored")
    registry.put_counters([(key, 3), (CounterKey("", "queue_full"), 1)])
    registry.put_counters([(key, 5)])
    assert registry.counters() == {key: 5, CounterKey("", "queue_full"): 1}
