"""How the tests tap reasons of stops, and see what still waits to be sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('orewatch.outbox.')).length"


def named(page: Page, name: str = "A. Karimi") -> None:
    page.evaluate("name => localStorage.setItem('orewatch.name', name)", name)


def emptied(page: Page) -> None:
    end = time.monotonic() + 30
    while page.evaluate(KEPT):
        assert time.monotonic() < end, page.evaluate("JSON.stringify(localStorage)")
        time.sleep(0.1)


def tap(page: Page, title: str) -> None:
    page.locator(".stop-reason", has_text=title).click()
