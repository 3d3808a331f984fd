from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from api.alerting.book import AlertRecord
from api.alerting.database import AlertDatabase
from api.alerting.models import AlertKind
from api.notify.outbox import CLAIM_MS, FIRST_WAIT_MS, GIVE_UP_MS, LONGEST_WAIT_MS, Outbox, channel_id
from api.notify.sender import Sender, apprise_channels
from api.notify.texts import REASONS_FA, Message, digest, message, persian_number, sentences
from orewatch.plant.states import StateReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_795_000_000_000
LETTER = Message("title", "body")


class Clock:
    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


class Mailbox:
    """A channel that takes, refuses, or breaks, as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.mood = "takes"

    async def send(self, title: str, body: str) -> bool:
        await asyncio.sleep(0)
        if self.mood == "breaks":
            raise ConnectionError("https://secret-token@example")
        if self.mood == "takes":
            self.taken.append(f"{title}/{body}")
        return self.mood == "takes"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[AlertDatabase]:
    made = AlertDatabase.open(tmp_path / "alerts.db")
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sender(database: AlertDatabase, clock: Clock, *boxes: Mailbox) -> Sender:
    names = [f"box{n}" for n in range(len(boxes))]
    outbox = Outbox(database=database, channels=names)
    return Sender(outbox=outbox, channels=dict(zip(names, boxes, strict=True)), now_ms=clock)


async def test_each_channel_gets_a_letter_once(database: AlertDatabase, clock: Clock) -> None:
    boxes = (Mailbox(), Mailbox())
    made = sender(database, clock, *boxes)
    assert made._outbox.put(LETTER, alert=1, event="raised", now_ms=NOW) == 2
    assert made._outbox.put(LETTER, alert=1, event="raised", now_ms=NOW) == 0
    assert await made.send_due() == 2
    assert await made.send_due() == 0
    assert [box.taken for box in boxes] == [["title/body"]] * 2


@pytest.mark.parametrize("mood", ["refuses", "breaks"])
async def test_again_later_each_time_later_until_taken(
    database: AlertDatabase, clock: Clock, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    box, well = Mailbox(), Mailbox()
    made = sender(database, clock, box, well)
    made._outbox.put(LETTER, alert=1, event="raised", now_ms=NOW)
    box.mood = mood
    wait = FIRST_WAIT_MS
    for _ in range(12):
        await made.send_due()
        clock.ms += wait - 1
        assert await made.send_due() == 0
        clock.ms += 1
        wait = min(2 * wait, LONGEST_WAIT_MS)
    assert well.taken == ["title/body"], "the other channel is not told again"
    box.mood = "takes"
    assert await made.send_due() == 1
    assert made._outbox.counts() == {"waiting": 0, "sent": 2, "given_up": 0}
    assert "secret" not in caplog.text


async def test_a_crash_while_sending_repeats_it(database: AlertDatabase, clock: Clock) -> None:
    box = Mailbox()
    made = sender(database, clock, box)
    made._outbox.put(LETTER, alert=1, event="raised", now_ms=NOW)
    assert len(made._outbox.claim("box0", NOW)) == 1  # and then the process dies
    assert await made.send_due() == 0
    clock.ms += CLAIM_MS
    assert await made.send_due() == 1


async def test_nobody_reads_that_it_is_over_before_that_it_began(database: AlertDatabase, clock: Clock) -> None:
    box = Mailbox()
    made = sender(database, clock, box)
    made._outbox.put(Message("raised", ""), alert=1, event="raised", now_ms=NOW)
    box.mood = "refuses"
    await made.send_due()
    box.mood = "takes"
    clock.ms += 1000  # the first letter still waits for its next turn
    made._outbox.put(Message("cleared", ""), alert=1, event="cleared", now_ms=clock.ms)
    made._outbox.put(Message("other", ""), alert=2, event="raised", now_ms=clock.ms)
    assert await made.send_due() == 1
    clock.ms += FIRST_WAIT_MS
    await made.send_due()
    assert box.taken == ["other/", "raised/", "cleared/"]


async def test_a_healed_channel_gets_at_once_what_it_refused(database: AlertDatabase, clock: Clock) -> None:
    box = Mailbox()
    made = sender(database, clock, box)
    box.mood = "refuses"
    for alert in (1, 2, 3):
        made._outbox.put(Message(f"{alert}", ""), alert=alert, event="raised", now_ms=clock.ms)
        for _ in range(8 if alert == 1 else 2):
            await made.send_due()
            clock.ms += FIRST_WAIT_MS * 2
    box.mood = "takes"
    clock.ms += FIRST_WAIT_MS * 4
    await made.send_due()
    assert sorted(box.taken) == ["1/", "2/", "3/"]
    assert made._outbox.counts() == {"waiting": 0, "sent": 3, "given_up": 0}


async def test_a_channel_that_hangs_keeps_no_other_waiting(
    database: AlertDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def send(self, title: str, body: str) -> bool:
            await asyncio.Event().wait()
            return bool(title or body)

    monkeypatch.setattr("api.notify.sender.PERIOD_S", 0.01)
    well = Mailbox()
    outbox = Outbox(database=database, channels=["hangs", "well"])
    made = Sender(outbox=outbox, channels={"hangs": Hanging(), "well": well}, now_ms=lambda: NOW)
    running = asyncio.create_task(made.run())
    for number in range(30):
        outbox.put(Message(f"{number}", ""), alert=number, event="raised", now_ms=NOW)
        await asyncio.sleep(0.01)
    for _ in range(200):
        if len(well.taken) == 30:
            break
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(well.taken) == 30
    assert outbox.counts() == {"waiting": 30, "sent": 30, "given_up": 0}


async def test_not_for_ever(database: AlertDatabase, clock: Clock) -> None:
    box = Mailbox()
    made = sender(database, clock, box)
    made._outbox.put(LETTER, alert=1, event="raised", now_ms=NOW)
    box.mood = "refuses"
    clock.ms += GIVE_UP_MS
    await made.send_due()
    assert made._outbox.counts() == {"waiting": 0, "sent": 0, "given_up": 1}


async def test_a_channel_that_is_gone_is_given_up_with_the_reason(database: AlertDatabase, clock: Clock) -> None:
    Outbox(database=database, channels=["old"]).put(LETTER, alert=1, event="raised", now_ms=NOW)
    await sender(database, clock, Mailbox()).send_due()
    assert database.rows("SELECT given_up FROM outbox")[0]["given_up"] == "the channel is no longer configured"


def test_a_letter_is_rolled_back_with_its_alert(database: AlertDatabase) -> None:
    outbox = Outbox(database=database, channels=["box"])

    def half() -> None:
        with database.transaction():
            outbox.put(LETTER, alert=1, event="raised", now_ms=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert outbox.counts()["waiting"] == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own
async def test_apprise_delivers_and_no_address_is_kept_or_logged(
    database: AlertDatabase, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bodies: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(200 if len(bodies) > 1 else 500)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    caplog.set_level(logging.DEBUG)
    url = f"json://hushhush@127.0.0.1:{server.server_port}/hushhush-path/"
    channels = apprise_channels([url, "nonsense://"])
    outbox = Outbox(database=database, channels=[channel_id(url)])
    made = Sender(outbox=outbox, channels=channels, now_ms=clock)
    outbox.put(Message("mn-01: بی‌کار", "سه تن"), alert=1, event="raised", now_ms=NOW)
    assert await made.send_due() == 0
    clock.ms += FIRST_WAIT_MS
    assert await made.send_due() == 1
    server.shutdown()
    server.server_close()
    assert len(bodies) == 2
    assert "hushhush" not in caplog.text
    assert not any("hushhush" in str(tuple(row)) for row in database.rows("SELECT * FROM outbox"))


RECORD = AlertRecord(
    id=7,
    unit="mn-01",
    kind=AlertKind.IDLE,
    priority="medium",
    reason="upstream_stopped",
    onset_ms=1_795_422_600_000,  # 2026-11-23 08:30 UTC, 2 Azar 1405 12:00 in Tehran
    raised_ms=1_795_422_900_000,
    recorded_ms=NOW,
    changed_ms=NOW,
)


def test_english_and_persian() -> None:
    said = sentences(RECORD, 9.61)
    assert said["en"] == "mn-01 is idle since 2026-11-23 12:00 Tehran time (upstream stopped); 9.6 t lost."
    assert "۱۴۰۵/۰۹/۰۲" in said["fa"]
    assert "۱۲:۰۰" in said["fa"]  # noqa: RUF001 - Persian
    assert "۹٫۶" in said["fa"]  # noqa: RUF001 - Persian


def test_messages_by_language_and_with_a_link() -> None:
    both = message(RECORD, "raised", "both", "https://mine.example/")
    assert both.title == "mn-01: بی‌کار | mn-01: idle"
    assert both.body.endswith("https://mine.example/units/mn-01")
    over = message(replace(RECORD, cleared_ms=RECORD.onset_ms + 5_400_000), "cleared", "en", None)
    assert over == (
        "mn-01: idle - over",
        "mn-01 is no longer idle: over at 2026-11-23 13:30 Tehran time after 1.5 h.",
    )


def test_a_digest_is_one_message_with_event_times() -> None:
    told = digest("mn-01", [replace(RECORD, cleared_ms=RECORD.onset_ms + 3_600_000), RECORD], "en", None)
    assert told.body.count("2026-11-23 12:00") == 2
    assert "nothing to do now" in told.body


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("event", ["raised", "cleared"])
def test_every_kind_has_words(kind: AlertKind, event: str) -> None:
    record = replace(RECORD, kind=kind, cleared_ms=RECORD.raised_ms, figures={"mean_tph": 5.0, "target_tph": 8.0})
    assert all(message(record, event, language, None).body for language in ("en", "fa", "both"))


def test_every_reason_has_a_persian_word() -> None:
    assert {reason.value for reason in StateReason} - {"none"} <= set(REASONS_FA)


def test_persian_digits() -> None:
    assert persian_number("1405.90") == "۱۴۰۵٫۹۰"  # noqa: RUF001 - Persian
