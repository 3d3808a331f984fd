"""Days, shifts and months in Tehran."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.plant.calendar import (
    day_bounds,
    jalali,
    jalali_month,
    jalali_year_months,
    production_day,
    shift_changes,
    shifts,
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_tehran_day_begins_at_half_past_eight_in_the_evening_before() -> None:
    assert day_bounds(date(2026, 11, 23)) == (ms("2026-11-22T20:30"), ms("2026-11-23T20:30"))


def test_earlier_summers_were_an_hour_ahead() -> None:
    assert day_bounds(date(2022, 7, 1)).start_ms == ms("2022-06-30T19:30")
    assert day_bounds(date(2023, 7, 1)).start_ms == ms("2023-06-30T20:30")
    spring = day_bounds(date(2022, 3, 22))
    assert spring.end_ms - spring.start_ms == 23 * 3_600_000


def test_a_production_day_begins_at_seven() -> None:
    day = (ms("2026-11-22T03:30"), ms("2026-11-23T03:30"))
    assert production_day(ms("2026-11-23T03:29:59")) == day
    assert production_day(ms("2026-11-23T03:30")) == (day[1], ms("2026-11-24T03:30"))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shifts_fill_the_day(count: int) -> None:
    day = date(2026, 11, 23)
    found = shifts(day, count, start=time(7, 30))
    assert [s.start_ms for s in found[1:]] == [s.end_ms for s in found[:-1]]
    assert (found[0].start_ms, found[-1].end_ms) == day_bounds(day, start=time(7, 30))
    assert len(found) == count


def test_other_shifts_are_refused() -> None:
    with pytest.raises(ValueError, match="allowed: 1, 2, 3"):
        shifts(date(2026, 11, 23), 4)


def test_changes_of_shift_in_a_span() -> None:
    changes = shift_changes(ms("2026-11-22T03:30"), ms("2026-11-23T03:30"), 2)
    assert changes == [ms("2026-11-22T03:30"), ms("2026-11-22T15:30")]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T12:00", (1405, 9, 2)),
        ("2026-11-22T20:29", (1405, 9, 1)),
        ("2024-03-20T00:00", (1403, 1, 1)),
        ("2025-03-20T12:00", (1403, 12, 30)),
        ("2025-03-21T00:00", (1404, 1, 1)),
        ("2026-03-20T12:00", (1404, 12, 29)),
        ("2026-03-21T00:00", (1405, 1, 1)),
    ],
)
def test_jalali_days(at: str, expected: tuple[int, int, int]) -> None:
    assert jalali(ms(at)) == expected


@given(st.integers(1395, 1415), st.integers(1, 12))
def test_jalali_months_follow_each_other(year: int, month: int) -> None:
    bounds = jalali_month(year, month)
    following = jalali_month(*((year, month + 1) if month < 12 else (year + 1, 1)))
    assert bounds.end_ms == following.start_ms
    assert jalali(bounds.start_ms) == (year, month, 1)
    assert jalali(bounds.end_ms - 1)[:2] == (year, month)


def test_the_first_months_of_a_year() -> None:
    assert jalali_year_months(1405, 8) == (ms("2026-03-20T20:30"), ms("2026-11-21T20:30"))
    with pytest.raises(ValueError, match=r".+"):
        jalali_month(1405, 13)
