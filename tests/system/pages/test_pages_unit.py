"""The unit page: gauges, levels, quality, countdown, alerts, controls, strip and trends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.plant import Told

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def test_every_signal_has_its_place_and_moves(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    expect(page.locator(".tile")).to_have_count(12)
    expect(page.locator(".machine")).to_have_count(0)
    page.get_by_role("button", name="Every signal").click()
    expect(page.locator(".machine")).to_have_count(12)
    analog = sum(s.kind == "analog" for _, s in fake.units["pb-01"].signals())
    expect(page.locator(".machine button.bar")).to_have_count(analog)
    scale = page.locator(".tile[data-machine=scale] .bar")
    before = scale.locator(".pointer").get_attribute("x")
    fake.told["pb-01"].forced["scale.mass_flow"] = (1.0, 192)
    expect(scale).to_contain_text("1.00")
    assert scale.locator(".pointer").get_attribute("x") != before
    page.get_by_role("button", name="Every signal").click()
    expect(page.locator(".machine")).to_have_count(0)


def test_a_machine_opens_with_all_its_signals_and_closes_again(visit: Visit) -> None:
    page = visit("/units/pb-01")
    mill = page.locator(".tile[data-machine=mill] .tile-head")
    mill.press("Enter")
    card = page.locator(".machine[data-machine=mill]")
    expect(card.locator("button.bar")).to_have_count(3)
    expect(card).to_be_focused()
    expect(page.locator(".machine")).to_have_count(1)
    card.get_by_role("button", name="Close Ball mill").click()
    expect(page.locator(".machine")).to_have_count(0)
    expect(mill).to_be_focused()


def test_levels_have_colour_and_word(visit: Visit, fake: FakeService) -> None:
    jaw = fake.told["pb-01"].forced
    jaw["jaw.bearing_temperature"] = (78.4, 192)
    jaw["mill.trunnion_temperature"] = (76.1, 192)
    jaw["mill.winding_temperature"] = (158.0, 192)
    jaw["feeder.level"] = (6.0, 192)
    page = visit("/units/pb-01")
    hot = page.locator(".tile .bar", has_text="Bearing temperature")
    expect(hot).to_have_attribute("data-level", "warn")
    expect(hot.locator(".remark")).to_have_text("high")
    trip = page.locator(".tile[data-machine=mill] .bar", has_text="Trunnion")
    expect(trip).to_have_attribute("data-level", "trip")
    expect(trip).to_have_attribute("aria-label", re.compile("76.1 °C, trip"))
    expect(page.locator(".tile[data-machine=feeder] .bar", has_text="Level").locator(".remark")).to_have_text("low")
    # What has no gauge on its tile is named there all the same.
    unseen = page.locator(".tile[data-machine=mill] .tile-alarm")
    expect(unseen).to_have_text("Winding temperature 158.0 °C: high")
    unseen.click()
    expect(page.locator(".trend[data-ref='mill.winding_temperature']")).to_be_visible()


def test_a_machine_at_rest_raises_no_low_alarm(visit: Visit, fake: FakeService) -> None:
    fake.told["pb-01"].forced |= {"mill.running": (0.0, 192), "mill.power": (0.0, 192)}
    page = visit("/units/pb-01")
    mill = page.locator(".tile[data-machine=mill]")
    expect(mill).to_have_attribute("data-run", "stop")
    expect(mill.locator(".tile-lamp")).to_have_text("Stopped")
    expect(mill.locator(".bar", has_text="Power")).not_to_have_attribute("data-level", re.compile("."))


def test_bad_and_stale_values_look_it(visit: Visit, fake: FakeService) -> None:
    fake.told["pb-01"].forced |= {"cone.lube_temperature": (None, 0), "screen.acceleration": (8.4, 500)}
    page = visit("/units/pb-01")
    bad = page.locator(".tile[data-machine=cone] .bar", has_text="Lube temperature")
    expect(bad).to_have_attribute("data-trust", "bad")
    expect(bad).to_contain_text("bad reading")
    expect(bad.locator(".value")).to_have_text("\N{EN DASH}")
    expect(page.locator(".tile[data-machine=screen] .bar")).to_have_attribute("data-trust", "stale")


def test_a_lost_unit_marks_every_gauge(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    gauges = page.locator(".tile .bar").count
    expect(page.locator(".tile .bar[data-trust=good]").nth(20)).to_be_visible()
    assert gauges() == 21
    fake.told["pb-01"] = Told("COMMS_LOSS", "silent", 400_000, 5.4, 31.9, connection="lost", silent_ms=400_000)
    expect(page.locator(".contact")).to_contain_text("No contact with the unit since")
    expect(page.locator(".tile .bar[data-trust=lost]")).to_have_count(21)
    expect(page.locator(".tile .bar").first).to_contain_text("last known")
    expect(page.locator(".tile[data-run=unknown]").first).to_contain_text("not known")


def test_the_rule_counts_down_in_sight(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    expect(page.locator(".tile").first).to_be_visible()
    assert not page.locator(".pending").is_visible()
    fake.told["pb-01"].pending = {"state": "IDLE", "rule": "idle", "remaining_s": 187, "total_s": 300}
    expect(page.locator(".pending")).to_contain_text("Idle in 3:07")
    expect(page.locator(".pending")).to_contain_text("Standing idle")
    fake.told["pb-01"].pending = {"state": "IDLE", "rule": "idle", "remaining_s": 9, "total_s": 300}
    expect(page.locator(".pending")).to_contain_text("0:09")


def test_an_alert_is_acknowledged_and_commented(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    alert = page.locator(".alerts-body > .alert-list > .alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("Standing idle")
    expect(alert).to_contain_text("9.2 t lost")
    alert.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Please enter your name first").first).to_be_visible()
    assert fake.alerts[0]["state"] == "UNACK"
    page.get_by_label("Your name").fill("a.karimi")
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_contain_text("acknowledged by a.karimi")
    assert fake.alerts[0]["acknowledged_by"] == "a.karimi"
    alert.get_by_role("button", name="Comment").click()
    alert.get_by_label("Your comment").fill("<b>liner</b> worn")
    alert.get_by_role("button", name="Send").click()
    expect(alert.locator(".note-text")).to_have_text("<b>liner</b> worn")
    assert fake.alerts[0]["notes"][0]["by"] == "a.karimi"
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("a.karimi")


def test_the_demo_controls_act_and_show_what_is_on(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/bx-01")
    button = page.get_by_role("button", name="Stop the feeder")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert fake.on == {("bx-01", "stop_feeder")}
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert fake.on == set()
    for name in ("Block the chute", "Heat a bearing", "Cut the link"):
        expect(page.get_by_role("button", name=name)).to_be_visible()


def test_the_strip_tells_the_day(visit: Visit) -> None:
    page = visit("/units/mn-01")
    expect(page.locator(".segment")).to_have_count(11)
    expect(page.locator(".segment").last).to_have_attribute("data-state", "IDLE")
    expect(page.locator(".legend")).to_contain_text("Planned stop")
    expect(page.locator(".legend")).to_contain_text("1 h 12 min")
    expect(page.locator(".strip-body .readout")).to_contain_text("feeder stopped")
    page.locator(".strip-frame").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".strip-body .readout")).to_contain_text("Blocked")
    page.get_by_text("Changes of state").click()
    expect(page.locator(".changes tbody tr").first).to_contain_text("Idle")


def test_trends_have_history_and_go_on_live(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/pb-01")
    expect(page.locator(".tile .bar[data-trust=good]").first).to_be_visible()
    assert page.locator(".trend").count() == 0  # fetched when somebody comes near
    page.locator("#trends").scroll_into_view_if_needed()
    expect(page.locator(".trend")).to_have_count(3)
    line = page.locator(".trend .line").first
    expect(line).to_have_attribute("d", re.compile("^M.*L"))
    before = line.get_attribute("d")
    fake.told["pb-01"].forced["scale.mass_flow"] = (2.5, 192)
    expect(page.locator(".trend[data-ref='scale.mass_flow'] .readout")).to_contain_text("2.50 t/h")
    assert line.get_attribute("d") != before
    page.get_by_role("button", name="24 h").click()
    # The hole in the recorded hour stays a hole.
    expect(line).to_have_attribute("d", re.compile("M.*M"))
    page.locator(".tile[data-machine=jaw] .bar", has_text="Bearing").press("Enter")
    expect(page.locator(".trend")).to_have_count(4)
    page.get_by_role("button", name=re.compile("Close the trend of Jaw")).click()
    expect(page.locator(".trend")).to_have_count(3)


def test_an_unknown_unit_is_said_to_be_unknown(visit: Visit) -> None:
    page = visit("/units/xx-99")
    expect(page.get_by_text("There is no unit of this name.")).to_be_visible()
    page.get_by_role("link", name="Back to the fleet").click()
    expect(page.locator("h1")).to_contain_text("units")
