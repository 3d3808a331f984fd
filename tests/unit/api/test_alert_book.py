from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.alerting.book import AlertBook, AlertFilter, AlertRecord, UnknownAlertError
from api.alerting.database import AlertDatabase
from api.alerting.lifecycle import Happening, LifecycleError, after
from api.alerting.models import AlertKind, AlertState
from api.database import DatabaseFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_000_000


@pytest.fixture
def book(tmp_path: Path) -> Iterator[AlertBook]:
    database = AlertDatabase.open(tmp_path / "alerts.db")
    yield AlertBook(database=database)
    database.close()


def idle(unit: str = "mn-01", onset_ms: int = 1000, raised_ms: int = 2000) -> AlertRecord:
    return AlertRecord(
        unit=unit,
        kind=AlertKind.IDLE,
        priority="medium",
        reason="no_load",
        onset_ms=onset_ms,
        raised_ms=raised_ms,
        recorded_ms=NOW,
        changed_ms=NOW,
        figures={"target_tph": 15.0},
    )


def raised(book: AlertBook, record: AlertRecord | None = None) -> int:
    number = book.raise_alert(record or idle())
    assert number is not None
    return number


def clear(book: AlertBook, unit: str = "mn-01", at_ms: int = 5000, *, in_history: bool = False) -> AlertRecord | None:
    return book.clear(unit, AlertKind.IDLE, cleared_ms=at_ms, tonnes_lost=1.5, now_ms=NOW, in_history=in_history)


def test_an_episode_is_written_once(book: AlertBook) -> None:
    assert book.raise_alert(idle()) == 1
    assert book.raise_alert(idle()) is None
    clear(book)
    assert book.raise_alert(idle()) is None, "not again after it cleared, either"
    assert len(book.select(AlertFilter(), 10)) == 1


def test_the_same_episode_found_again_some_seconds_off_is_the_same(book: AlertBook) -> None:
    raised(book)
    clear(book)
    assert book.raise_alert(idle(onset_ms=1003, raised_ms=2003)) is None


def test_one_stands_per_unit_and_kind(book: AlertBook) -> None:
    raised(book)
    assert book.raise_alert(idle(onset_ms=9000, raised_ms=10_000)) is None
    assert book.raise_alert(idle(unit="zn-01")) is not None
    assert book.raise_alert(replace(idle(), kind=AlertKind.COMMS_LOSS)) is not None


def test_the_database_itself_refuses_a_second(book: AlertBook) -> None:
    raised(book)
    with book.database.transaction() as connection:
        inserted = connection.execute(
            "INSERT OR IGNORE INTO alert (unit, kind, episode, priority, state, reason, figures, onset_ms, raised_ms,"
            " recorded_ms, changed_ms, historical) SELECT unit, kind, 7, priority, state, reason, figures, 7, 8,"
            " 9, 9, 0 FROM alert"
        ).rowcount
    assert inserted == 0


def test_acknowledged_then_cleared_is_normal(book: AlertBook) -> None:
    number = raised(book)
    record = book.acknowledge(number, by="a.karimi", note="on my way", now_ms=NOW)
    assert (record.state, record.acknowledged_by, record.notes[0].text) == (
        AlertState.ACKED,
        "a.karimi",
        "on my way",
    )
    cleared = clear(book)
    assert cleared is not None
    assert (cleared.state, cleared.cleared_ms, cleared.tonnes_lost) == (AlertState.NORM, 5000, 1.5)


def test_cleared_unseen_waits_for_acknowledgement(book: AlertBook) -> None:
    number = raised(book)
    cleared = clear(book)
    assert cleared is not None
    assert cleared.state is AlertState.RTNUN
    assert book.acknowledge(number, by="x", note=None, now_ms=NOW).state is AlertState.NORM


def test_acknowledging_twice_keeps_the_first(book: AlertBook) -> None:
    number = raised(book)
    book.acknowledge(number, by="first", note=None, now_ms=NOW)
    assert book.acknowledge(number, by="second", note=None, now_ms=NOW + 5).acknowledged_by == "first"


def test_shelving_ends_by_itself(book: AlertBook) -> None:
    number = raised(book)
    shelved = book.shelve(number, by="x", minutes=10, reason="mending", now_ms=NOW)
    assert (shelved.state, shelved.shelved_until_ms) == (AlertState.SHLVD, NOW + 600_000)
    assert book.release_due(NOW + 599_999) == []
    assert [r.state for r in book.release_due(NOW + 600_000)] == [AlertState.UNACK]


