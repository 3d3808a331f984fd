"""The wall: one unit after the other, trouble first; paused, turned by hand, cut and healed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.system.pages.conftest import picture

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

SIZES = {"phone-360": (360, 740), "desktop": (1366, 768), "hall": (3840, 2160)}


def test_units_follow_each_other_trouble_first(visit: Visit) -> None:
    page = visit("/wall?every=5")
    head = page.locator(".head h1")
    expect(head).to_have_text("mn-01")
    expect(page.locator(".big-badge")).to_have_text("Idle")
    expect(page.locator(".turns .place")).to_have_text("1 of 4")
    expect(page.locator(".tile .bar[data-trust=good]").first).to_be_attached()
    expect(page.locator(".wall-alerts li")).to_contain_text("Standing idle")
    expect(page.locator(".segment").last).to_have_attribute("data-state", "IDLE")
    assert 0 < float(page.locator("progress").evaluate("bar => bar.value / bar.max")) <= 1
    expect(head).to_have_text("zn-01")
    expect(page.locator(".big-badge")).to_have_text("Underperforming")
    expect(page.locator(".turns .place")).to_have_text("2 of 4")


def test_keys_pause_and_turn(visit: Visit) -> None:
    page = visit("/wall?every=5")
    head = page.locator(".head h1")
    expect(head).to_have_text("mn-01")
    page.keyboard.press("Space")
    expect(page.locator("body")).to_have_attribute("data-paused", "")
    page.wait_for_timeout(6_000)
    expect(head).to_have_text("mn-01")
    page.keyboard.press("ArrowRight")
    expect(head).to_have_text("zn-01")
    page.keyboard.press("ArrowLeft")
    expect(head).to_have_text("mn-01")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".turns .place")).to_have_text("4 of 4")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("body")).not_to_have_attribute("data-paused", "")
    expect(page.locator(".turns .place")).to_have_text("1 of 4", timeout=15_000)


def test_arrows_go_the_way_of_the_language(visit: Visit) -> None:
    page = visit("/wall?every=600", language="fa")
    expect(page.locator(".head h1")).to_have_text("mn-01")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".head h1")).to_have_text("zn-01")


def test_f_fills_the_screen(visit: Visit) -> None:
    page = visit("/wall")
    expect(page.locator(".head h1")).to_be_visible()
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")


def test_the_address_says_which_units(visit: Visit) -> None:
    page = visit("/wall?units=pb-01,zn-01,xx-99&every=600")
    expect(page.locator(".head h1")).to_have_text("zn-01")
    expect(page.locator(".turns .place")).to_have_text("1 of 2")
    alone = visit("/wall?units=bx-01")
    expect(alone.locator(".head h1")).to_have_text("bx-01")
    expect(alone.locator(".turns")).to_be_hidden()
    nobody = visit("/wall?units=xx-99")
    expect(nobody.get_by_text("No unit matches")).to_be_visible()


def test_the_wall_follows_its_unit_live(visit: Visit, fake: FakeService) -> None:
    page = visit("/wall?units=pb-01")
    expect(page.locator(".big-badge")).to_have_text("Running")
    fake.told["pb-01"].state, fake.told["pb-01"].reason = "BLOCKED", "plugged"
    fake.told["pb-01"].rate = 1.2
    expect(page.locator(".big-badge")).to_have_text("Blocked")
    expect(page.locator(".head .reason")).to_have_text("chute plugged")
    expect(page.locator(".figure").first).to_contain_text("1.2")


def test_a_lost_link_is_loud_and_heals(visit: Visit, fake: FakeService) -> None:
    page = visit("/wall?every=5")
    expect(page.locator(".head h1")).to_have_text("mn-01")
    expect(page.locator(".lamp")).to_have_text("Live")
    fake.stalled = True
    expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=15_000)
    expect(page.locator("#outage")).to_contain_text("Connection lost")
    assert float(page.locator("#outage").evaluate("bar => parseFloat(getComputedStyle(bar).fontSize)")) > 25
    assert "opacity" in page.locator("main").evaluate("main => getComputedStyle(main).filter")
    held = page.locator(".head h1").text_content()
    page.wait_for_timeout(6_000)
    expect(page.locator(".head h1")).to_have_text(held or "")
    fake.stalled = False
    expect(page.locator(".lamp")).to_have_text("Live", timeout=25_000)
    expect(page.locator("#outage")).to_be_hidden()
    expect(page.locator(".head h1")).not_to_have_text(held or "", timeout=15_000)


def test_a_wall_opened_before_its_service_fills_itself(visit: Visit, fake: FakeService) -> None:
    fake.refusing = True
    page = visit("/wall")
    expect(page.get_by_text("The service does not answer yet.")).to_be_visible()
    fake.refusing = False
    expect(page.locator(".head h1")).to_have_text("mn-01", timeout=15_000)


@pytest.mark.parametrize("name", sorted(SIZES))
@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fa", "light")])
def test_the_wall_fits_its_screen(visit: Visit, name: str, language: str, theme: str) -> None:
    page = visit("/wall?units=zn-01,pb-01", size=SIZES[name], language=language, theme=theme)
    expect(page.locator(".segment").last).to_be_attached()
    expect(page.locator(".wall-alerts li").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if name != "phone-360":
        assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
        # Readable across a hall: the state is at least a fourteenth of the screen high.
        high = page.locator(".big-badge").evaluate("badge => badge.getBoundingClientRect().height / innerHeight")
        assert high > 1 / 14
    text = page.locator("main").inner_text()
    if language == "fa":
        assert re.findall(r"[0-9]", re.sub(r"zn-01|MPU-8|N-2|m³/h|m/s²", "", text)) == []
    picture(page, f"wall-{name}-{language}-{theme}")
