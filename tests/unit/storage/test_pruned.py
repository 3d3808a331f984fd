"""What retention has deleted of a unit's time, as spans."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.storage.journal import Journal
from orewatch.storage.pruned import SPANS_KEPT, add_pruned, complete_from, contested, pruned_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
SPANS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), min_size=1, max_size=12)


def add(journal: Journal, unit: str, *spans: tuple[int, int]) -> None:
    with journal.database.write() as cursor:
        add_pruned(cursor, unit, spans)


@settings(max_examples=40)
@given(spans=SPANS)
def test_windows_are_contested_where_any_minute_of_theirs_is_gone(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]
) -> None:
    journal = Journal.open(tmp_path_factory.mktemp("spans") / "j.db")
    gone: set[int] = set()
    for first, length in spans:
        add(journal, "u", (first * MINUTE_MS + 7, (first + length) * MINUTE_MS + 7))
        gone |= set(range(first, first + length + 1))
    for step, minutes in ((MINUTE_MS, 1), (HOUR_MS, 60)):
        starts = range(0, 500 * MINUTE_MS, step)
        lost = {start for start in starts if gone & set(range(start // MINUTE_MS, start // MINUTE_MS + minutes))}
        assert contested(journal.database, "u", starts, step) == lost
        assert contested(journal.database, "another", starts, step) == set()
    assert pruned_until(journal.database, "u") == (max(gone) + 1) * MINUTE_MS
    assert complete_from(journal.database, "u", 0, 500 * MINUTE_MS) == (max(gone) + 1) * MINUTE_MS
    # None touch another: a span that joins two is one with them.
    rows = journal.database.rows("SELECT first_ms, end_ms FROM pruned_spans ORDER BY first_ms")
    assert all(one[1] < two[0] for one, two in pairwise(rows))  # type: ignore[operator]
    journal.close()


def test_what_is_complete_begins_where_the_last_span_ends(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    add(journal, "u", (0, HOUR_MS - 1), (3 * HOUR_MS, 4 * HOUR_MS - 1))
    assert complete_from(journal.database, "u", HOUR_MS, 3 * HOUR_MS) is None
    assert complete_from(journal.database, "u", 0, 3 * HOUR_MS) == HOUR_MS
    assert complete_from(journal.database, "u", 0, 9 * HOUR_MS) == 4 * HOUR_MS
    assert complete_from(journal.database, "u", 0, HOUR_MS // 2) == HOUR_MS // 2
    journal.close()


def test_a_unit_of_a_thousand_outages_keeps_few_spans(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j.db")
    add(journal, "u", *((n * HOUR_MS, n * HOUR_MS) for n in range(SPANS_KEPT + 500)))
    kept = journal.database.rows("SELECT first_ms, end_ms FROM pruned_spans ORDER BY first_ms")
    assert len(kept) <= SPANS_KEPT
    assert contested(journal.database, "u", [HOUR_MS // 2, (SPANS_KEPT + 499) * HOUR_MS], MINUTE_MS) == {
        HOUR_MS // 2,
        (SPANS_KEPT + 499) * HOUR_MS,
    }
    assert pruned_until(journal.database, "u") == (SPANS_KEPT + 499) * HOUR_MS + MINUTE_MS
    journal.close()


def test_a_journal_of_the_time_before_spans_says_the_same(tmp_path: Path) -> None:
    Journal.open(tmp_path / "j.db").close()
    with closing(sqlite3.connect(tmp_path / "j.db")) as old, old:
        old.execute("INSERT INTO pruned_units VALUES ('u', ?)", (5 * HOUR_MS + 1,))
    for _ in range(2):
        journal = Journal.open(tmp_path / "j.db")
        assert pruned_until(journal.database, "u") == 5 * HOUR_MS + 1
        assert contested(journal.database, "u", [0, 5 * HOUR_MS, 6 * HOUR_MS], HOUR_MS) == {0, 5 * HOUR_MS}
        journal.close()
