"""The forms of the page of inputs, in both languages: what is typed is understood, and faults stand beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.system.pages.inputs_page import NOON, at_noon, clock, done, field, opened, put, rows, save
from tests.system.pages.plant import HOUR_MS

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

FORMS: list[tuple[str, dict[str, str], dict[str, str], dict[str, Any], str]] = [
    ("ore", {}, {"ore": "VN-شمال", "moisture_pct": "۶٫۵"}, {"ore": "VN-شمال", "moisture_pct": 6.5}, "moisture 6.5 %"),  # noqa: RUF001
    ("targets", {}, {"tph": "١٢٫٥"}, {"tph": 12.5, "ore": None}, "12.5 t/h"),  # noqa: RUF001
    (
        "assays",
        {"element": "Mn"},
        {"feed": "15", "concentrate": "۲۵٫۵", "tailings": "۴", "laboratory": "Karaj"},  # noqa: RUF001
        {"element": "Mn", "feed": 15, "concentrate": 25.5, "tailings": 4, "laboratory": "Karaj"},
        "concentrate 25.5 %",
    ),
    (
        "scale-epochs",
        {},
        {"zero_drift_pct": "-۰٫۴"},  # noqa: RUF001
        {"zero_drift_pct": -0.4, "span_error_pct": None},
        "zero drift -0.4 %",
    ),
    (
        "stops",
        {"code": "water"},
        {"note": "<script>alert(1)</script>"},
        {"code": "water", "effect": "delay"},
        "No water",
    ),
]


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize(("kind", "chosen", "typed", "own", "text"), FORMS, ids=[form[0] for form in FORMS])
def test_each_form_says_what_was_typed(
    visit: Visit,
    fake: FakeService,
    language: str,
    kind: str,
    chosen: dict[str, str],
    typed: dict[str, str],
    own: dict[str, Any],
    text: str,
) -> None:
    page = opened(visit, kind, language=language, name="<script>alert(2)</script>")
    for name, value in chosen.items():
        field(page, name).locator("select").select_option(value)
    put(page, **typed)
    save(page)
    expect(done(page)).to_have_text("Saved." if language == "en" else "ثبت شد.")
    [entry] = fake.inputs.entries("mn-01", kind)
    assert dict(entry.own) == own
    assert entry.by == "<script>alert(2)</script>"
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("<script>alert(2)</script>")
    if language == "en":
        expect(rows(page)).to_contain_text(text)
        expect(page.locator(f"#tab-{kind}")).not_to_contain_text("nothing entered")
    else:
        shown = re.sub(r"<script>\S+</script>|VN-\S+|Mn|Karaj", "", rows(page).inner_text())
        assert re.findall(r"[0-9A-Za-z]", shown) == []


def test_recovery_is_shown_with_its_error_or_the_reason(visit: Visit, fake: FakeService) -> None:
    page = opened(visit, "assays")
    field(page, "element").locator("select").select_option("Mn")
    put(page, feed="5", concentrate="50", tailings="0.8", laboratory="Karaj")
    expect(page.locator("[role=tabpanel]:visible .remark")).to_have_text("Concentrate > feed > tailings: in order.")
    save(page)
    expect(rows(page).first).to_contain_text("recovery 85.4 ± 0.7 %, yield 8.5 %")
    expect(page.locator("#tab-assays")).to_contain_text("85.4 ± 0.7")
    field(page, "element").locator("select").select_option("Fe")
    put(page, feed="25", concentrate="35", tailings="20", laboratory="Karaj")
    save(page)
    expect(rows(page).filter(has_text="feed 25 %")).to_contain_text("no recovery: its error would exceed 5 points")
    assert len(fake.inputs.entries("mn-01", "assays")) == 2


def test_impossible_assays_are_refused_before_they_are_sent(visit: Visit, fake: FakeService) -> None:
    page = opened(visit, "assays")
    field(page, "element").locator("select").select_option("Mn")
    put(page, feed="18", concentrate="15", tailings="4", laboratory="Karaj")
    expect(page.locator("[role=tabpanel]:visible .remark")).to_contain_text("must be above the feed, 18 %")
    save(page)
    expect(field(page, "concentrate")).to_contain_text("The concentrate must be above the feed, 18 %.")
    expect(field(page, "concentrate").locator("input")).to_be_focused()
    put(page, concentrate="30", tailings="19")
    save(page)
    expect(field(page, "tailings")).to_contain_text("The tailings must be below the feed, 18 %.")
    assert fake.inputs.posts == []


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("1,5", "two ways"),
        ("abc", "Not a number. Allowed: 0 to below 100"),
        ("100", "Too large. Allowed: 0 to below 100."),
        ("-1", "Too small"),
        ("", "Please fill this in."),
    ],
)
def test_faults_stand_beside_their_field(visit: Visit, fake: FakeService, typed: str, fault: str) -> None:
    page = opened(visit, "ore")
    put(page, ore="VN", moisture_pct=typed)
    save(page)
    control = field(page, "moisture_pct").locator("input")
    expect(control).to_be_focused()
    expect(control).to_have_attribute("aria-invalid", "true")
    message = page.locator(f"#{(control.get_attribute('aria-describedby') or '').split()[-1]}")
    expect(message).to_contain_text(fault)
    assert fake.inputs.posts == []
    control.fill("۶٫۵")  # noqa: RUF001 - Persian digits
    expect(message).to_be_hidden()
    expect(field(page, "moisture_pct").locator("output")).to_have_text("= 6.5 %")


def test_without_a_name_nothing_is_sent(visit: Visit, fake: FakeService) -> None:
    page = opened(visit, "ore", name="", language="fa")
    put(page, ore="VN", moisture_pct="6")
    save(page)
    expect(page.locator("#who input")).to_be_focused()
    expect(page.locator("#who")).to_contain_text("لطفاً این را پر کنید.")
    assert fake.inputs.posts == []


def test_times_are_tehrans_by_the_services_clock(visit: Visit, fake: FakeService) -> None:
    at_noon(fake)  # whatever the browser's clock says
    page = opened(visit, "ore", language="fa")
    expect(field(page, "from").locator(".time-field")).to_have_value("۱۵:۰۰")  # noqa: RUF001 - Persian digits
    expect(field(page, "from").locator("option:checked")).to_have_text("امروز، ۲ آذر")
    put(page, ore="VN", moisture_pct="۶")
    clock(page, "from", "۰۷:۳۰", "2026-11-21")  # noqa: RUF001 - Persian digits
    expect(field(page, "from").locator("option:checked")).to_have_text("شنبه ۳۰ آبان ۱۴۰۵")
    save(page)
    expect(done(page)).to_be_visible()
    [entry] = fake.inputs.entries("mn-01", "ore")
    assert datetime.fromtimestamp(entry.from_ms / 1000, UTC).isoformat() == "2026-11-21T04:00:00+00:00"


def test_what_is_to_come_is_refused_but_for_planned_stops(visit: Visit, fake: FakeService) -> None:
    at_noon(fake)
    page = opened(visit, "ore")
    put(page, ore="VN", moisture_pct="6")
    clock(page, "from", "15:30")
    save(page)
    expect(field(page, "from")).to_contain_text("still to come")
    page.locator("#tab-stops").click()
    field(page, "code").locator("select").select_option("water")
    clock(page, "from", "08:00", "2026-11-24")
    save(page)
    expect(field(page, "from")).to_contain_text("Only planned stops may be booked ahead.")
    field(page, "code").locator("select").select_option("maintenance")
    save(page)
    expect(field(page, "to")).to_contain_text("A stop that is still to come needs an end.")
    clock(page, "to", "07:00", "2026-11-24")
    save(page)
    expect(field(page, "to")).to_contain_text("not after the beginning")
    assert fake.inputs.posts == []
    clock(page, "to", "12:00", "2026-11-24")
    save(page)
    expect(rows(page)).to_contain_text("Maintenance · 24 Nov, 08:00 to 12:00")
    expect(page.locator("#tab-stops")).to_contain_text("next: Maintenance, 24 Nov, 08:00")


def test_an_overlapping_stop_is_refused_with_the_other_in_words(visit: Visit, fake: FakeService) -> None:
    at_noon(fake)
    fake.inputs.say(
        "mn-01", "stops", code="road", effect="delay", from_ms=NOON - 3 * HOUR_MS, to_ms=NOON - HOUR_MS, by="B. Rad"
    )
    page = opened(visit, "stops")
    field(page, "code").locator("select").select_option("water")
    clock(page, "from", "13:00")
    clock(page, "to", "14:30")
    save(page)
    expect(field(page, "from")).to_contain_text(
        "Another stop is booked for part of this time. It is: Road closed · 12:00 to 14:00 (by \u2068B. Rad\u2069)."
    )
    expect(field(page, "from").locator("select")).to_have_attribute("aria-invalid", "true")
    # It is kept as refused until it is put right, also over a reload.
    refused = page.locator(".outbox-list [data-state=refused]")
    expect(refused).to_contain_text("No water")
    page.reload()
    refused.get_by_role("button", name="Correct").click()
    expect(field(page, "from")).to_contain_text("It is: Road closed")
    expect(field(page, "code").locator("select")).to_have_value("water")
    clock(page, "from", "14:00")
    save(page)
    expect(done(page)).to_have_text("Saved.")
    expect(page.locator(".outbox")).to_be_hidden()
    assert len(fake.inputs.entries("mn-01", "stops")) == 2
