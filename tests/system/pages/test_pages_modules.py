"""The pages' own arithmetic, asked in the browser: levels, spans of gauges, joined trends, merged states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.system.pages.server import FakeService

NONE = dict.fromkeys(("normal_low", "normal_high", "warn", "trip", "warn_low", "trip_low"))
BEARING = {
    **NONE,
    "low": -40,
    "high": 200,
    "resolution": 0.1,
    "normal_low": 40,
    "normal_high": 70,
    "warn": 75,
    "trip": 90,
}
FREQUENCY = {**NONE, "low": 0, "high": 70, "normal_low": 49.5, "normal_high": 50.5, "warn": 51, "warn_low": 49}
FREQUENCY |= {"trip": 52.5, "trip_low": 47.5, "resolution": 0.01}
BARE = {**NONE, "low": 0, "high": 100, "resolution": 0.01}


@pytest.fixture(scope="module")
def page(browser: Browser, service: tuple[FakeService, str]) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{service[1]}/?lang=en")
    yield page
    page.close()


def ask(page: Page, module: str, expression: str, argument: Any = None) -> Any:
    return page.evaluate(
        f"async (a) => {{ const m = await import('/static/{module}.js'); return {expression}; }}", argument
    )


@pytest.mark.parametrize(
    ("signal", "value", "level"),
    [
        (BEARING, 55, "normal"),
        (BEARING, 39.9, "off"),
        (BEARING, 75, "warn"),
        (BEARING, 90, "trip"),
        (FREQUENCY, 48.9, "warn-low"),
        (FREQUENCY, 47.5, "trip-low"),
        (BARE, 99, "normal"),
        (BEARING, None, "normal"),
    ],
)
def test_levels(page: Page, signal: dict[str, Any], value: float | None, level: str) -> None:
    assert ask(page, "reading", "m.levelOf(a[0], a[1])", [signal, value]) == level


def test_a_gauge_shows_the_limits_not_the_sensors_whole_range(page: Page) -> None:
    scale = "new m.Scale(a[0], a[1])"
    assert ask(page, "reading", f"[{scale}.low, {scale}.high]", [BEARING, None]) == [0, 120]
    low, high = ask(page, "reading", f"[{scale}.low, {scale}.high]", [FREQUENCY, None])
    assert 46 < low < 47.5
    assert 52.5 < high < 54
    assert ask(page, "reading", f"[{scale}.low, {scale}.high]", [BARE, 13.5]) == [0, 20]
    kinds = ask(page, "reading", f"{scale}.bands().map((b) => b.kind)", [FREQUENCY, None])
    assert kinds == ["trip", "warn", "off", "normal", "off", "warn", "trip"]


def test_a_scale_without_limits_grows_and_never_shrinks(page: Page) -> None:
    highs = ask(
        page,
        "reading",
        "(() => { const s = new m.Scale(a); return [3, 2, 30, 1].map((v) => (s.admit(v), s.high)); })()",
        BARE,
    )
    assert highs == [5, 5, 50, 50]


def test_a_hole_stays_a_hole(page: Page) -> None:
    points = [[0, 1], [10, 2], [500, 3], [510, None], [520, 4]]
    assert ask(page, "chart", "m.pathOf(a, (x) => x, (y) => y, 60)", points) == "M0.0 1.0L10.0 2.0M500.0 3.0M520.0 4.0"


def test_live_goes_on_where_history_ends(page: Page) -> None:
    joined = ask(
        page,
        "trends",
        "m.joined(a[0], a[1], 10, 60)",
        [[[0, 1], [10, 2], [20, 3]], [[15, 9], [20, 9], [30, 4], [70, 5]]],
    )
    assert joined == [[10, 2], [20, 3], [30, 4]]


def test_the_strip_ends_with_what_is_live(page: Page) -> None:
    day = 86_400_000
    stored = [{"state": "RUNNING", "reason": "producing", "from": 0, "to": day, "provisional": False}]
    now = {"state": "IDLE", "reason": "upstream_stopped", "since": day - 60_000}
    merged = ask(page, "day", "m.merged(a[0], a[1], a[2])", [stored, now, day + 1000])
    assert [(one["state"], one["from"], one["to"]) for one in merged] == [
        ("RUNNING", 1000, day - 60_000),
        ("IDLE", day - 60_000, day + 1000),
    ]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (900, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (7_200_000, "2 h"),
        (7_500_000, "2 h 5 min"),
        (90_000_000, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_spans(page: Page, ms: int, text: str) -> None:
    assert ask(page, "format", "m.span(a)", ms) == text


def test_trouble_comes_first(page: Page) -> None:
    units = [
        ("a", "RUNNING", "producing", 0, 1),
        ("b", "IDLE", "no_load", 0, 9),
        ("c", "IDLE", "no_load", 1, 9),
        ("d", "SOMETHING_NEW", "none", 0, 1),
        ("e", "BREAKDOWN", "tripped", 0, 1),
        ("f", "IDLE", "no_load", 0, 3),
        ("g", "PLANNED_STOP", "planned", 0, 1),
        ("h", "PLANNED_STOP", "coded", 0, 1),  # no ore, no power: it stands, and not by plan
    ]
    order = """(() => {
      const fleet = new m.Fleet();
      const live = { state: [], reason: [], alerts: [], since_s: [] };
      const fixed = { id: [], site: [], province: [], mineral: [], model: [], latitude: [], longitude: [] };
      for (const [place, [id, state, reason, alerts, since]] of a.entries()) {
        fixed.id.push(id);
        for (const name of ["site", "province", "mineral", "model"]) fixed[name].push(0);
        live.state.push(place); live.reason.push(place); live.alerts.push(alerts); live.since_s.push(since);
      }
      const words = { site: ["s"], province: ["p"], mineral: ["m"], model: ["x"] };
      Object.assign(words, { state: a.map((u) => u[1]), reason: a.map((u) => u[2]) });
      fleet.take({ t: 1, month: [1405, 9], words, fixed, live, live_columns: Object.keys(live) });
      return [...fleet.units.values()].sort(m.byTrouble).map((u) => u.id).join("");
    })()"""
    assert ask(page, "fleet_units", order, units) == "ecfbdhga"


@pytest.mark.parametrize(
    ("frame", "followed"),
    [
        ({"t": 7_201_000}, True),
        ({"t": 7_150_000}, True),  # known already
        ({"t": 3_600_000}, False),  # the clock was set back an hour
        ({"t": 3_600_000, "now": 7_201_000}, True),  # only says that the link stands
        ({"t": 9_001_000}, False),  # another hour in Tehran: the month may have turned
    ],
)
def test_frames_that_the_table_cannot_follow(page: Page, frame: dict[str, int], followed: bool) -> None:
    table = {"t": 7_200_000, "words": {}, "live_columns": [], "live": {}, "fixed": {"id": []}, "month": None}
    told = {"from": 0, "units": {}, **frame}
    expression = "(() => { const f = new m.Fleet(); f.take(a[0]); return f.frame(a[1]); })()"
    assert ask(page, "fleet_units", expression, [table, told]) is followed
