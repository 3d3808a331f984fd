"""What people read: one sentence per alert, in English and in Persian, with Persian digits and Jalali dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import jdatetime

from api.alerting.models import OWN_KINDS, AlertKind
from api.notify.own_texts import TITLE_EN, TITLE_FA, own_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.alerting.book import AlertRecord

TEHRAN = ZoneInfo("Asia/Tehran")
HOUR_MS = 3_600_000
_PERSIAN_DIGITS = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")  # noqa: RUF001 - Persian

KIND_EN: Mapping[AlertKind, str] = {
    AlertKind.IDLE: "idle",
    AlertKind.UNDERPERFORMING: "underperforming",
    AlertKind.NOT_PRODUCING: "not producing",
    AlertKind.COMMS_LOSS: "silent",
}
KIND_FA: Mapping[AlertKind, str] = {
    AlertKind.IDLE: "بی‌کار",
    AlertKind.UNDERPERFORMING: "کم‌بازده",
    AlertKind.NOT_PRODUCING: "بدون تولید",
    AlertKind.COMMS_LOSS: "بی‌ارتباط",
}


class Message(NamedTuple):
    """A title and a body."""

    title: str
    body: str


def sentences(record: AlertRecord, lost: float | None) -> dict[str, str]:
    """Return the alert in one sentence per language; ``lost``: tonnes, None where unknown."""
    if record.kind in OWN_KINDS:
        return own_sentences(record, _tehran(record.onset_ms), persian_number)
    figures = record.figures
    english, persian = _cause(record)
    since_en, since_fa = _tehran(record.onset_ms)
    en = f"{record.unit} is {KIND_EN[record.kind]} since {since_en}{english}"
    fa = f"{record.unit} از {since_fa} {KIND_FA[record.kind]} است{persian}"
    mean, target = figures.get("mean_tph"), figures.get("target_tph")
    if record.kind is AlertKind.UNDERPERFORMING and isinstance(mean, float) and isinstance(target, float) and target:
        en += f": {mean:.1f} t/h, {100 * mean / target:.0f} % of the target"
        fa += f": {persian_number(f'{mean:.1f}')} تن در ساعت، {persian_number(f'{100 * mean / target:.0f}')}٪ هدف"
    if lost is not None and lost >= 0.05:  # noqa: PLR2004 - rounds to 0.1 t
        en += f"; {lost:.1f} t lost"
        fa += f"؛ {persian_number(f'{lost:.1f}')} تن از دست رفته"
    return {"en": en + ".", "fa": fa + "."}


def message(record: AlertRecord, event: str, language: str, base_url: str | None) -> Message:
    """Return what is sent when an alert was ``raised`` or ``cleared``; language en, fa or both."""
    if record.kind in OWN_KINDS:
        return _own_message(record, event, language, base_url)
    both = sentences(record, record.tonnes_lost)
    if event == "cleared" and record.cleared_ms is not None:
        hours = (record.cleared_ms - record.onset_ms) / HOUR_MS
        at_en, at_fa = _tehran(record.cleared_ms)
        hours_fa = persian_number(f"{hours:.1f}")
        both = {
            "en": f"{record.unit} is no longer {KIND_EN[record.kind]}: over at {at_en} after {hours:.1f} h.",
            "fa": f"{record.unit} دیگر {KIND_FA[record.kind]} نیست: پایان {at_fa} پس از {hours_fa} ساعت.",
        }
    titles = {
        "en": f"{record.unit}: {KIND_EN[record.kind]}" + (" - over" if event == "cleared" else ""),
        "fa": f"{record.unit}: {KIND_FA[record.kind]}" + (" - پایان" if event == "cleared" else ""),
    }
    return _assemble(titles, both, language, f"{base_url.rstrip('/')}/units/{record.unit}" if base_url else None)


def _own_message(record: AlertRecord, event: str, language: str, base_url: str | None) -> Message:
    """Return what is sent of orewatch's own troubles; there is no unit to link to."""
    both = sentences(record, None)
    over = event == "cleared" and record.cleared_ms is not None
    if over and record.cleared_ms is not None:
        hours = f"{(record.cleared_ms - record.onset_ms) / HOUR_MS:.1f}"
        at_en, at_fa = _tehran(record.cleared_ms)
        both = {
            "en": f"Over at {at_en} after {hours} h.",
            "fa": f"پایان {at_fa} پس از {persian_number(hours)} ساعت.",
        }
    titles = {
        "en": f"{record.unit}: {TITLE_EN[record.kind]}" + (" - over" if over else ""),
        "fa": f"اورواچ: {TITLE_FA[record.kind]}" + (" - پایان" if over else ""),
    }
    return _assemble(titles, both, language, f"{base_url.rstrip('/')}/alerts/{record.id}" if base_url else None)


