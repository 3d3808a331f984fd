"""Installable: the manifest, the icons, and the shell that stands while the link is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

READY = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  return active.state === "activated" && !!navigator.serviceWorker.controller;
}"""
KEPT = """async () => {
  const names = await caches.keys();
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return [names, requests.flat().map((request) => new URL(request.url).pathname)];
}"""


def settled(visit: Visit, path: str) -> Page:
    page = visit(path, service_workers="allow")
    page.wait_for_function(READY, timeout=20_000)
    return page


@pytest.mark.parametrize(("language", "name", "direction"), [("en", "orewatch", "ltr"), ("fa", "اورواچ", "rtl")])
def test_the_manifest_speaks_the_language_and_its_icons_are_there(
    visit: Visit, language: str, name: str, direction: str
) -> None:
    page = visit("/", language=language)
    manifest = page.evaluate("fetch(document.querySelector('link[rel=manifest]').href).then((r) => r.json())")
    assert (manifest["name"], manifest["lang"], manifest["dir"]) == (name, language, direction)
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "/", "/")
    for icon in manifest["icons"]:
        size = page.evaluate(
            "async (src) => { const i = new Image(); i.src = src; await i.decode(); return i.naturalWidth; }",
            f"/static/{icon['src']}",
        )
        assert icon["sizes"] in {"any", f"{size}x{size}"}
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}


def test_the_bar_of_the_phone_follows_the_theme(visit: Visit) -> None:
    page = visit("/", theme="dark")
    expect(page.locator("meta[name=theme-color]")).to_have_attribute("content", "#151a1d")


@pytest.mark.parametrize(
    ("path", "sign"), [("/", ".masthead"), ("/units/mn-01", "#note"), ("/alerts", "h1"), ("/alerts/1", "#note")]
)
def test_offline_the_shell_stands_says_so_and_heals(visit: Visit, path: str, sign: str) -> None:
    page = settled(visit, path)
    names, kept = page.evaluate(KEPT)
    assert len(names) == 1
    assert not [one for one in kept if one.startswith("/api/")]
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(".masthead nav a")).to_have_count(3)
    expect(page.locator(sign).first).to_be_visible()
    expect(page.locator("#outage")).to_be_visible(timeout=10_000)
    expect(page.locator("#outage")).to_contain_text("last known state")
    page.context.set_offline(False)
    expect(page.locator(".lamp")).to_have_text("Live", timeout=25_000)
    expect(page.locator("#outage")).to_be_hidden()
    expect(page.locator("body")).to_contain_text("Idle" if path == "/" else "mn-01", timeout=15_000)


def test_a_page_never_visited_stands_too_and_the_api_is_never_kept(visit: Visit) -> None:
    page = settled(visit, "/")
    page.context.set_offline(True)
    page.goto(page.url.split("?")[0] + "units/bx-01")
    expect(page.locator(".crumb")).to_have_text("bx-01")
    answer = page.evaluate("fetch('/api/v1/units').then(() => 'answered', () => 'failed')")
    assert answer == "failed"


def test_a_gateway_that_answers_for_a_service_that_is_away_does_not_hide_the_shell(
    visit: Visit, fake: FakeService
) -> None:
    page = settled(visit, "/")
    fake.away = True
    page.reload()
    expect(page.locator(".masthead nav a")).to_have_count(3)
    fake.away = False


def test_a_new_version_takes_over_and_the_old_one_is_forgotten(visit: Visit) -> None:
    page = settled(visit, "/")
    page.evaluate("caches.open('orewatch-of-yesterday')")
    page.evaluate("navigator.serviceWorker.ready.then((r) => r.unregister())")
    page.reload()
    page.wait_for_function(READY, timeout=20_000)
    page.wait_for_function("caches.keys().then((names) => names.length === 1)")
    assert page.evaluate("caches.keys()") != ["orewatch-of-yesterday"]
