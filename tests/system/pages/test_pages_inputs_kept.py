"""What stands on the page of inputs: corrections, withdrawals, plans, what waits; and how it looks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.system.pages.conftest import picture
from tests.system.pages.inputs_page import DAY_MS, at_noon, done, field, opened, put, rows, save
from tests.system.pages.plant import HOUR_MS

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def test_a_correction_keeps_what_was_there_and_a_withdrawal_says_why(visit: Visit, fake: FakeService) -> None:
    fake.inputs.say("mn-01", "ore", ore="VN-old", moisture_pct=5.0, from_ms=fake.now_ms() - HOUR_MS - 7_123)
    page = opened(visit, "ore")
    rows(page).get_by_role("button", name="Correct").click()
    expect(field(page, "ore").locator("input")).to_have_value("VN-old")
    put(page, ore="VN-new")
    save(page)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("VN-new")
    expect(rows(page).locator(".replaced")).to_contain_text("moisture 5 %")
    [entry] = fake.inputs.entries("mn-01", "ore")
    assert entry.corrects == 1
    assert entry.from_ms % 60_000  # a time that nobody touched keeps its seconds
    rows(page).get_by_text("History").click()
    expect(rows(page).locator(".trail li")).to_have_count(2)
    expect(rows(page).locator(".trail li").last).to_contain_text(re.compile("^Entered .B.,"))
    rows(page).get_by_role("button", name="Withdraw").click()
    page.keyboard.press("Enter")
    expect(rows(page)).to_contain_text("Please say why.")
    rows(page).get_by_label("Why is it withdrawn?").fill("wrong <b>unit</b>")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_attribute("data-gone", "")
    expect(rows(page)).to_contain_text("wrong <b>unit</b>")
    expect(page.locator("#tab-ore")).to_contain_text("nothing entered")
    assert fake.inputs.entries("mn-01", "ore") == []


def test_an_entry_that_was_replaced_meanwhile_says_so(visit: Visit, fake: FakeService) -> None:
    at = fake.now_ms() - HOUR_MS
    fake.inputs.say("mn-01", "targets", tph=12.0, ore=None, from_ms=at)
    page = opened(visit, "targets")
    rows(page).get_by_role("button", name="Correct").click()
    fake.inputs.say("mn-01", "targets", tph=11.0, ore=None, from_ms=at, corrects=1)
    put(page, tph="10")
    save(page)
    expect(page.locator("[role=tabpanel]:visible form .fault").first).to_contain_text("replaced or withdrawn meanwhile")


def test_shifts_are_planned_for_the_week(visit: Visit, fake: FakeService) -> None:
    at_noon(fake)
    page = opened(visit, "plans", language="fa")
    expect(page.locator(".plan-day")).to_have_count(7)
    expect(page.locator(".plan-day h3").first).to_have_text("دوشنبه ۲ آذر ۱۴۰۵")
    cells = page.locator(".plan-day input")
    expect(cells).to_have_count(14)
    cells.nth(0).fill("۱۲۰")
    cells.nth(3).fill("۰")  # noqa: RUF001 - Persian digits
    cells.nth(4).fill("99999")
    save(page)
    expect(page.locator(".plan-day .field-fault:visible")).to_contain_text("بیش از توان نوار")
    expect(cells.nth(4)).to_be_focused()
    cells.nth(4).fill("")
    save(page)
    assert {(e.own["day"], e.own["shift"], e.own["tonnes"]) for e in fake.inputs.entries("mn-01", "plans")} == {
        ("2026-11-23", 1, 120),
        ("2026-11-24", 2, 0),
    }
    expect(page.locator("#tab-plans")).to_contain_text("۱۲۰ تن")
    cells.nth(0).fill("۱۳۰")
    save(page)
    expect(page.locator("#tab-plans")).to_contain_text("۱۳۰ تن")
    expect(rows(page).filter(has_text="۱۳۰ تن").locator(".replaced")).to_contain_text("۱۲۰ تن")
    expect(page.locator(".outbox")).to_be_hidden()


def test_what_is_entered_offline_waits_and_is_sent(visit: Visit, fake: FakeService) -> None:
    page = opened(visit, "ore")
    page.context.set_offline(True)
    put(page, ore="VN", moisture_pct="6")
    save(page)
    expect(done(page)).to_contain_text("Kept in this browser.")
    expect(page.locator(".outbox")).to_contain_text("moisture 6 %")
    page.context.set_offline(False)
    expect(page.locator(".outbox")).to_be_hidden(timeout=20_000)
    expect(rows(page)).to_contain_text("moisture 6 %")
    assert len(fake.inputs.posts) == 1


def test_a_unit_never_seen_says_so(visit: Visit) -> None:
    page = visit("/units/xx-99/inputs")
    expect(page.get_by_text("There is no unit of this name.")).to_be_visible()
    page.get_by_role("link", name="Back to the fleet").click()
    expect(page.locator("h1")).to_contain_text("units")


def test_a_page_opened_while_the_service_starts_fills_itself(visit: Visit, fake: FakeService) -> None:
    fake.refusing = True
    page = visit("/units/mn-01/inputs")
    expect(page.get_by_text("The service does not answer yet.")).to_be_visible()
    fake.refusing = False
    expect(page.locator(".kind")).to_have_count(6, timeout=15_000)
    expect(page.locator("#note")).to_be_hidden()


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_keyboard_alone_is_enough(visit: Visit, fake: FakeService, language: str) -> None:
    page = visit("/units/mn-01/inputs", language=language)
    expect(page.locator(".kind")).to_have_count(6)
    page.locator("#who input").focus()
    page.keyboard.type("K")
    page.keyboard.press("Tab")
    expect(page.locator("#tab-stops")).to_be_focused()
    page.keyboard.press("ArrowLeft" if language == "fa" else "ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#tab-ore")).to_be_focused()
    page.keyboard.press("Tab")  # day
    page.keyboard.press("Tab")  # time
    page.keyboard.press("Tab")
    page.keyboard.type("VN")
    page.keyboard.press("Tab")
    page.keyboard.type("6")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert fake.inputs.entries("mn-01", "ore")[0].own["moisture_pct"] == 6


SIZES = {"phone-360": (360, 740), "desktop": (1440, 900), "wall": (3840, 2160)}


@pytest.mark.parametrize(
    ("name", "language", "theme"),
    [
        ("phone-360", "en", "light"),
        ("phone-360", "fa", "dark"),
        ("desktop", "en", "dark"),
        ("desktop", "fa", "light"),
        ("wall", "fa", "dark"),
    ],
)
def test_every_size_fits(visit: Visit, fake: FakeService, name: str, language: str, theme: str) -> None:
    now = fake.now_ms()
    fake.inputs.say("mn-01", "ore", ore="VN-north", moisture_pct=6.5, from_ms=now - 30 * HOUR_MS, by="a.karimi")
    fake.inputs.say("mn-01", "targets", tph=13.0, ore="VN-north", from_ms=now - 20 * HOUR_MS, by="a.karimi")
    fake.inputs.say("mn-01", "stops", code="road", effect="delay", from_ms=now - 5 * HOUR_MS, to_ms=now - 4 * HOUR_MS)
    fake.inputs.say("mn-01", "stops", code="water", effect="delay", from_ms=now - 2_460_000, by="محمد رضایی")
    fake.inputs.say(
        "mn-01", "stops", code="maintenance", effect="planned", from_ms=now + DAY_MS, to_ms=now + DAY_MS + HOUR_MS
    )
    grades: dict[str, Any] = {"feed": 15.0, "concentrate": 25.5, "tailings": 4.0, "laboratory": "Karaj"}
    fake.inputs.say("mn-01", "assays", from_ms=now - 9 * HOUR_MS, to_ms=now - HOUR_MS, element="Mn", **grades)
    fake.inputs.say("mn-01", "scale-epochs", zero_drift_pct=0.4, span_error_pct=None, from_ms=now - 90 * HOUR_MS)
    for kind in ("stops", "plans", "assays"):
        page = opened(visit, kind, size=SIZES[name], language=language, theme=theme)
        expect(page.locator(".lamp")).to_have_attribute("data-link", "live")
        if kind != "plans":
            expect(rows(page).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        picture(page, f"inputs-{kind}-{name}-{language}-{theme}", full_page=name != "wall")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough(visit: Visit, fake: FakeService, theme: str) -> None:
    fake.inputs.say("mn-01", "ore", ore="VN-north", moisture_pct=6.5, from_ms=fake.now_ms() - 30 * HOUR_MS)
    page = opened(visit, "ore", theme=theme, name="")
    put(page, moisture_pct="1,5")
    save(page)
    expect(rows(page)).to_have_count(1)
    rows(page).get_by_role("button", name="Withdraw").click()
    script = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
    assert page.evaluate(script) == []
