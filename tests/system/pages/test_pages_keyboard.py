"""Every page by keyboard alone: all of it is reached, in the order it is read, in sight, and nobody is trapped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.system.pages.everywhere import LANGUAGES, PAGES, filled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

MOST = 400
# Where the focus is, whether it can be seen, and whether it lies within the window and under nothing.
WHERE = """(step) => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const again = node.dataset.walked !== undefined && step > 0;
  node.dataset.walked ??= step;
  const box = node.getBoundingClientRect();
  const style = getComputedStyle(node);
  const x = Math.min(Math.max(box.left + Math.min(box.width, 40) / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.top + Math.min(box.height, 40) / 2, 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  return {
    again,
    name: `${node.tagName}.${node.className?.baseVal ?? node.className} ${node.textContent.slice(0, 20)}`,
    ring: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none",
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    free: !top?.closest("#masthead, #bar") || Boolean(node.closest("#masthead, #bar, .skip")),
  };
}"""
# At which step each thing that takes the focus had it, in the order of the document; null: never.
WALKED = """() => {
  const takes = "a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex='0']";
  const all = [...document.querySelectorAll(takes)].filter((n) => n.tabIndex >= 0 && n.checkVisibility());
  return all.map((n) => n.dataset.walked === undefined ? n.outerHTML.slice(0, 200) : Number(n.dataset.walked));
}"""
FORGET = "document.querySelectorAll('[data-walked]').forEach((node) => { delete node.dataset.walked; })"


def walk(page: Page, key: str = "Tab") -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for step in range(MOST):
        page.keyboard.press(key)
        at = page.evaluate(WHERE, step)
        if at is None or at["again"]:
            return steps
        steps.append(at)
    raise AssertionError(f"no end after {MOST} steps: a trap around {steps[-1]}")


@pytest.mark.parametrize(("language", "size"), [("en", (1440, 900)), ("fa", (360, 740))])
@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_everything_in_order_and_in_sight(
    visit: Visit, fake: FakeService, path: str, language: str, size: tuple[int, int]
) -> None:
    page = filled(visit(path, language=language, size=size), path)
    page.wait_for_timeout(500)
    fake.period_s = 2.5  # the rows shall not change places under the walk
    steps = walk(page)
    walked = page.evaluate(WALKED)
    assert [one for one in walked if isinstance(one, str)] == []
    assert walked == sorted(walked)
    assert [step["name"] for step in steps if not step["ring"]] == []
    assert [step["name"] for step in steps if not step["inside"]] == []
    assert [step["name"] for step in steps if not step["free"]] == []
    page.evaluate(FORGET)
    back = walk(page, "Shift+Tab")
    assert len(back) >= len(steps)
    assert [step["name"] for step in back if not step["free"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_the_skip_link_skips(visit: Visit, path: str, language: str) -> None:
    page = filled(visit(path, language=language), path)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("path", PAGES)
def test_the_page_says_where_one_is(visit: Visit, path: str) -> None:
    page = filled(visit(path), path)
    section = "Alerts" if path.startswith("/alerts") else "Wall" if path == "/wall" else "Fleet"
    current = page.get_by_role("navigation", name="Pages").locator("[aria-current]")
    expect(current).to_have_count(1)
    expect(current).to_contain_text(section)
    expect(current).to_have_attribute("aria-current", "page" if path in {"/", "/alerts", "/wall"} else "true")
    expect(page.locator("h1")).to_have_count(1)


def test_enter_and_space_act(visit: Visit, fake: FakeService) -> None:
    page = filled(visit("/alerts"), "/alerts")
    page.evaluate("localStorage.setItem('orewatch.name', 'a.karimi')")
    button = page.locator(".alert-row[data-id='1']").get_by_role("button")
    button.focus()
    page.keyboard.press("Space")
    expect(page.locator(".alert-row[data-id='1'] .pill")).to_have_text("acknowledged")
    # The button is gone: the focus stays with the alert rather than falling to the page's top.
    expect(page.locator(".alert-row[data-id='1'] .name")).to_be_focused()
    assert fake.alerts[0]["state"] == "ACKED"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/alerts/1$"))
    filled(page, "/alerts/1")
    summary = page.get_by_text("Shelve this alert")
    summary.focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("Why")).to_be_visible()
    theme = page.get_by_role("button", name=re.compile("Colours"))
    theme.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")


def test_the_dialog_holds_the_focus_and_gives_it_back(visit: Visit) -> None:
    page = filled(visit("/alerts"), "/alerts")
    button = page.locator(".alert-row[data-id='1']").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Your name")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


@pytest.mark.parametrize("path", PAGES)
def test_high_contrast_by_the_system_and_forced_colours(visit: Visit, path: str) -> None:
    page = filled(visit(path, theme="auto", contrast="more"), path)
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    page.emulate_media(contrast="no-preference")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.emulate_media(forced_colors="active")
    current = page.locator(".sections [aria-current]")
    assert current.evaluate("(node) => getComputedStyle(node).outlineStyle") == "solid"
    assert page.locator("body").evaluate("(node) => getComputedStyle(node).color") == "rgb(0, 0, 0)"
