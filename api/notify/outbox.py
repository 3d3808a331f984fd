"""The outbox: what is to be told to whom, until it was told. At least once, and sent only after success.

A channel is known by a digest of its URL: URLs carry tokens and are neither stored nor logged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.alerting.database import AlertDatabase
    from api.notify.texts import Message

FIRST_WAIT_MS = 5_000
LONGEST_WAIT_MS = 900_000
GIVE_UP_MS = 7 * 86_400_000
# Long enough for the slowest sender; a crash while sending repeats the message after it.
CLAIM_MS = 120_000


def channel_id(url: str) -> str:
    """Return the short name of a channel: stable, and useless to whoever reads it."""
    return hashlib.blake2b(url.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one channel; ``attempts`` counts this one too."""

    id: int
    channel: str
    title: str
    body: str
    created_ms: int
    attempts: int


class Outbox:
    """Letters in the alerts' database; written in the alert's own transaction."""

    def __init__(self, *, database: AlertDatabase, channels: Sequence[str]) -> None:
        self.database = database
        self.channels = tuple(channels)

    def put(self, message: Message, *, alert: int | None, event: str, now_ms: int) -> int:
        """Write a letter to every channel; the same event of the same alert is written once. Returns how many."""
        with self.database.transaction() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO outbox (channel, alert, event, title, body, created_ms, due_ms) VALUES (?,?,?,?,?,?,?)"
                " ON CONFLICT DO NOTHING",
                [(c, alert, event, message.title, message.body, now_ms, now_ms) for c in self.channels],
            )
            return connection.total_changes - before

    def waiting_channels(self, now_ms: int) -> list[str]:
        """Return the channels, those no longer configured among them, that letters are due for."""
        rows = self.database.rows(
            "SELECT DISTINCT channel FROM outbox WHERE sent_ms IS NULL AND given_up IS NULL AND due_ms <= ?", (now_ms,)
        )
        return [row["channel"] for row in rows]

    def claim(self, channel: str, now_ms: int, limit: int = 5) -> list[Letter]:
        """Take letters of a channel that are due. Unless marked :meth:`sent` or :meth:`failed`, they come again.

        Of one alert only the oldest: nobody is told that something is over, and then that it began.
        """
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT id, channel, title, body, created_ms, attempts FROM outbox AS o"
                " WHERE sent_ms IS NULL AND given_up IS NULL AND due_ms <= ? AND channel = ? AND NOT EXISTS ("
                "SELECT 1 FROM outbox AS older WHERE older.channel = o.channel AND older.alert = o.alert"
                " AND older.id < o.id AND older.sent_ms IS NULL AND older.given_up IS NULL)"
                " ORDER BY id LIMIT ?",
                (now_ms, channel, limit),
            ).fetchall()
            letters = [
                Letter(r["id"], r["channel"], r["title"], r["body"], r["created_ms"], r["attempts"] + 1) for r in rows
            ]
            connection.executemany(
                "UPDATE outbox SET attempts = attempts + 1, due_ms = ? WHERE id = ?",
                [(now_ms + CLAIM_MS, letter.id) for letter in letters],
            )
            return letters

    def sent(self, letter: Letter, now_ms: int) -> None:
        """The channel took it: what it refused before may be tried again at once."""
        with self.database.transaction() as connection:
            connection.execute("UPDATE outbox SET sent_ms = ? WHERE id = ? AND sent_ms IS NULL", (now_ms, letter.id))
            if letter.attempts > 1:
                connection.execute(
                    "UPDATE outbox SET due_ms = ? WHERE channel = ? AND sent_ms IS NULL AND given_up IS NULL"
                    " AND due_ms > ?",
                    (now_ms, letter.channel, now_ms),
                )

    def failed(self, letter: Letter, reason: str, now_ms: int) -> None:
        """The channel did not take it: again later, each time later, and not for ever."""
        give_up = reason if now_ms - letter.created_ms >= GIVE_UP_MS else None
        wait = min(FIRST_WAIT_MS * 2 ** min(letter.attempts - 1, 16), LONGEST_WAIT_MS)
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET due_ms = ?, given_up = ? WHERE id = ?", (now_ms + wait, give_up, letter.id)
            )

    def abandon(self, letter: Letter, reason: str) -> None:
        """Nobody can take it, ever: kept, with the reason."""
        with self.database.transaction() as connection:
            connection.execute("UPDATE outbox SET given_up = ? WHERE id = ?", (reason, letter.id))

    def waiting(self) -> tuple[int, int | None]:
        """Return how many letters wait, and when the one that waits longest was written, None where none does."""
        row = self.database.rows(
            "SELECT count(*) AS n, min(created_ms) AS oldest FROM outbox WHERE sent_ms IS NULL AND given_up IS NULL"
        )[0]
        return row["n"], row["oldest"]

    def counts(self) -> dict[str, int]:
        """Return how many letters wait, were sent, were given up."""
        waiting, _ = self.waiting()
        # Each from an index: the letters of years are not read.
        row = self.database.rows(
            "SELECT count(*) AS n, (SELECT count(*) FROM outbox WHERE given_up IS NOT NULL) AS given_up FROM outbox"
        )[0]
        return {"waiting": waiting, "sent": row["n"] - waiting - row["given_up"], "given_up": row["given_up"]}
