"""What people read of orewatch's own troubles, in English and in Persian: what is wrong, and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.alerting.models import AlertKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.alerting.book import AlertRecord

TITLE_EN: Mapping[AlertKind, str] = {
    AlertKind.COLLECTOR_SILENT: "collector silent",
    AlertKind.COLLECTOR_BEHIND: "collector behind",
    AlertKind.STORE_DOWN: "store down",
    AlertKind.DISK_FILLING: "disk filling",
    AlertKind.OUTBOX_STUCK: "messages not sent",
    AlertKind.CERTIFICATE_AGEING: "certificate ends",
    AlertKind.SERVER_CLOCK: "server clock wrong",
}
TITLE_FA: Mapping[AlertKind, str] = {
    AlertKind.COLLECTOR_SILENT: "خاموشی گردآورنده",
    AlertKind.COLLECTOR_BEHIND: "عقب‌ماندن گردآورنده",
    AlertKind.STORE_DOWN: "قطع پایگاه داده",
    AlertKind.DISK_FILLING: "پر شدن دیسک",
    AlertKind.OUTBOX_STUCK: "پیام‌های نرسیده",
    AlertKind.CERTIFICATE_AGEING: "پایان گواهی",
    AlertKind.SERVER_CLOCK: "ساعت نادرست سرور",
}
# Reason by reason, with places for figures: what is wrong; what goes on, what does not.
_EN: Mapping[tuple[AlertKind, str], str] = {
    (AlertKind.COLLECTOR_SILENT, "no_record"): (
        "The collector has not reported since {since}. Live values and alerts go on; nothing new is recorded until it "
        "runs again, and units keep what they have measured"
    ),
    (AlertKind.COLLECTOR_BEHIND, "no_broker"): (
        "The collector has had no link to the broker since {since}. Units keep what they have measured"
    ),
    (AlertKind.COLLECTOR_BEHIND, "queue"): (
        "The collector cannot keep up since {since}: its queue is {queue_pct} % full. Units send again what is dropped"
    ),
    (AlertKind.COLLECTOR_BEHIND, "projection"): (
        "The collector is behind with {store} since {since}: {blocks} blocks wait. History comes late; nothing is lost"
    ),
    (AlertKind.STORE_DOWN, "unreadable"): (
        "The store has not answered since {since}. Live values and alerts go on; charts and history do not"
    ),
    (AlertKind.STORE_DOWN, "unwritable"): (
        "{store} has taken nothing since {since}: {blocks} blocks wait in the journal. Nothing is lost"
    ),
    (AlertKind.DISK_FILLING, "scarce"): "The {disk} disk is almost full: {free_gib} GiB are left",
    (AlertKind.DISK_FILLING, "soon"): "The {disk} disk will be full in {hours} h at this rate: {free_gib} GiB are left",
    (AlertKind.OUTBOX_STUCK, "not_taken"): (
        "{waiting} message(s) to people wait since {since} and longer: a channel does not take them"
    ),
    (AlertKind.CERTIFICATE_AGEING, "ends"): (
        "A certificate of the collector ends in {days} days. After that it cannot connect to the broker"
    ),
    (AlertKind.CERTIFICATE_AGEING, "ended"): (
        "A certificate of the collector has ended. At its next connection the broker will refuse it"
    ),
    (AlertKind.SERVER_CLOCK, "ahead"): (
        "The server's clock is {off_s} s ahead of the clocks of most units ({units} asked)"
    ),
    (AlertKind.SERVER_CLOCK, "behind"): (
        "The server's clock is {off_s} s behind the clocks of most units ({units} asked)"
    ),
}
_FA: Mapping[tuple[AlertKind, str], str] = {
    (AlertKind.COLLECTOR_SILENT, "no_record"): (
        "گردآورنده از {since} گزارشی نداده است. مقدارهای زنده و هشدارها برقرارند؛ "
        "تا راه‌افتادن دوبارهٔ آن چیزی ثبت نمی‌شود و واحدها داده‌هایشان را نزد خود نگه می‌دارند"
    ),
    (AlertKind.COLLECTOR_BEHIND, "no_broker"): (
        "ارتباط گردآورنده با کارگزار پیام از {since} قطع است. واحدها داده‌هایشان را نزد خود نگه می‌دارند"
    ),
    (AlertKind.COLLECTOR_BEHIND, "queue"): (
        "گردآورنده از {since} از کار عقب مانده و صف آن {queue_pct}٪ پر است. آنچه جا نشود، واحدها دوباره می‌فرستند"
    ),
    (AlertKind.COLLECTOR_BEHIND, "projection"): (
        "گردآورنده از {since} در انتقال داده به \u2068{store}\u2069 عقب است: {blocks} بسته در صف مانده. "
        "تاریخچه دیر می‌رسد ولی چیزی از دست نمی‌رود"
    ),
    (AlertKind.STORE_DOWN, "unreadable"): (
        "پایگاه داده از {since} پاسخ نمی‌دهد. مقدارهای زنده و هشدارها برقرارند؛ نمودارها و تاریخچه در دسترس نیستند"
    ),
    (AlertKind.STORE_DOWN, "unwritable"): (
        "\u2068{store}\u2069 از {since} داده‌ای نمی‌پذیرد: {blocks} بسته در دفتر ثبت منتظر است. چیزی از دست نمی‌رود"
    ),
    (AlertKind.DISK_FILLING, "scarce"): "دیسک {disk} رو به پر شدن است: {free_gib} گیگابایت مانده",
    (AlertKind.DISK_FILLING, "soon"): (
        "دیسک {disk} با این روند تا {hours} ساعت دیگر پر می‌شود: {free_gib} گیگابایت مانده"
    ),
    (AlertKind.OUTBOX_STUCK, "not_taken"): (
        "{waiting} پیام از {since} یا پیش از آن فرستاده نشده است: یکی از راه‌های پیام‌رسانی آن‌ها را نمی‌پذیرد"  # noqa: RUF001 - Persian
    ),
    (AlertKind.CERTIFICATE_AGEING, "ends"): (
        "اعتبار یکی از گواهی‌های گردآورنده تا {days} روز دیگر به پایان می‌رسد. "
        "پس از آن، اتصال به کارگزار پیام برقرار نمی‌شود"
    ),
    (AlertKind.CERTIFICATE_AGEING, "ended"): (
        "اعتبار یکی از گواهی‌های گردآورنده به پایان رسیده است. در اتصال بعدی، کارگزار پیام آن را نمی‌پذیرد"
    ),
    (AlertKind.SERVER_CLOCK, "ahead"): (
        "ساعت سرور {off_s} ثانیه از ساعت بیشتر واحدها جلوتر است (از {units} واحد پرسیده شد)"
    ),
    (AlertKind.SERVER_CLOCK, "behind"): (
        "ساعت سرور {off_s} ثانیه از ساعت بیشتر واحدها عقب‌تر است (از {units} واحد پرسیده شد)"
    ),
}
_DISK_FA: Mapping[str, str] = {"collector": "گردآورنده", "service": "سامانه"}
_DISK_EN: Mapping[str, str] = {"collector": "collector's", "service": "service's"}


def own_sentences(record: AlertRecord, since: tuple[str, str], to_persian: Callable[[str], str]) -> dict[str, str]:
    """Return an alert on orewatch itself in one or two sentences per language.

    ``since``: its onset in both languages; ``to_persian``: a figure in Persian digits.
    """
    figures = {name: "?" if value is None else str(value) for name, value in record.figures.items()}
    disk = figures.get("disk", "")
    english = _filled(_EN, record, figures | {"since": since[0], "disk": _DISK_EN.get(disk, disk)})
    persian = {n: v if n == "store" else to_persian(v) for n, v in figures.items()}
    return {
        "en": english + ".",
        "fa": _filled(_FA, record, persian | {"since": since[1], "disk": _DISK_FA.get(disk, disk)}) + ".",
    }


def reasons() -> set[tuple[AlertKind, str]]:
    """Return every reason that there are words for."""
    return set(_EN) & set(_FA)


def _filled(words: Mapping[tuple[AlertKind, str], str], record: AlertRecord, figures: Mapping[str, str]) -> str:
    pattern = words.get((record.kind, record.reason))
    titles = TITLE_EN if words is _EN else TITLE_FA
    if pattern is None:
        # Written by another version.
        return titles[record.kind]
    return pattern.format_map(_Known(figures))


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"