def test_shelved_and_over_is_normal_when_released(book: AlertBook) -> None:
    number = raised(book)
    book.shelve(number, by="x", minutes=10, reason="mending", now_ms=NOW)
    clear(book)
    assert book.unshelve(number, by="x", now_ms=NOW).state is AlertState.NORM


def test_what_may_not_happen_says_what_may(book: AlertBook) -> None:
    number = raised(book)
    with pytest.raises(LifecycleError, match="allowed: SHLVD"):
        book.unshelve(number, by="x", now_ms=NOW)
    with pytest.raises(UnknownAlertError):
        book.comment(99, by="x", text="?", now_ms=NOW)


def test_history_asks_for_no_acknowledgement(book: AlertBook) -> None:
    raised(book, replace(idle(), historical=True))
    cleared = clear(book, in_history=True)
    assert cleared is not None
    assert cleared.state is AlertState.NORM


def test_pages_are_whole_and_without_repeats(book: AlertBook) -> None:
    for n in range(25):
        raised(book, idle(unit=f"u{n:02}", onset_ms=n // 3 * 1000, raised_ms=n // 3 * 1000 + 1))
    seen: list[int] = []
    after_: tuple[int, int] | None = None
    while page := book.select(AlertFilter(after=after_), 7):
        seen += [record.id for record in page]
        after_ = (page[-1].raised_ms, page[-1].id)
    assert seen == list(range(25, 0, -1))


def test_filters(book: AlertBook) -> None:
    raised(book)
    raised(book, idle(unit="zn-01", onset_ms=3000, raised_ms=4000))
    clear(book, "zn-01", 6000)
    assert [r.unit for r in book.select(AlertFilter(active=True), 9)] == ["mn-01"]
    assert [r.unit for r in book.select(AlertFilter(states=(AlertState.RTNUN,)), 9)] == ["zn-01"]
    assert [r.unit for r in book.select(AlertFilter(since_ms=6001), 9)] == ["mn-01"]
    assert book.select(AlertFilter(kinds=(AlertKind.COMMS_LOSS,)), 9) == []


def test_spans_are_cut(book: AlertBook) -> None:
    raised(book)
    assert book.spans("mn-01", AlertKind.IDLE, 0, 9000) == [(1000, 9000)]
    clear(book)
    assert book.spans("mn-01", AlertKind.IDLE, 3000, 9000) == [(3000, 5000)]
    assert book.spans("mn-01", AlertKind.IDLE, 5000, 9000) == []


def test_a_failure_in_between_keeps_nothing(book: AlertBook) -> None:
    def half() -> None:
        with book.database.transaction():
            raised(book)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert book.select(AlertFilter(), 9) == []


def test_survives_reopening(tmp_path: Path) -> None:
    first = AlertDatabase.open(tmp_path / "a.db")
    raised(AlertBook(database=first))
    first.put_carry([("", 5, "{}")])
    first.close()
    second = AlertDatabase.open(tmp_path / "a.db")
    assert AlertBook(database=second).raise_alert(idle()) is None
    assert second.carries() == {"": (5, "{}")}
    second.close()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is no database, and long enough to be told from one" * 9)
    with pytest.raises(DatabaseFileError, match=r"a\.db"):
        AlertDatabase.open(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("state", "happening", "follows"),
    [
        (AlertState.UNACK, Happening.ACKNOWLEDGE, AlertState.ACKED),
        (AlertState.UNACK, Happening.CLEAR, AlertState.RTNUN),
        (AlertState.ACKED, Happening.CLEAR, AlertState.NORM),
        (AlertState.RTNUN, Happening.ACKNOWLEDGE, AlertState.NORM),
        (AlertState.SHLVD, Happening.CLEAR, AlertState.SHLVD),
        (AlertState.SHLVD, Happening.RELEASE_ACTIVE, AlertState.UNACK),
        (AlertState.SHLVD, Happening.RELEASE_INACTIVE, AlertState.NORM),
        (AlertState.NORM, Happening.ACKNOWLEDGE, None),
        (AlertState.ACKED, Happening.ACKNOWLEDGE, None),
        (AlertState.SHLVD, Happening.ACKNOWLEDGE, None),
    ],
)
def test_transitions(state: AlertState, happening: Happening, follows: AlertState | None) -> None:
    if follows is None:
        with pytest.raises(LifecycleError):
            after(state, happening)
    else:
        assert after(state, happening) is follows
