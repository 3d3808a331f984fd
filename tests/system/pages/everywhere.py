"""Every page there is, for the tests that look at all of them. A new page needs a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Where a page stands, and what is in sight once it is filled.
PAGES: dict[str, str] = {
    "/": "tbody tr .badge",
    "/units/mn-01": ".badge",
    "/units/mn-01/inputs": "form",
    "/wall": ".badge",
    "/alerts": ".alert-row",
    "/alerts/1": ".one-around .trend .line[d^=M]",
}
# The page of inputs asks now and then; all others hear a frame a second.
STREAMED = tuple(path for path in PAGES if not path.endswith("/inputs"))
LANGUAGES = ("en", "fa")
THEMES = ("light", "dark", "contrast")


def name_of(path: str) -> str:
    """Name a page as the screenshots do."""
    return path.strip("/").replace("/", "-") or "fleet"


def filled(page: Page, path: str) -> Page:
    """Wait until the page has what it shows."""
    expect(page.locator(PAGES[path]).first).to_be_attached()
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page
