"""What the judge remembers, kept across restarts in the alerts' database, as one whole: apart it means nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson

from api.live.usual_book import UsualBook

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.alerting.book import AlertBook
    from api.alerting.database import AlertDatabase
    from api.live.judge import Judge

log = logging.getLogger(__name__)

WHOLE, REPLAYED = "", "replayed"
# What a start without memory looks back over, for so many units; a larger fleet must not wait longer for its alerts.
FRESH_MS, FRESH_UNITS, FRESH_LEAST_MS = 4 * 3_600_000, 200, 900_000
LONGEST_MS = 26 * 3_600_000


def back_ms(units: int) -> int:
    """Return how far a start without memory looks back."""
    if not units:
        return 0
    return max(FRESH_LEAST_MS, FRESH_MS * FRESH_UNITS // max(FRESH_UNITS, units))


def save(database: AlertDatabase, judge: Judge, *, replayed_from_ms: int | None = None) -> None:
    """Keep what ``judge`` remembers; ``replayed_from_ms``: all of it since then was replayed from the store."""
    text = orjson.dumps(judge.to_dict(), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    carries = [(WHOLE, judge.now_ms, text.decode())]
    if replayed_from_ms is not None:
        carries.append((REPLAYED, judge.now_ms, str(replayed_from_ms)))
    fresh = judge.paces.fresh()
    with database.transaction():
        database.put_carry(carries)
        UsualBook(database=database).keep([(judge.units[number].id, window) for number, window in fresh])
    judge.paces.forget_fresh()


async def recall_usual(database: AlertDatabase, judge: Judge) -> None:
    """Take in the windows that baselines are made of, unit by unit beside everything else: they are many."""
    book = UsualBook(database=database)
    for number, unit in enumerate(list(judge.units)):
        judge.paces[number].usual.remember(await asyncio.to_thread(book.of, unit.id))


def replayed_from(database: AlertDatabase, now_ms: int) -> int | None:
    """Return since when the memory of ``now_ms`` was replayed from the store, with nothing after it; None otherwise."""
    kept = database.carries().get(REPLAYED)
    return int(kept[1]) if kept is not None and kept[0] == now_ms and kept[1].isascii() and kept[1].isdigit() else None


def restored(database: AlertDatabase, now_ms: int, new_judge: Callable[[int], Judge]) -> Judge | None:
    """Return a judge that remembers, made by ``new_judge(start_ms)``; None where nothing of use was kept."""
    kept = database.carries().get(WHOLE)
    if kept is None or not 0 <= now_ms - kept[0] <= LONGEST_MS:
        return None
    judge = new_judge(kept[0])
    try:
        judge.restore(orjson.loads(kept[1]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("what was remembered cannot be read, beginning anew: %s", error)
        return None
    return judge


def reconcile(judge: Judge, book: AlertBook) -> None:
    """Let memory follow the book, which is what people saw, where a crash left them apart."""
    standing = book.standing()
    judge.forget_cleared({(record.unit, record.kind) for record in standing})
    for record in standing:
        judge.adopt(record.unit, record.kind, record.onset_ms, record.raised_ms)
