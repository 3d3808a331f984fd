"""English and Persian complete, both directions, every theme."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from orewatch.plant.catalogue import catalogue
from orewatch.plant.states import REASONS, STATES

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

STRINGS = Path(__file__).parents[3] / "api" / "pages" / "static" / "strings"


def test_both_languages_have_every_string(visit: Visit) -> None:
    page = visit("/")
    names = sorted(path.name.removesuffix(".en.js").removesuffix("en.js") for path in STRINGS.glob("*en.js"))
    strings = page.evaluate(
        """async (names) => {
          const all = { en: {}, fa: {} };
          for (const name of names) for (const language of ["en", "fa"]) {
            const file = await import(`/static/strings/${name ? `${name}.` : ""}${language}.js`);
            for (const [key, text] of Object.entries(file.strings)) all[language][`${name}/${key}`] = text;
          }
          return all;
        }""",
        names,
    )
    persian = {key for key in strings["fa"] if not key.startswith("/place.")}
    assert persian == set(strings["en"])
    keys = [key.partition("/")[2] for key in strings["en"]]
    assert sorted(key for key in set(keys) if keys.count(key) > 1) == []
    holes = re.compile(r"\{(\w+)\}")
    for key in persian:
        assert set(holes.findall(strings["fa"][key])) == set(holes.findall(strings["en"][key])), key
    table = catalogue()
    wanted = {f"signal.{name}" for one in table.classes.values() for name in one.signals}
    wanted |= {f"ucum.{s.unit}" for one in table.classes.values() for s in one.signals.values() if s.unit != "1"}
    wanted |= {f"state.{state}" for state in STATES} | {f"reason.{reason}" for reason in REASONS}
    wanted |= {f"mineral.{one.mineral}" for one in table.circuits.values()}
    assert wanted - set(keys) == set()


def test_persian_has_its_direction_digits_and_calendar(visit: Visit, fake: FakeService) -> None:
    fake.skew_ms = 1_795_433_400_000 - (fake.now_ms() - fake.skew_ms)  # 2026-11-23T11:30Z, 15:00 in Tehran
    page = visit("/units/pb-01", language="fa")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".tile .bar[data-trust=good]")).to_have_count(21)
    expect(page.locator(".masthead .date")).to_have_text("دوشنبه ۲ آذر ۱۴۰۵")
    expect(page.locator(".masthead time")).to_contain_text("۱۵:۰۰")  # noqa: RUF001 - Persian digits
    text = page.locator("main").inner_text()
    names = re.compile(r"pb-01|MPU-6|N-2|m³/h|m/s²|\bpH\b")
    assert re.findall(r"[0-9]", names.sub("", text)) == []
    latin = set(re.findall(r"[A-Za-z]{3,}", names.sub("", text)))
    assert latin <= {"kPa", "kWh"}, latin


def test_the_language_switch_is_kept(visit: Visit) -> None:
    page = visit("/")
    expect(page.locator("h1")).to_contain_text("need attention")
    page.get_by_role("button", name=re.compile("Switch to Persian")).click()
    expect(page.locator("html")).to_have_attribute("lang", "fa")
    expect(page.locator("h1")).to_contain_text("رسیدگی")
    page.locator("tr[data-unit=mn-01] a.name").click()
    expect(page.locator("html")).to_have_attribute("lang", "fa")
    expect(page.locator(".big-badge")).to_have_text("بی‌کار")


def test_the_theme_follows_the_system_until_chosen(visit: Visit) -> None:
    page = visit("/", theme="auto", color_scheme="dark")
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-theme", "light")
    switch = page.get_by_role("button", name=re.compile("Colours"))
    switch.click()
    switch.click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.goto(page.url.split("?")[0])
    expect(html).to_have_attribute("data-theme", "dark")


def test_contrast_is_enough_in_every_theme(visit: Visit) -> None:
    for theme in ("light", "dark", "contrast"):
        page = visit("/units/mn-01", theme=theme)
        expect(page.locator(".tile .bar[data-trust=good]").first).to_be_visible()
        expect(page.locator(".alert").first).to_be_visible()
        poor = page.evaluate(Path(__file__).with_name("contrast.js").read_text(encoding="utf-8"))
        assert poor == [], theme
