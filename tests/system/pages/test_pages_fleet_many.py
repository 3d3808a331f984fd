"""A national fleet: groups, filters in the address, the map, tables to take away, thousands of units."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.system.pages.conftest import picture
from tests.system.pages.fleet_fake import spread
from tests.system.pages.plant import HOUR_MS, UNITS, Told

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

SIZES = {"phone-360": (360, 740), "phone": (390, 844), "desktop": (1440, 900), "wall": (3840, 2160)}
DAY_S = 86_400
ROWS = "tbody tr[data-unit]"


def test_510_units_are_grouped_with_trouble_first_and_open_on_request(visit: Visit, fake: FakeService) -> None:
    spread(fake, 510)
    page = visit("/?group=province")
    groups = page.locator("tr.group")
    expect(groups).to_have_count(14)
    expect(page.locator(ROWS)).to_have_count(0)
    ranks = [group.get_attribute("data-tone") for group in groups.all()]
    order = ("critical", "unknown", "attention", "calm")
    assert [order.index(tone or "") for tone in ranks] == sorted(order.index(tone or "") for tone in ranks)
    first = groups.first
    expect(first.locator(".group-line")).to_contain_text(re.compile(r"[\d.,]+ of [\d.,]+ t/h \d+ %"))
    expect(first.locator(".group-line")).to_contain_text(re.compile(r"today [\d,]+ t, month [\d,]+ t"))
    shown = sum(int(n) for n in first.locator(".state-count b").all_inner_texts())
    name = first.locator(".group-name")
    expect(name).to_have_attribute("aria-expanded", "false")
    name.press("Enter")
    expect(name).to_have_attribute("aria-expanded", "true")
    expect(page.locator(ROWS)).to_have_count(shown)
    expect(page.locator(ROWS).first).to_have_attribute("data-tone", "critical")
    name.press("Enter")
    expect(page.locator(ROWS)).to_have_count(0)


def test_a_small_fleet_has_its_groups_open(visit: Visit) -> None:
    page = visit("/?group=mineral")
    expect(page.locator("tr.group")).to_have_count(4)
    expect(page.locator(ROWS)).to_have_count(4)
    expect(page.locator("tr.group").first).to_contain_text("Manganese")
    page.get_by_label("Group by").select_option("")
    expect(page.locator("tr.group")).to_have_count(0)
    assert "group=" not in page.url


def test_filters_and_the_view_are_in_the_address(visit: Visit) -> None:
    page = visit("/")
    expect(page.locator(ROWS)).to_have_count(4)
    page.get_by_label("Province", exact=True).select_option("Zanjan")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("h1")).to_have_text("1 of 1 units needs attention")
    page.get_by_label("Mineral").select_option(label="Zinc (1)")
    page.locator("#filter").fill("mpu-8")
    page.get_by_role("button", name="Map").click()
    for part in ("province=Zanjan", "mineral=zinc", "q=mpu-8", "view=map"):
        assert part in page.url
    page.reload()
    expect(page.get_by_label("Province", exact=True)).to_have_value("Zanjan")
    expect(page.locator("#filter")).to_have_value("mpu-8")
    expect(page.locator("#map")).to_be_visible()
    page.get_by_role("button", name="List").click()
    expect(page.locator(ROWS)).to_have_count(1)
    page.locator("#filter").fill("gold")
    page.get_by_role("button", name="Clear filter").click()
    expect(page.locator(ROWS)).to_have_count(4)
    expect(page.get_by_label("Province", exact=True)).to_have_value("")


@pytest.mark.parametrize("query", ["state=SLEEPING", "group=owner", "view=globe", "province=%3Cscript%3E", "q=%00"])
def test_an_address_that_says_nonsense_does_no_harm(visit: Visit, query: str) -> None:
    page = visit(f"/?{query}")
    expect(page.locator("#list")).to_be_visible()
    expect(page.locator("h1")).to_contain_text(re.compile("attention|No unit"))


def test_the_tables_to_take_away_carry_the_filter(visit: Visit) -> None:
    page = visit("/?province=Qom&q=mn&state=IDLE&group=site", language="fa")
    for kind in ("csv", "xlsx"):
        link = page.locator(f"a[href^='/api/v1/fleet.{kind}']")
        expect(link).to_be_visible()
        query = (link.get_attribute("href") or "").partition("?")[2]
        assert set(query.split("&")) == {"province=Qom", "q=mn", "state=IDLE", "lang=fa"}
        assert link.get_attribute("download") is not None


def test_days_without_a_tonne_and_hours_without_word(visit: Visit, fake: FakeService) -> None:
    now_s = fake.now_ms() // 1000
    fake.fleet_extra = {
        "mn-01": {"last_tonne_s": now_s - 23 * DAY_S - 60},
        "zn-01": {"last_tonne_s": now_s - DAY_S - 60, "unknown_h": 2.5},
        "pb-01": {"last_tonne_s": None, "tonnes_month": None, "throughput_tph": None},
    }
    page = visit("/")
    expect(page.locator("tr[data-unit=mn-01] .last-tonne")).to_contain_text("23 days")
    expect(page.locator("tr[data-unit=zn-01] .last-tonne")).to_contain_text("1 day")
    expect(page.locator("tr[data-unit=zn-01] .seen")).to_contain_text("unknown 2.5 h")
    expect(page.locator("tr[data-unit=zn-01] .month")).to_have_text("month 740.4 t")
    lead = page.locator("tr[data-unit=pb-01]")
    expect(lead.locator(".last-tonne")).to_contain_text("never")
    expect(lead.locator(".month")).to_have_text("month \u2013 t")
    expect(lead.locator(".rate .big")).to_have_text("\u2013")
    expect(page.locator("#figures")).to_contain_text("Tonnes in Azar")


def test_a_stop_with_a_reason_is_shown_by_it_and_is_not_calm(visit: Visit, fake: FakeService) -> None:
    fake.told["bx-01"] = Told("PLANNED_STOP", "coded", 600_000, 0.0, 171.4)
    fake.told["pb-01"] = Told("PLANNED_STOP", "planned", 600_000, 0.0, 31.9)
    fake.fleet_extra = {"bx-01": {"code": "no_diesel_at_all"}}
    page = visit("/")
    expect(page.locator("h1")).to_have_text("3 of 4 units need attention")
    row = page.locator("tr[data-unit=bx-01]")
    expect(row).to_have_attribute("data-tone", "attention")
    expect(row.locator(".badge")).to_have_text("no diesel at all")
    expect(page.locator("tr[data-unit=pb-01]")).to_have_attribute("data-tone", "calm")


def test_frames_that_were_missed_bring_the_table_again(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    expect(page.locator(".lamp")).to_have_text("Live")
    page.wait_for_timeout(3200)
    before = fake.tables
    fake.fleet_gap = True
    page.wait_for_timeout(1500)
    assert fake.tables == before + 1
    fake.told["pb-01"] = Told("BREAKDOWN", "tripped", 1000, 0.0, 31.9)
    expect(page.locator("tr[data-unit=pb-01] .badge")).to_have_text("Breakdown")
    page.wait_for_timeout(1000)
    assert fake.tables == before + 1


def test_a_stalled_fleet_is_said_and_heals_with_what_happened_meanwhile(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    expect(page.locator(".lamp")).to_have_text("Live")
    fake.stalled = True
    expect(page.locator("body")).to_have_attribute("data-link", "lost", timeout=15_000)
    expect(page.locator("#outage")).to_be_visible()
    fake.told["bx-01"] = Told("BREAKDOWN", "tripped", 30_000, 0.0, 171.4, alerts=1)
    fake.stalled = False
    expect(page.locator(".lamp")).to_have_text("Live", timeout=25_000)
    expect(page.locator("tbody tr").first).to_have_attribute("data-unit", "bx-01")


def test_5000_units_are_drawn_as_far_as_they_are_looked_at(visit: Visit, fake: FakeService) -> None:
    spread(fake, 5000)
    fake.period_s = 1.0
    page = visit("/")
    expect(page.locator(ROWS)).to_have_count(60, timeout=20_000)
    expect(page.locator("h1")).to_contain_text("of 5,000 units need attention")
    page.get_by_role("button", name=re.compile("Show more")).scroll_into_view_if_needed()
    expect(page.locator(ROWS)).to_have_count(120)
    page.locator("#filter").fill("kerman zinc")
    expect(page.locator("h1")).not_to_contain_text("5,000")
    assert page.locator(ROWS).count() <= 60


def test_marks_lie_where_the_units_are(visit: Visit, fake: FakeService) -> None:
    at = {"pb-01": (33.57, 53.85), "zn-01": (36.62, 47.41), "mn-01": (36.63, 47.42), "bx-01": (None, None)}
    fake.units = {u: replace(UNITS[u], latitude=lat, longitude=lon) for u, (lat, lon) in at.items()}
    page = visit("/?view=map")
    marks = page.locator(".mark")
    expect(marks).to_have_count(2)
    both = page.get_by_role("button", name=re.compile("^2 units"))
    expect(both).to_have_attribute("aria-label", re.compile("Idle 1.*Underperforming 1"))
    expect(both).to_have_attribute("data-state", "IDLE")
    single = page.get_by_role("button", name=re.compile("^pb-01, Isfahan"))
    there, here = both.bounding_box(), single.bounding_box()
    assert there
    assert here
    assert there["x"] < here["x"], "Zanjan lies west of Nakhlak"
    assert there["y"] < here["y"], "and north"
    shapes = {mark.locator(".shape").get_attribute("d") for mark in (both, single)}
    assert len(shapes) == 2, "shape goes with colour"
    expect(page.locator(".lost")).to_contain_text("1 units")
    # By keyboard: to the mark, into its list, on to the unit.
    both.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary")
    expect(panel.locator("h2")).to_be_focused()
    expect(panel.locator("li")).to_have_count(2)
    expect(panel.locator("li").first).to_contain_text("mn-01")
    page.get_by_role("button", name="Zoom in here").click()
    expect(page.get_by_role("button", name="Farther")).to_be_enabled()
    panel.get_by_role("link", name="mn-01").press("Enter")
    expect(page).to_have_url(re.compile("/units/mn-01$"))


def test_a_mark_follows_its_units(visit: Visit, fake: FakeService) -> None:
    fake.units["pb-01"] = replace(UNITS["pb-01"], latitude=33.57, longitude=53.85)
    page = visit("/?view=map")
    mark = page.locator(".mark")
    expect(mark).to_have_attribute("data-state", "RUNNING")
    fake.told["pb-01"] = Told("BREAKDOWN", "tripped", 1000, 0.0, 31.9)
    expect(mark).to_have_attribute("data-state", "BREAKDOWN")
    page.locator(".chip", has_text="Running").click()
    expect(mark).to_have_count(0)


def test_a_mark_leads_to_the_list_of_its_province(visit: Visit, fake: FakeService) -> None:
    spread(fake, 510)
    page = visit("/?view=map")
    page.get_by_role("button", name=re.compile("Fars")).first.click()
    page.get_by_role("button", name="Fars as a list").click()
    expect(page.locator("#list")).to_be_visible()
    assert "province=Fars" in page.url
    expect(page.locator(ROWS).first).to_contain_text("Fars")


def test_markup_stays_text_everywhere(visit: Visit, fake: FakeService) -> None:
    evil = "<img src=x onerror=alert(1)>"
    fake.units["mn-01"] = replace(UNITS["mn-01"], site=evil, province=evil, latitude=33.0, longitude=53.0)
    fake.fleet_extra = {"mn-01": {"code": evil}}
    for path in ("/", "/?group=province", "/?view=map"):
        page = visit(path)
        expect(page.get_by_label("Province", exact=True).locator("option", has_text="<img")).to_have_count(1)
        if "map" in path:
            page.locator(".mark").click()
            expect(page.get_by_role("complementary")).to_contain_text(evil)
        else:
            expect(page.locator("tr[data-unit=mn-01]")).to_contain_text(evil)
        assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("name", "language", "theme"),
    [
        ("phone-360", "fa", "light"),
        ("phone", "en", "dark"),
        ("desktop", "en", "light"),
        ("desktop", "fa", "dark"),
        ("wall", "en", "dark"),
    ],
)
@pytest.mark.parametrize("view", ["group=province", "view=map", "group=mineral&province=Fars", ""])
def test_a_national_fleet_fits_every_size(
    visit: Visit, fake: FakeService, view: str, name: str, language: str, theme: str
) -> None:
    spread(fake, 510)
    for told in fake.told.values():
        told.silent_ms = min(told.silent_ms, 8 * HOUR_MS)
    page = visit(f"/?{view}", size=SIZES[name], language=language, theme=theme)
    expect(page.locator(".mark, tr.group, .badge").first).to_be_visible()
    if "map" in view:
        page.locator(".mark").last.click()
        expect(page.locator(".held li").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    part = view.replace("=", "-").replace("&", "-") or "list"
    picture(page, f"fleet-510-{part}-{name}-{language}-{theme}")
