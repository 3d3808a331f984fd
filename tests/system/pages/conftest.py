"""Real Chromium on the pages, before a small service that speaks the contract."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.servers import program
from tests.system.pages.server import FakeService, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTEFACTS = Path(os.environ.get("OREWATCH_ARTEFACTS", Path(__file__).parents[3] / "artefacts"))
# A refused or unreachable question is what some tests are about, and the browser logs each.
EXPECTED = ("Failed to load resource", "net::ERR_", "Service Worker registration blocked")


class Visit(Protocol):
    def __call__(
        self,
        path: str,
        *,
        size: tuple[int, int] = (1440, 900),
        language: str = "en",
        theme: str = "light",
        **context: object,
    ) -> Page: ...


def picture(of: Page | Locator, name: str, **options: bool) -> None:
    """Keep a picture for people to look at. Not where nobody looks: drawing a wall costs more than its tests."""
    if "OREWATCH_CI" not in os.environ:
        ARTEFACTS.mkdir(exist_ok=True)
        of.screenshot(path=ARTEFACTS / f"{name}.png", **options)  # type: ignore[arg-type]


# Per module: the driver's event loop must not outlive the pages' tests, for others run loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=10_000)  # a shared machine may pause
    chromium = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[FakeService, str]]:
    fake = FakeService()
    with serving(fake) as address:
        yield fake, address


@pytest.fixture
def fake(service: tuple[FakeService, str]) -> FakeService:
    service[0].reset()
    service[0].period_s = 0.25
    return service[0]


@pytest.fixture
def visit(browser: Browser, service: tuple[FakeService, str], fake: FakeService) -> Iterator[Visit]:
    """Open a page in a fresh profile; whatever it complains about fails the test."""
    complaints: list[str] = []
    contexts = []
    assert fake is service[0]

    def go(
        path: str,
        *,
        size: tuple[int, int] = (1440, 900),
        language: str = "en",
        theme: str = "light",
        **options: object,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            **{"reduced_motion": "reduce", "service_workers": "block", **options},  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
        mark = "&" if "?" in path else "?"
        page.goto(f"{service[1]}{path}{mark}lang={language}&theme={theme}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert [c for c in complaints if not any(known in c for known in EXPECTED)] == []