def digest(unit: str, records: list[AlertRecord], language: str, base_url: str | None) -> Message:
    """Return one message for what late data showed: nobody is paged about the past."""
    en = [f"Late data of {unit} shows {len(records)} past event(s); nothing to do now:"]
    fa = [f"داده‌های دیررسیده {unit}: {persian_number(str(len(records)))} رویداد گذشته؛ اقدامی لازم نیست:"]
    for record in records:
        hours = ((record.cleared_ms or record.raised_ms) - record.onset_ms) / HOUR_MS
        at_en, at_fa = _tehran(record.onset_ms)
        en.append(f"- {KIND_EN[record.kind]} from {at_en}, {hours:.1f} h")
        fa.append(f"- {KIND_FA[record.kind]} از {at_fa}، {persian_number(f'{hours:.1f}')} ساعت")
    titles = {"en": f"{unit}: late data", "fa": f"{unit}: داده‌های دیررسیده"}
    bodies = {"en": "\n".join(en), "fa": "\n".join(fa)}
    return _assemble(titles, bodies, language, f"{base_url.rstrip('/')}/units/{unit}" if base_url else None)


def persian_number(text: str) -> str:
    """Return digits and decimal point as Persian ones."""
    return text.translate(_PERSIAN_DIGITS)


def _assemble(titles: Mapping[str, str], bodies: Mapping[str, str], language: str, link: str | None) -> Message:
    languages = ("fa", "en") if language == "both" else (language,)
    body = "\n".join(bodies[x] for x in languages)
    return Message(" | ".join(titles[x] for x in languages), f"{body}\n{link}" if link else body)


def _cause(record: AlertRecord) -> tuple[str, str]:
    english = record.reason.replace("_", " ")
    persian = REASONS_FA.get(record.reason)
    if english in {"", "none", KIND_EN[record.kind]}:
        return "", ""
    return f" ({english})", f" ({persian})" if persian else ""


def _tehran(at_ms: int) -> tuple[str, str]:
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(TEHRAN)
    jalali = jdatetime.datetime.fromgregorian(datetime=local.replace(tzinfo=None))
    return f"{local:%Y-%m-%d %H:%M} Tehran time", persian_number(f"{jalali:%Y/%m/%d} ساعت {local:%H:%M}")


REASONS_FA: Mapping[str, str] = {
    "silent": "بدون پیام",
    "learning": "هنوز شناخته نشده",
    "clock_off": "ساعت نادرست",
    "planned": "توقف برنامه‌ریزی‌شده",
    "not_scheduled": "خارج از برنامه",
    "coded": "علت اعلام‌شده",
    "tripped": "قطع حفاظتی",
    "failure_code": "کد خرابی",
    "de_energised": "بی‌برق",
    "plugged": "گرفتگی شوت",
    "high_load": "بار زیاد",
    "hopper_empty": "قیف خالی",
    "upstream_stopped": "بالادست متوقف",
    "drives_off": "محرک‌ها خاموش",  # noqa: RUF001 - Persian
    "no_load": "بدون بار",
    "started": "راه‌اندازی",
    "below_target": "پایین‌تر از هدف",
    "severe": "بسیار پایین‌تر از هدف",
    "hard_ore": "سنگ سخت",
    "feed": "کمبود خوراک",
    "producing": "در حال تولید",
    "comms_loss": "بی‌ارتباط",
    "planned_stop": "توقف برنامه‌ریزی‌شده",
    "breakdown": "خرابی",
    "stopped_uncoded": "توقف بی‌دلیل ثبت‌شده",
    "blocked": "گرفتگی",
    "starved": "بی‌خوراک",
    "idle": "بی‌کار",
    "running": "در کار",
    "underperforming": "کم‌بازده",
}
