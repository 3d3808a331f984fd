"""What the judge remembers, kept across restarts in the alerts' database, as one whole: apart it means nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.alerting.book import AlertBook
    from api.alerting.database import AlertDatabase
    from api.live.judge import Judge

log = logging.getLogger(__name__)

WHOLE = ""
LONGEST_MS = 26 * 3_600_000


def save(database: AlertDatabase, judge: Judge) -> None:
    """Keep what ``judge`` remembers."""
    text = orjson.dumps(judge.to_dict(), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    database.put_carry([(WHOLE, judge.now_ms, text.decode())])


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
