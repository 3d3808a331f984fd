"""What people entered is kept until the service has it, and sent once, whatever the link, page or service do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.system.pages.stops_page import KEPT, emptied, named, tap

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService


def test_offline_then_reloaded_then_online_it_is_sent_once(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("waiting to be sent")
    expect(page.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    expect(page.locator(".outbox")).to_contain_text("No ore")
    assert fake.inputs.posts == []
    # The link is back for the page, but the service refuses; then the page is loaded anew.
    fake.refusing = True
    page.context.set_offline(False)
    page.goto(page.url)
    assert page.evaluate(KEPT) == 1
    fake.refusing = False
    expect(page.locator(".booked")).to_contain_text("A. Karimi", timeout=20_000)
    expect(page.locator(".outbox")).to_be_hidden(timeout=20_000)
    assert page.evaluate(KEPT) == 0
    assert [entry.own["code"] for entry in fake.inputs.entries("mn-01", "stops")] == ["no_ore"]
    assert len({body["key"] for _, body in fake.inputs.posts}) == 1


def test_the_fleet_page_sends_what_waits(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(page.locator(".outbox")).to_be_visible()
    page.context.route("**/stops", lambda route: route.abort())
    page.context.set_offline(False)
    page.goto(page.url.split("/units")[0])
    expect(page.locator("tbody tr")).to_have_count(4)
    assert fake.inputs.entries("mn-01", "stops") == []
    page.context.unroute("**/stops")
    emptied(page)
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_an_answer_that_was_lost_makes_no_second_entry(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    lost: list[int] = []

    def lose(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
        else:
            lost.append(route.fetch().status)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

    page.route("**/stops", lose)
    tap(page, "No ore")
    expect(page.locator(".booked")).to_contain_text("until it runs again", timeout=20_000)
    assert lost == [201]
    assert len(fake.inputs.posts) == 2
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_changed_and_undone_while_it_may_have_arrived(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503] * 3
    tap(page, "No ore")
    expect(page.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    tap(page, "Choke")  # the first was tried already: it is corrected, not forgotten
    expect(page.locator(".outbox")).to_be_hidden(timeout=30_000)
    [entry] = fake.inputs.entries("mn-01", "stops")
    assert entry.own["code"] == "choke"
    assert entry.corrects is not None
    fake.inputs.fail = [503] * 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    emptied(page)
    assert fake.inputs.entries("mn-01", "stops") == []


def test_two_pages_send_it_once(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".stop-reason").first).to_be_visible()
    page.context.set_offline(True)
    tap(page, "No ore")
    expect(other.locator(".outbox")).to_contain_text("Waiting to be sent: 1")
    page.context.set_offline(False)
    expect(other.locator(".outbox")).to_be_hidden(timeout=20_000)
    expect(page.locator(".outbox")).to_be_hidden(timeout=20_000)
    assert [path for path, _ in fake.inputs.posts] == ["/api/v1/units/mn-01/stops"]


def test_a_session_that_ended_asks_for_the_token_and_goes_on(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [401]
    fake.token = "correct horse"
    # Tapped in the moment in which the session ends, before any question of the page has found it out.
    page.evaluate("document.querySelector('.stop-reason').click()")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Token").fill("correct horse")
    assert page.evaluate(KEPT) == 1
    dialog.get_by_role("button", name="Enter").click()
    expect(page.locator(".booked")).to_contain_text("until it runs again")
    assert len(fake.inputs.entries("mn-01", "stops")) == 1


def test_what_overlaps_is_refused_and_discarded_in_sight(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    since = fake.now_ms() - fake.told["mn-01"].for_ms
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.say("mn-01", "stops", code="road", effect="delay", from_ms=since - 60_000, to_ms=since + 60_000)
    tap(page, "No ore")
    refused = page.locator(".outbox-list [data-state=refused]")
    expect(refused).to_contain_text("Another stop is booked for part of this time.")
    expect(page.locator("#stop h2")).to_have_text("Why does it stand?")
    page.reload()
    expect(refused).to_be_visible()
    expect(refused.get_by_role("link", name="Correct")).to_have_attribute("href", "/units/mn-01/inputs#stops")
    refused.get_by_role("button", name="Discard").click()
    expect(page.locator(".outbox")).to_be_hidden()


def test_without_storage_it_is_kept_in_memory_and_said(visit: Visit, fake: FakeService) -> None:
    page = visit("/")
    page.add_init_script(
        "const refuse = () => { throw new DOMException('no', 'SecurityError'); };"
        "Object.defineProperty(window, 'localStorage', { get: refuse });"
    )
    page.goto(page.url.split("?")[0] + "units/mn-01?lang=en")
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503]
    tap(page, "No ore")
    page.keyboard.type("A. Karimi")
    page.keyboard.press("Enter")
    expect(page.locator(".outbox")).to_contain_text("This browser keeps nothing")
    expect(page.locator(".booked")).to_contain_text("until it runs again", timeout=20_000)


def test_a_full_outbox_refuses_loudly(visit: Visit, fake: FakeService) -> None:
    page = visit("/units/mn-01")
    named(page)
    expect(page.locator(".stop-reason").first).to_be_visible()
    fake.inputs.fail = [503] * 100
    page.evaluate(
        """() => {
          const one = { unit: "mn-01", kind: "ore", action: "add", id: null, after: null, at: null, tries: 0 };
          const body = { by: "A", ore: "X", moisture_pct: 1, from: "2026-01-01T00:00:00Z" };
          for (let order = 0; order < 500; order += 1) {
            const entry = { ...one, key: `k${order}`, order, state: "waiting", problem: null, body };
            localStorage.setItem(`orewatch.outbox.k${order}`, JSON.stringify(entry));
          }
        }"""
    )
    tap(page, "No ore")
    expect(page.locator("#stop .fault").first).to_contain_text("500 entries wait already")
    assert page.evaluate(KEPT) == 500
