"""Numbers and times as people type them, read in the browser as the service reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.inputs.figures import read_figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.system.pages.server import FakeService

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def page(browser: Browser, service: tuple[FakeService, str]) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{service[1]}/?lang=en")
    yield page
    page.close()


def ask(page: Page, module: str, expression: str, argument: Any = None) -> Any:
    return page.evaluate(
        f"async (a) => {{ const m = await import('/static/{module}.js'); return {expression}; }}", argument
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5),
        ("۱۲٫۵", 12.5),  # noqa: RUF001 - Persian digits
        ("١٢٫٥", 12.5),  # noqa: RUF001 - Arabic digits
        (" ۱۲.۵ ", 12.5),  # noqa: RUF001 - Persian digits
        ("1,250", 1250),
        ("۱٬۲۵۰٫۵", 1250.5),  # noqa: RUF001 - Persian digits
        ("1,250,000.25", 1_250_000.25),
        ("1 250", 1250),
        ("\u200f۷\u200e", 7),  # noqa: RUF001 - Persian digits
        ("−3", -3),  # noqa: RUF001 - a minus sign
        ("0", 0),
    ],
)
def test_a_number_is_read_as_the_service_reads_it(page: Page, text: str, value: float) -> None:
    assert ask(page, "figures", "m.readNumber(a)", text) == {"value": value}
    assert read_figure(text) == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1,5", "ambiguous"),
        ("۱،۵", "ambiguous"),  # noqa: RUF001 - Persian digits
        ("0,500", "ambiguous"),
        ("1.500.000", "ambiguous"),
        ("1,50,000", "ambiguous"),
        ("12/5", "ambiguous"),
        ("1e3", "not-number"),
        ("twelve", "not-number"),
        ("0x10", "not-number"),
        ("", "empty"),
        ("   ", "empty"),
        ("1" * 41, "not-number"),
        ("Infinity", "not-number"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(page: Page, text: str, fault: str) -> None:
    assert ask(page, "figures", "m.readNumber(a)", text) == {"fault": fault}
    with pytest.raises(ValueError, match="allowed"):
        read_figure(text)


def test_a_persian_slash_is_a_decimal_mark(page: Page) -> None:
    assert ask(page, "figures", "m.readNumber(a)", "۱۲/۵") == {"value": 12.5}  # noqa: RUF001 - Persian digits


def test_bounds_are_kept(page: Page) -> None:
    moisture = {"least": 0, "most": 100, "below": True}
    texts = ["-0.1", "0", "99.9", "100"]
    assert ask(page, "figures", "a[0].map((x) => m.readWithin(x, a[1]).fault ?? 'good')", [texts, moisture]) == [
        "low",
        "good",
        "good",
        "high",
    ]
    assert ask(page, "figures", "m.readWithin('0', { least: 0, above: true }).fault") == "low"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("07:30", 450), ("۷:۳۰", 450), ("0730", 450), ("٢٣:٥٩", 1439), ("0:00", 0), ("7", 420), ("7.05", 425)],  # noqa: RUF001
)
def test_a_time_of_day_is_read(page: Page, text: str, minutes: int) -> None:
    assert ask(page, "figures", "m.readClock(a)", text) == {"value": minutes}


@pytest.mark.parametrize("text", ["24:00", "7:60", "7:3", "half past", "12:30:15", "-1"])
def test_what_is_no_time_of_day_is_refused(page: Page, text: str) -> None:
    assert ask(page, "figures", "m.readClock(a)", text) == {"fault": "not-time"}


def test_days_begin_at_tehran_midnight(page: Page) -> None:
    at = 1_795_433_400_000  # 2026-11-23T11:30Z, 15:00 in Tehran
    assert ask(page, "tehran", "m.dayStart(a)", at) == at - 15 * HOUR_MS
    assert ask(page, "tehran", "m.minuteOfDay(a)", at) == 15 * 60
    assert ask(page, "tehran", "m.atMinute(m.dayStart(a), 450)", at) == at - 15 * HOUR_MS + 450 * 60_000
    starts = ask(page, "tehran", "m.daysAround(a, 2, 1)", at)
    assert [(at - one) / HOUR_MS for one in starts] == [63, 39, 15, -9]
    assert ask(page, "tehran", "m.dayKey(a)", at + 9 * HOUR_MS) == "2026-11-24"
    # In a summer of the past the clocks were an hour ahead; the day of the change has 23 hours.
    changed = 1_647_970_000_000  # 2022-03-22, 21:56 in Tehran, after the change at midnight
    assert ask(page, "tehran", "m.minuteOfDay(m.atMinute(m.dayStart(a), 450))", changed) == 450
