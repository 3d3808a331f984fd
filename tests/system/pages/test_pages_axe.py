"""What a machine can tell of accessibility: axe finds nothing on any page, in either language, in any theme."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from tests.system.pages.alerts_fake import closed, raise_alert
from tests.system.pages.everywhere import LANGUAGES, PAGES, STREAMED, THEMES, filled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


@cache
def axe() -> str:
    return Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    page.evaluate(axe())
    found: list[dict[str, Any]] = page.evaluate("axe.run(document).then((told) => told.violations)")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(visit: Visit, fake: FakeService, path: str, language: str) -> None:
    raise_alert(fake, "bx-01", "comms_loss", "high")
    fake.alerts[1] |= {"state": "ACKED", "acknowledged_by": "a.karimi", "acknowledged_at": fake.alerts[1]["raised_at"]}
    page = filled(visit(path, language=language), path)
    for theme in THEMES:
        # As the switch does it.
        page.evaluate(
            "(theme) => { document.documentElement.dataset.themeChoice = theme;"
            " document.documentElement.dispatchEvent(new Event('themechoice')); }",
            theme,
        )
        assert violations(page) == [], theme


@pytest.mark.parametrize("path", STREAMED)
def test_axe_finds_nothing_on_a_phone_whose_link_is_lost(visit: Visit, fake: FakeService, path: str) -> None:
    page = filled(visit(path, size=(360, 740), language="fa"), path)
    fake.stalled = True
    expect(page.locator("#outage")).to_be_visible(timeout=10_000)
    assert violations(page) == []


def test_axe_finds_nothing_in_what_opens(visit: Visit, fake: FakeService) -> None:
    closed(fake, 3)
    page = filled(visit("/alerts"), "/alerts")
    page.get_by_role("button", name="Show closed alerts").click()
    expect(page.locator("#closed .alert-row").first).to_be_visible()
    page.locator(".alert-row[data-id='1']").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    page = filled(visit("/alerts/1"), "/alerts/1")
    page.get_by_text("Shelve this alert").click()
    assert violations(page) == []
