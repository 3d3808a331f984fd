"""Sound for new alerts: only for those who asked, once per alert, again each minute, silent about the past."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.system.pages.alerts_fake import raise_alert

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

# Notes the tones instead of making them; the browser's own is there to say whether it may sound.
RECORDER = """() => {
  window.tones = [];
  let touched = false;
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => (touched = true), { capture: true });
  window.AudioContext = class {
    state = "suspended"; currentTime = 0; destination = {};
    async resume() {
      if (!touched) return;
      this.state = "running";
      this.onstatechange?.();
    }
    async close() { this.state = "closed"; }
    createOscillator() {
      const note = { frequency: { value: 0 }, connect: (to) => to, stop() {} };
      note.start = () => window.tones.push(note.frequency.value);
      return note;
    }
    createGain() { return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect: (to) => to }; }
  };
}"""
HIGH = [880, 660, 880, 660, 880]
MEDIUM = [660, 660]
LOW = [440]


@pytest.fixture
def listen(visit: Visit) -> Callable[[], Page]:
    def open_page() -> Page:
        page = visit("/alerts")
        page.add_init_script(f"({RECORDER})()")
        page.clock.install()
        page.reload()
        expect(page.locator("#open .alert-row").first).to_be_visible()
        return page

    return open_page


def tones(page: Page) -> Any:
    page.wait_for_timeout(700)  # some frames
    return page.evaluate("window.tones.splice(0)")


def switch(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Sound for new alerts")).click()


def test_silent_until_somebody_asks(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    raise_alert(fake, "bx-01", "comms_loss", "high")
    expect(page.locator("#open .alert-row")).to_have_count(3)
    assert tones(page) == []


def test_each_priority_has_its_tones_and_sounds_once(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    switch(page)
    assert tones(page) == LOW  # the test tone; nothing for what stood there already
    for priority, expected in (("high", HIGH), ("medium", MEDIUM), ("low", LOW)):
        raise_alert(fake, "bx-01", "limit", priority)
        expect(page.locator("#open .alert-row")).to_have_count(len(fake.alerts) - 1)
        assert tones(page) == expected
    assert tones(page) == []
    raise_alert(fake, "pb-01", "limit", "low")
    raise_alert(fake, "zn-01", "limit", "high")  # two at once make one sound, the graver one's
    expect(page.locator("#open .alert-row")).to_have_count(len(fake.alerts) - 1)
    assert tones(page)[-5:] == HIGH


def test_what_nobody_takes_says_so_again_each_minute(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    switch(page)
    raised = raise_alert(fake, "bx-01", "comms_loss", "high")
    expect(page.locator("#open .alert-row")).to_have_count(3)
    assert tones(page) == LOW + HIGH
    page.clock.fast_forward(61_000)
    assert tones(page) == HIGH
    raised["state"] = "ACKED"
    fake.alerts_changed += 1
    expect(page.locator(".alert-row[data-id='4'] .pill")).to_have_text("acknowledged")
    page.clock.fast_forward(61_000)
    assert tones(page) == []


def test_the_choice_is_remembered_and_waits_for_a_touch(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    switch(page)
    page.reload()
    button = page.get_by_role("button", name=re.compile("Sound for new alerts"))
    expect(button).to_have_attribute("aria-pressed", "true")
    assert tones(page) == []  # what is there already is silent
    page.locator("h1").click()
    expect(button).to_have_text("Sound is on")
    raise_alert(fake, "bx-01", "comms_loss", "medium")
    expect(page.locator("#open .alert-row")).to_have_count(3)
    assert tones(page) == MEDIUM
    switch(page)
    raise_alert(fake, "pb-01", "comms_loss", "high")
    expect(page.locator("#open .alert-row")).to_have_count(4)
    assert tones(page) == []


def test_touching_the_button_that_waits_only_wakes_it(listen: Callable[[], Page]) -> None:
    page = listen()
    switch(page)
    page.reload()
    button = page.get_by_role("button", name=re.compile("Sound for new alerts"))
    expect(button).to_have_text("Sound waits: touch the page once")
    button.press("Enter")  # by the keyboard: a shorter word makes the button slip away under a pointer
    expect(button).to_have_text("Sound is on")
    switch(page)
    expect(button).to_have_attribute("aria-pressed", "false")


def test_what_comes_back_from_shelving_sounds(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    switch(page)
    raised = raise_alert(fake, "bx-01", "comms_loss", "high")
    row = page.locator(f".alert-row[data-id='{raised['id']}']")
    expect(row).to_be_visible()
    assert tones(page) == LOW + HIGH
    for state in ("SHLVD", "UNACK"):
        raised["state"] = state
        fake.alerts_changed += 1
        expect(row).to_have_attribute("data-state", state)
    assert tones(page) == HIGH


def test_sound_that_was_asked_for_comes_also_behind_another_tab(listen: Callable[[], Page], fake: FakeService) -> None:
    page = listen()
    switch(page)
    assert tones(page) == LOW
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { get: () => true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.clock.fast_forward(65_000)
    page.wait_for_timeout(1_500)
    raise_alert(fake, "bx-01", "comms_loss", "high")
    expect(page.locator("#open .alert-row")).to_have_count(3)
    assert tones(page) == HIGH
