from __future__ import annotations

from collector.owed_windows import HOUR_DELAY_MS, MINUTES_TOGETHER_MS, OwedWindows
from orewatch.storage.progress import DirtyWindow
from orewatch.storage.query import HOUR_MS, MINUTE_MS

T0 = 500_000 * HOUR_MS


def minute(number: int, unit: str = "pb-01") -> DirtyWindow:
    return DirtyWindow(unit, MINUTE_MS, T0 + number * MINUTE_MS)


def hour(number: int, unit: str = "pb-01") -> DirtyWindow:
    return DirtyWindow(unit, HOUR_MS, T0 + number * HOUR_MS)


def starts(owed: OwedWindows, now_ms: int) -> dict[int, dict[str, list[int]]]:
    due = owed.due(now_ms, everything=False)
    return {step: {unit: [(s - T0) // step for s in found] for unit, found in by.items()} for step, by in due.items()}


def test_minutes_of_a_unit_are_due_together_once_the_oldest_has_waited() -> None:
    owed = OwedWindows([])
    for number in range(4):
        owed.add([minute(number), minute(number + 1)], T0 + number * 60_000)
    owed.add([minute(0, "zn-01")], T0 + 60_000)
    assert starts(owed, T0 + MINUTES_TOGETHER_MS - 1) == {MINUTE_MS: {}, HOUR_MS: {}}
    # The newest may still grow.
    assert starts(owed, T0 + MINUTES_TOGETHER_MS) == {MINUTE_MS: {"pb-01": [0, 1, 2, 3]}, HOUR_MS: {}}


def test_an_hour_that_is_due_takes_its_minutes_with_it() -> None:
    owed = OwedWindows([])
    owed.add([hour(0)], T0)
    owed.add([minute(7), minute(61)], T0 + HOUR_DELAY_MS - 1)
    assert starts(owed, T0 + HOUR_DELAY_MS) == {MINUTE_MS: {"pb-01": [7]}, HOUR_MS: {"pb-01": [0]}}


def test_what_was_owed_before_a_start_and_after_a_clock_set_back_is_due() -> None:
    owed = OwedWindows([minute(1), hour(0)])
    owed.add([minute(2), hour(1)], T0 + 10 * HOUR_MS)
    assert starts(owed, T0) == {MINUTE_MS: {"pb-01": [2, 1]}, HOUR_MS: {"pb-01": [0, 1]}}
    owed.settle([minute(1), minute(2), hour(0), hour(1)])
    assert len(owed) == 0


def test_everything_is_due_where_it_is_asked_for() -> None:
    owed = OwedWindows([])
    owed.add([minute(1), hour(0)], T0)
    assert owed.due(T0, everything=True) == {
        MINUTE_MS: {"pb-01": [T0 + MINUTE_MS]},
        HOUR_MS: {"pb-01": [T0]},
    }
